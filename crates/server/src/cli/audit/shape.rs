//! Events and heads, for scripts and for people.

use std::io::Write as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relatch_core::{
    Timestamp,
    event::{EventRow, chain::Record, head::SignedHead},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    cli::{Failure, session, words},
    http::time,
};

/// A row as lists show it.
pub(super) fn row(event: &EventRow) -> Value {
    json!({
        "number": event.number,
        "at": time(event.at),
        "event": event.name,
        "user": (!event.user.0.is_nil()).then_some(event.user.0),
        "session": event.session.map(|id| id.0),
        "address": event.address,
        "agent": event.agent,
        "detail": event.detail,
    })
}

/// The cells of a row.
pub(super) fn cells(event: &EventRow) -> [String; 7] {
    let detail = event.detail.as_ref();
    [
        event.number.to_string(),
        words::moment(event.at),
        event.name.clone(),
        if event.user.0.is_nil() {
            String::new()
        } else {
            event.user.to_string()
        },
        event.session.map_or_else(String::new, |id| id.to_string()),
        if event.address.is_some() || event.agent.is_some() {
            session::origin(event)
        } else {
            String::new()
        },
        detail.map_or_else(String::new, |detail| words::foreign(&detail.to_string())),
    ]
}

/// A row as it was hashed: times in milliseconds, and the detail to the letter.
pub(super) fn record(record: &Record) -> Value {
    json!({
        "number": record.number,
        "at": record.at,
        "name": text(&record.name),
        "user": id(&record.user),
        "session": record.session.as_deref().map(id),
        "address": record.address.as_deref().map(text),
        "agent": record.agent.as_deref().map(text),
        "detail": record.detail.as_deref().map(text),
    })
}

/// The same in a line for people.
pub(super) fn line(record: &Record) -> String {
    let nobody = record.user.iter().all(|byte| *byte == 0);
    let user = if nobody {
        "-".to_owned()
    } else {
        id(&record.user)
    };
    let parts = [
        Some(record.number.to_string()),
        Some(words::moment(Timestamp::from_millis(record.at))),
        Some(text(&record.name)),
        Some(user),
        record.session.as_deref().map(id),
        record.address.as_deref().map(text),
        record.agent.as_deref().map(text),
        record.detail.as_deref().map(text),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    words::foreign(&parts.join("  "))
}

/// A head with what it takes to find the row that changed.
pub(super) fn head(head: &SignedHead) -> Value {
    json!({ "head": head.jws(), "links": URL_SAFE_NO_PAD.encode(&head.links) })
}

/// Prints a line; false if nobody reads any more.
pub(super) fn print(line: &str) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::Failed(format!(
            "the output cannot be written: {error}"
        ))),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What is no id was put there by somebody else.
fn id(bytes: &[u8]) -> String {
    Uuid::from_slice(bytes).map_or_else(|_| relatch_core::key::to_hex(bytes), |id| id.to_string())
}
