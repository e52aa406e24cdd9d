//! Brings a file to the schema of this binary: numbered steps, each with a checksum, each in one transaction.

use std::{cmp::Ordering, collections::BTreeSet};

use aws_lc_rs::digest;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::{Options, connection::Connector, folder::Presence, row::Fault};
use crate::migrated::Migrated;

/// "RELA": tells a Relatch file from other SQLite files.
const APPLICATION_ID: i32 = 0x5245_4c41;

const STEPS: [(&str, &str); 8] = [
    (
        "0001_sessions",
        include_str!("../../migrations/sqlite/0001_sessions.sql"),
    ),
    (
        "0002_key_turning",
        include_str!("../../migrations/sqlite/0002_key_turning.sql"),
    ),
    (
        "0003_administration",
        include_str!("../../migrations/sqlite/0003_administration.sql"),
    ),
    (
        "0004_roles",
        include_str!("../../migrations/sqlite/0004_roles.sql"),
    ),
    (
        "0005_audit",
        include_str!("../../migrations/sqlite/0005_audit.sql"),
    ),
    (
        "0006_reset_codes",
        include_str!("../../migrations/sqlite/0006_reset_codes.sql"),
    ),
    (
        "0007_revocations",
        include_str!("../../migrations/sqlite/0007_revocations.sql"),
    ),
    (
        "0008_bound_sessions",
        include_str!("../../migrations/sqlite/0008_bound_sessions.sql"),
    ),
];

const LEDGER: &str = "
    CREATE TABLE IF NOT EXISTS migration (
        number   INTEGER NOT NULL PRIMARY KEY,
        name     TEXT    NOT NULL,
        checksum BLOB    NOT NULL
    ) STRICT;
";

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite refused: the file is not there to be had, or is no database.
    #[error("SQLite cannot open the database")]
    Sqlite(#[from] rusqlite::Error),
    /// Another program's database.
    #[error(
        "the database belongs to another program (application id {0:#x}); choose another data folder"
    )]
    Foreign(i32),
    /// Written by a later version.
    #[error(
        "the database has schema {found}, this binary knows up to {known}: run the newer Relatch that wrote it, or restore a backup from before"
    )]
    Newer {
        /// The schema of the file.
        found: usize,
        /// The newest schema known here.
        known: usize,
    },
    /// Written by an earlier version, and whoever opens it here must not change it.
    #[error(
        "the database has schema {found}, this binary has {known}: stop the older server, then `relatch db migrate` brings it up to date, and so does a start of `relatch serve`"
    )]
    Older {
        /// The schema of the file.
        found: usize,
        /// The schema of this binary.
        known: usize,
    },
    /// A step that was applied is not the step of this binary.
    #[error(
        "migration {0} was applied in another form than this binary has: the database was made by a build that was never released"
    )]
    Changed(String),
    /// Somebody is putting another database in its place.
    #[error("a backup is being restored in its folder: try again when that is done")]
    Restoring,
    /// It is to be changed as a whole, and somebody has it open.
    #[error("it is in use: stop the server and whatever else has it open")]
    InUse,
    /// The file has no table in it.
    #[error("the database is empty")]
    Empty,
    /// A row cannot be.
    #[error("a row cannot be: {0}")]
    Corrupt(&'static str),
    /// The file cannot be made, or a thread cannot be started.
    #[error("the system refused")]
    System(#[from] std::io::Error),
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Sqlite(error) => Self::Sqlite(error),
            Fault::Corrupt(what) => Self::Corrupt(what),
        }
    }
}

/// Brings a file that is there to the schema of this binary, when nobody has it open.
///
/// # Errors
/// [`OpenError`]; then nothing has changed.
pub fn update(options: &Options) -> Result<Migrated, OpenError> {
    let _alone = Presence::alone(&options.path)?.ok_or(OpenError::InUse)?;
    let mut connection = Connector::new(&options.path, options.synchronous).connect_to_ours()?;
    let from = newest(&connection, "main")?;
    migrate(&mut connection)?;
    let to = STEPS.len();
    Ok(Migrated { from, to })
}

/// Applies what is missing.
///
/// # Errors
/// [`OpenError`].
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !recognise(&transaction)? {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.execute_batch(LEDGER)?;
    let found = newest(&transaction, "main")?;
    if found > STEPS.len() {
        return Err(OpenError::Newer {
            found,
            known: STEPS.len(),
        });
    }
    for (number, (name, sql)) in (1..).zip(STEPS) {
        apply(&transaction, number, name, sql)?;
    }
    transaction.commit()?;
    Ok(())
}

/// The number of the last step that was applied.
fn newest(connection: &Connection, database: &str) -> rusqlite::Result<usize> {
    let sql = format!("SELECT coalesce(max(number), 0) FROM {database}.migration");
    connection.query_row(&sql, [], |row| row.get(0))
}

