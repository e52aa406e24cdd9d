//! `relatch key`.

use clap::Subcommand;
use relatch_core::key::{KeyRecord, KeyState, store::KeyStore as _};
use serde_json::{Value, json};

use super::{
    Failure,
    output::{Output, table},
    place::Place,
};
use crate::http::time;

/// What can be done with keys.
#[derive(Subcommand)]
pub(super) enum Key {
    /// List the keys and where each of them stands.
    List {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: Output,
    },
}

/// Runs one of them.
pub(super) fn run(command: &Key) -> Result<(), Failure> {
    match command {
        Key::List { place, output } => list(place, *output),
    }
}

fn list(place: &Place, output: Output) -> Result<(), Failure> {
    let opened = place.open()?;
    let records = opened.wait(opened.store.load_keys())?.records;
    let shown: Vec<_> = records.iter().map(shape).collect();
    output.print(&json!({ "keys": shown }), || {
        let rows: Vec<_> = records.iter().map(row).collect();
        table(["PURPOSE", "ID", "STATE", "SINCE"], &rows)
    });
    Ok(())
}

fn shape(record: &KeyRecord) -> Value {
    let (state, since, until) = describe(record.state);
    json!({
        "purpose": record.purpose.name(),
        "id": record.id,
        "state": state,
        "since": since,
        "until": until,
    })
}

fn row(record: &KeyRecord) -> [String; 4] {
    let (state, since, _) = describe(record.state);
    [
        record.purpose.name().to_owned(),
        record.id.clone(),
        state.to_owned(),
        since,
    ]
}

fn describe(state: KeyState) -> (&'static str, String, Option<String>) {
    match state {
        KeyState::Announced { at } => ("announced", time(at), None),
        KeyState::Active { since } => ("active", time(since), None),
        KeyState::Retired { since, until } => ("retired", time(since), Some(time(until))),
        KeyState::Compromised { at } => ("compromised", time(at), None),
    }
}
