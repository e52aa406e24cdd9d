//! `relatch db check`.

use relatch_store::{OpenError, sqlite};
use serde_json::json;

use super::{
    super::{Failure, chain, output::Output, place::Place},
    locked, unusable,
};
use crate::clock::{Clock as _, SystemClock};

pub(super) fn run(place: &Place, output: Output) -> Result<(), Failure> {
    let located = place.locate()?.must_exist()?;
    let path = &located.options.path;
    let mut checked = match sqlite::check(&located.options) {
        Ok(checked) => checked,
        Err(error @ (OpenError::Restoring | OpenError::System(_))) => {
            return Err(Failure::Failed(unusable(path, error)));
        }
        Err(error) => sqlite::Checked {
            faults: vec![chain(error)],
            ..sqlite::Checked::default()
        },
    };
    let keys = checked.keys.as_ref();
    let why = keys.and_then(|keys| locked(&located, keys, SystemClock.now()));
    checked.faults.extend(why);
    let value = json!({
        "database": path,
        "whole": checked.faults.is_empty(),
        "faults": checked.faults,
        "users": checked.users,
        "sessions": checked.sessions,
    });
    output.print(&value, || {
        if checked.faults.is_empty() {
            return format!(
                "{} is whole: its file, its schema, {} users, {} sessions, and its keys, which open.",
                path.display(),
                checked.users,
                checked.sessions
            );
        }
        checked.faults.join("\n")
    });
    match checked.faults.len() {
        0 => Ok(()),
        1 => Err(Failure::No(format!("{} has a fault", path.display()))),
        faults => Err(Failure::No(format!(
            "{} has {faults} faults",
            path.display()
        ))),
    }
}
