//! `relatch db check`.

use relatch_store::{Checked, OpenError, postgres, sqlite};
use serde_json::json;

use super::{
    super::{
        Failure, chain,
        output::Output,
        place::{self, Place},
    },
    locked, unusable,
};
use crate::{
    clock::{Clock as _, SystemClock},
    database::{Source, of_server},
};

pub(super) fn run(place: &Place, output: Output) -> Result<(), Failure> {
    let located = place.locate()?.must_exist()?;
    let mut checked = look(&located.source)?;
    let keys = checked.keys.as_ref();
    let why = keys.and_then(|keys| locked(&located, keys, SystemClock.now()));
    checked.faults.extend(why);
    let database = located.source.to_string();
    let value = json!({
        "database": database,
        "whole": checked.faults.is_empty(),
        "faults": checked.faults,
        "users": checked.users,
        "sessions": checked.sessions,
    });
    output.print(&value, || {
        if checked.faults.is_empty() {
            let files = match located.source {
                Source::Sqlite(_) => "its file, ",
                Source::Postgres(_) => "",
            };
            return format!(
                "{database} is whole: {files}its schema, {} users, {} sessions, and its keys, which open.",
                checked.users, checked.sessions
            );
        }
        checked.faults.join("\n")
    });
    match checked.faults.len() {
        0 => Ok(()),
        1 => Err(Failure::No(format!("{database} has a fault"))),
        faults => Err(Failure::No(format!("{database} has {faults} faults"))),
    }
}

/// What is found in the database; that it cannot be read as what it is counts as found.
fn look(source: &Source) -> Result<Checked, Failure> {
    let broken = |why| Checked {
        faults: vec![why],
        ..Checked::default()
    };
    match source {
        Source::Sqlite(options) => match sqlite::check(options) {
            Ok(checked) => Ok(checked),
            Err(error @ (OpenError::Restoring | OpenError::System(_))) => {
                Err(Failure::Failed(unusable(&options.path, error)))
            }
            Err(error) => Ok(broken(chain(error))),
        },
        Source::Postgres(options) => match place::runtime()?.block_on(postgres::check(options)) {
            Ok(checked) => Ok(checked),
            Err(error @ (postgres::OpenError::Refused(_) | postgres::OpenError::Tls(_))) => {
                Err(Failure::Failed(chain(of_server(options, error))))
            }
            Err(error) => Ok(broken(chain(error))),
        },
    }
}
