//! `relatch audit verify`.

use std::path::Path;

use relatch_core::{
    Store,
    event::{
        EventQuery, EventRow,
        head::KeptHead,
        seal,
        verify::{Break, Verified, verify},
    },
    key::{Jwk, KeySet},
};
use serde_json::{Value, json};

use crate::{
    cli::{
        Failure, chain,
        place::{Common, Opened},
        words,
    },
    http::time,
    keyring,
};

/// How many beginnings and restored backups are told of.
const MOST: u32 = 100;

pub(super) fn run(head: Option<&Path>, common: &Common) -> Result<(), Failure> {
    let opened = common.place.open()?;
    let table = opened.wait(opened.store.load_keys())?;
    let (keys, _) = keyring::open_only(&table, &opened.config, opened.now()).map_err(chain)?;
    let kept = head.map(|file| kept(file, &opened, &keys.published));
    let kept = kept.transpose()?.unwrap_or_default();
    let store: &dyn Store = opened.store.as_ref();
    let found = opened.wait(verify(store, &keys.published, kept.clone()))?;
    let began = named(&opened, "audit.sealing_began")?;
    let restored = named(&opened, "store.backup_restored")?;
    let value = value(&found, kept.len(), &began, &restored);
    common.output.print(&value, || {
        let mut lines = vec![sentence(&found, kept.len())];
        lines.extend(began.iter().rev().map(told_beginning));
        if matches!(
            found.broken,
            Some(Break::Replaced { .. } | Break::CutOff { .. })
        ) {
            lines.extend(restored.iter().rev().map(told_restoration));
        }
        lines.join("\n")
    });
    match found.broken {
        None => Ok(()),
        Some(broken) => Err(Failure::No(format!(
            "the record is not the one that was written, from row {} on",
            broken.first()
        ))),
    }
}

/// The heads in a file: a JWS a line, or what `export` and `follow` print.
fn kept(file: &Path, opened: &Opened, own: &KeySet) -> Result<Vec<KeptHead>, Failure> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::NotFound(format!("{name} cannot be read: {error}")))?;
    let store: &dyn Store = opened.store.as_ref();
    let taken = opened.wait(seal::keys_taken(store))?;
    let find = |kid: &str| {
        let taken = taken.iter().find(|key: &&Jwk| key.kid() == Some(kid));
        own.find(kid).or(taken).cloned()
    };
    let mut heads = Vec::new();
    for (place, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let parsed: Option<Value> = serde_json::from_str(line).ok();
        let head = match &parsed {
            Some(Value::Object(members)) => members.get("head").and_then(Value::as_str),
            _ => line.split_whitespace().last(),
        };
        let Some(head) = head else { continue };
        let head = KeptHead::read(head, find);
        heads.push(head.map_err(|error| format!("line {place} of {name}: {error}"))?);
    }
    if heads.is_empty() {
        return Err(Failure::Failed(format!("there is no head in {name}")));
    }
    Ok(heads)
}

fn named(opened: &Opened, name: &str) -> Result<Vec<EventRow>, Failure> {
    let query = EventQuery {
        name: Some(name.to_owned()),
        limit: MOST,
        ..EventQuery::default()
    };
    let store: &dyn Store = opened.store.as_ref();
    Ok(opened.wait(store.search_events(query))?)
}

fn value(found: &Verified, kept: usize, began: &[EventRow], restored: &[EventRow]) -> Value {
    let row = |event: &EventRow| json!({ "row": event.number, "at": time(event.at), "detail": event.detail });
    json!({
        "whole": found.broken.is_none(),
        "sealed": found.sealed,
        "unsealed": found.unsealed,
        "heads": found.heads,
        "kept_heads": kept,
        "newest_head": found.newest.as_ref().map(|head| json!({
            "number": head.point.number, "at": time(head.at), "jws": head.jws(),
        })),
        "broken": found.broken.as_ref().map(|broken| json!({
            "kind": broken.name(), "first_row": broken.first(), "why": broken.to_string(),
        })),
        "sealing_began": began.iter().map(row).collect::<Vec<_>>(),
        "backups_restored": restored.iter().map(row).collect::<Vec<_>>(),
    })
}

fn sentence(found: &Verified, kept: usize) -> String {
    if let Some(broken) = &found.broken {
        let before = match broken.first() {
            first if first > 1 => format!(" The rows before row {first} are as they were sealed."),
            _ => String::new(),
        };
        return words::paragraph(&format!("NO: {broken}.{before}"), "");
    }
    let Some(newest) = &found.newest else {
        return "Nothing is sealed yet: a running server does that within a second.".to_owned();
    };
    let waiting = match found.unsealed {
        0 => String::new(),
        1 => " The row after them waits for its seal.".to_owned(),
        rows => format!(" The {rows} rows after them wait for their seal."),
    };
    let agreed = match kept {
        0 => String::new(),
        1 => " The head that was kept elsewhere agrees.".to_owned(),
        heads => format!(" All {heads} heads that were kept elsewhere agree."),
    };
    let text = format!(
        "The record is the one that was written: rows 1 to {}, sealed until {}.{waiting}{agreed}",
        found.sealed,
        words::moment(newest.at)
    );
    words::paragraph(&text, "")
}

/// Whoever removes all heads makes a record that looks like one that was never sealed before.
fn told_beginning(event: &EventRow) -> String {
    let earlier = event
        .detail
        .as_ref()
        .and_then(|detail| detail.get("earlier_events"));
    format!(
        "Sealing began at {} with row {}; {} rows were there before it.",
        words::moment(event.at),
        event.number,
        earlier.unwrap_or(&Value::Null)
    )
}

fn told_restoration(event: &EventRow) -> String {
    format!(
        "A backup was restored at {} (row {}): what was sealed between its taking and then is in the database that was put aside.",
        words::moment(event.at),
        event.number
    )
}