/// Refuses a database that this binary could not read as it is, by the name under which it is attached. Changes nothing.
pub(super) fn is_current(connection: &Connection, database: &str) -> Result<(), OpenError> {
    let (found, known) = (newest(connection, database)?, STEPS.len());
    match found.cmp(&known) {
        Ordering::Less => Err(OpenError::Older { found, known }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(OpenError::Newer { found, known }),
    }
}

/// Refuses the database of anybody else and changes nothing; false if it is empty and has yet to be marked as ours.
pub(super) fn recognise(connection: &Connection) -> Result<bool, OpenError> {
    let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (id, tables) {
        (APPLICATION_ID, _) => Ok(true),
        (0, 0) => Ok(false),
        _ => Err(OpenError::Foreign(id)),
    }
}

/// How the schema of a file differs from that of this binary, in sentences. Changes nothing.
pub(super) fn compare(connection: &Connection) -> Result<Vec<String>, OpenError> {
    let mut ours = Connection::open_in_memory()?;
    migrate(&mut ours)?;
    let (ours, theirs) = (Schema::of(&ours)?, Schema::of(connection)?);
    let mut faults = Vec::new();
    let (known, applied) = (ours.steps.len(), theirs.steps.len());
    if applied != known {
        faults.push(format!(
            "the database has schema {applied}, this binary has {known}: `relatch db migrate` brings an older one up to date, a newer one wants the newer Relatch"
        ));
    }
    for (our, their) in ours.steps.iter().zip(&theirs.steps) {
        if our != their {
            faults.push(OpenError::Changed(our.0.clone()).to_string());
        }
    }
    if faults.is_empty() {
        let parts = ours.parts.symmetric_difference(&theirs.parts);
        let names: BTreeSet<_> = parts.map(|part| part.0.as_str()).collect();
        let changed = |name| format!("`{name}` is not as the migrations make it");
        faults.extend(names.into_iter().map(changed));
    }
    Ok(faults)
}

/// What migrations leave behind.
struct Schema {
    /// Name and checksum.
    steps: Vec<(String, Vec<u8>)>,
    /// Name and definition of tables and indexes.
    parts: BTreeSet<(String, Option<String>)>,
}

impl Schema {
    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT name, checksum FROM migration ORDER BY number";
        let mut steps = connection.prepare(sql)?;
        let steps = steps.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        // `ANALYZE` makes tables of its own.
        let sql = "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'";
        let mut parts = connection.prepare(sql)?;
        let parts = parts.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Self {
            steps: steps.collect::<rusqlite::Result<_>>()?,
            parts: parts.collect::<rusqlite::Result<_>>()?,
        })
    }
}

fn apply(connection: &Connection, number: usize, name: &str, sql: &str) -> Result<(), OpenError> {
    let checksum = digest::digest(&digest::SHA256, sql.as_bytes());
    let applied: Option<Vec<u8>> = connection
        .query_row(
            "SELECT checksum FROM migration WHERE number = ?1",
            [number],
            |row| row.get(0),
        )
        .optional()?;
    match applied {
        Some(applied) if applied == checksum.as_ref() => Ok(()),
        Some(_) => Err(OpenError::Changed(name.to_owned())),
        None => {
            connection.execute_batch(sql)?;
            connection.execute(
                "INSERT INTO migration VALUES (?1, ?2, ?3)",
                params![number, name, checksum.as_ref()],
            )?;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> Connection {
        let mut connection = Connection::open_in_memory().expect("opens");
        migrate(&mut connection).expect("migrates");
        connection
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut connection = fresh();
        migrate(&mut connection).expect("migrates again");
        let steps: usize = connection
            .query_row("SELECT count(*) FROM migration", [], |row| row.get(0))
            .expect("counts");
        assert_eq!(steps, STEPS.len());
    }

    /// A user and a live session, as the first schema had them.
    #[test]
    fn a_database_of_the_first_schema_goes_on() {
        let mut connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch(LEDGER).expect("creates");
        let (name, sql) = STEPS[0];
        apply(&connection, 1, name, sql).expect("applies");
        connection
            .pragma_update(None, "application_id", APPLICATION_ID)
            .expect("marks");
        let rows = "INSERT INTO user VALUES (zeroblob(16), 'ada', 'ada@example.com', 'hash', 1, 0, 5);
            INSERT INTO session VALUES (zeroblob(16), zeroblob(16), zeroblob(32), 0, 5, 5, 9, 0, 0, 'x', NULL, NULL);";
        connection.execute_batch(rows).expect("inserts");
        migrate(&mut connection).expect("migrates");
        let sql = "SELECT count(*) FROM session JOIN user ON user.id = user_id WHERE deleted_at IS NULL AND ended_at IS NULL";
        let live: i64 = connection
            .query_row(sql, [], |row| row.get(0))
            .expect("reads");
        assert_eq!(live, 1);
    }

    #[test]
    fn a_newer_database_is_refused_with_a_sentence() {
        let mut connection = fresh();
        connection
            .execute("INSERT INTO migration VALUES (99, 'later', x'00')", [])
            .expect("inserts");
        let error = migrate(&mut connection).expect_err("refused");
        assert!(
            error
                .to_string()
                .contains("schema 99, this binary knows up to"),
            "{error}"
        );
    }

    #[test]
    fn a_changed_step_is_refused() {
        let mut connection = fresh();
        connection
            .execute("UPDATE migration SET checksum = x'00'", [])
            .expect("updates");
        assert!(matches!(
            migrate(&mut connection),
            Err(OpenError::Changed(_))
        ));
    }

    #[test]
    fn the_database_of_another_program_is_left_alone() {
        let mut connection = Connection::open_in_memory().expect("opens");
        connection
            .execute_batch("CREATE TABLE theirs (x)")
            .expect("creates");
        assert!(matches!(
            migrate(&mut connection),
            Err(OpenError::Foreign(0))
        ));
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .expect("counts");
        assert_eq!(tables, 1);
    }
}
