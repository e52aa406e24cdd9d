//! `relatch db`: the database as a whole. What it does to the file is the store's business.

mod check;
mod restore;
mod stats;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use relatch_core::{Timestamp, event::EventKind, key::KeyTable};
use relatch_store::{BackupError, Migrated, OpenError, postgres, sqlite};
use serde_json::json;

use super::{
    Failure, chain,
    output::Output,
    place::{self, Located, Place},
};
use crate::{
    clock::{Clock as _, SystemClock},
    database::{Source, of_server},
    http::time,
    keyring::{self, MasterSource},
};

/// What can be done with the database.
#[derive(Subcommand)]
pub(super) enum Db {
    /// Copy a SQLite database as it is now into a new file, beside a running server; never the master key.
    Backup {
        /// The new file.
        file: PathBuf,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: Output,
    },
    /// Put a backup in the place of a SQLite database while no server runs; the database that was there is kept.
    Restore(restore::Restore),
    /// Look whether the database is whole and its keys open: exit code 4 if not.
    Check {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: Output,
    },
    /// Bring the database of an older Relatch to the schema of this one, for SQLite while no server runs.
    ///
    /// A start of `relatch serve` does it, too. Other commands change no schema: an older server may be at work. Back the
    /// database up before: an older Relatch does not know the new schema.
    Migrate {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: Output,
    },
    /// Count what is in the database.
    Stats {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: Output,
    },
}

/// Runs one of them.
pub(super) fn run(command: &Db) -> Result<(), Failure> {
    match command {
        Db::Backup {
            file,
            place,
            output,
        } => backup(file, place, *output),
        Db::Restore(restore) => restore.run(),
        Db::Check { place, output } => check::run(place, *output),
        Db::Migrate { place, output } => migrate(place, *output),
        Db::Stats { place, output } => stats::run(place, *output),
    }
}

fn backup(file: &Path, place: &Place, output: Output) -> Result<(), Failure> {
    let located = place.locate()?.must_exist()?;
    let options = located.file()?;
    let now = SystemClock.now();
    let taken = sqlite::backup(options, file, now).map_err(|error| match error {
        BackupError::Open(error) => unusable(&options.path, error),
        other => chain(other),
    })?;
    let event = place::administrator(now).event_of_store(EventKind::BackupTaken);
    sqlite::record(options, &event).map_err(|error| {
        format!(
            "{} was written, but that is not on record: {}",
            file.display(),
            chain(error)
        )
    })?;
    let value = json!({
        "file": file,
        "taken_at": time(now),
        "bytes": taken.bytes,
        "log_bytes": taken.log_bytes,
        "master_key_included": false,
    });
    output.print(&value, || {
        format!(
            "{} holds the database as it was at {} ({} bytes).\n\
             The master key is not in it, and without that nobody can use it: keep {} somewhere else.",
            file.display(),
            time(now),
            taken.bytes,
            MasterSource::of(&located.config)
        )
    });
    Ok(())
}

fn migrate(place: &Place, output: Output) -> Result<(), Failure> {
    let located = place.locate()?.must_exist()?;
    let migrated = match &located.source {
        Source::Sqlite(options) => {
            sqlite::update(options).map_err(|error| unusable(&options.path, error))?
        }
        Source::Postgres(options) => place::runtime()?
            .block_on(postgres::update(options))
            .map_err(|error| chain(of_server(options, error)))?,
    };
    let Migrated { from, to } = migrated;
    let database = located.source.to_string();
    let value = json!({ "database": database, "from": from, "to": to });
    output.print(&value, || {
        if from == to {
            format!("{database} has schema {to}: there was nothing to do.")
        } else {
            format!("{database} has schema {to} now; it had {from}.")
        }
    });
    Ok(())
}

fn unusable(path: &Path, error: OpenError) -> String {
    format!(
        "the database {} cannot be used: {}",
        path.display(),
        chain(error)
    )
}

/// Why the keys do not open under the master key beside the database, if they do not.
fn locked(located: &Located, keys: &KeyTable, now: Timestamp) -> Option<String> {
    let opened = keyring::open_only(keys, &located.config, now);
    opened.err().map(chain)
}
