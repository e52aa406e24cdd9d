//! A copy of the database of one moment, beside whoever writes.
//!
//! `VACUUM INTO` reads one snapshot, and so ends however much is written meanwhile; SQLite's backup API begins anew
//! whenever another process writes. What it costs: until it is done the write-ahead log cannot start anew, and grows.

use std::path::{Path, PathBuf};

use relatch_core::{Timestamp, event::Event};
use rusqlite::{Connection, OptionalExtension as _};

use super::{
    OpenError, Options,
    connection::Connector,
    folder::{Presence, Unfinished},
};

/// What a copy has and a database has not. It goes when the copy is restored.
const MARK: &str = "CREATE TABLE backup (taken_at INTEGER NOT NULL) STRICT";

/// A backup that was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken {
    /// The size of the file.
    pub bytes: u64,
    /// What the write-ahead log of the database grew to meanwhile.
    pub log_bytes: u64,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file of that name is there.
    #[error("{0} is there already, and is not overwritten: name another file")]
    Exists(PathBuf),
    /// The copy cannot be written.
    #[error("{path} cannot be written")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// SQLite cannot read the one or write the other.
    #[error("SQLite cannot copy the database")]
    Sqlite(#[from] rusqlite::Error),
}

/// Copies the database into a new file for its owner alone, which carries `now` as the time when it was taken. The
/// database may be in use, and is not changed.
///
/// # Errors
/// [`BackupError`]; then there is no such file.
pub fn backup(options: &Options, to: &Path, now: Timestamp) -> Result<Taken, BackupError> {
    let fault = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
        _ => BackupError::File {
            path: to.to_owned(),
            source,
        },
    };
    let _presence = Presence::among_others(&options.path)?;
    let source = Connector::new(&options.path, options.synchronous).connect_to_ours()?;
    if to.try_exists().map_err(fault)? {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let copy = Unfinished::beside(to, now.as_millis()).map_err(fault)?;
    let name = std::path::absolute(copy.path()).map_err(fault)?;
    let name = name
        .to_str()
        .ok_or_else(|| fault(std::io::ErrorKind::InvalidFilename.into()))?;
    source.execute("VACUUM INTO ?1", [name])?;
    let log = super::folder::with_suffix(&options.path, "-wal");
    let log_bytes = std::fs::metadata(log).map_or(0, |log| log.len());
    mark(copy.path(), now)?;
    let bytes = std::fs::metadata(copy.path()).map_err(fault)?.len();
    copy.finish_as_new(to).map_err(fault)?;
    Ok(Taken { bytes, log_bytes })
}

/// Puts an event on record beside whoever else is at work there. The schema may be an older one, and stays so.
///
/// # Errors
/// [`BackupError`].
pub fn record(options: &Options, event: &Event) -> Result<(), BackupError> {
    let _presence = Presence::among_others(&options.path)?;
    let connection = Connector::new(&options.path, options.synchronous).connect_to_ours()?;
    Ok(super::event::append(&connection, event).map_err(OpenError::from)?)
}

fn mark(copy: &Path, now: Timestamp) -> rusqlite::Result<()> {
    let copy = Connection::open(copy)?;
    copy.execute_batch(MARK)?;
    copy.execute("INSERT INTO backup VALUES (?1)", [now.as_millis()])?;
    copy.close().map_err(|(_, error)| error)
}

/// When a copy was taken; nothing if it is a database that nobody copied in this way.
pub(super) fn taken_at(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    if !connection.table_exists(None, "backup")? {
        return Ok(None);
    }
    connection
        .query_row("SELECT taken_at FROM backup", [], |row| row.get(0))
        .map(Timestamp::from_millis)
        .optional()
}

/// Makes a database of a copy.
pub(super) fn unmark(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("DROP TABLE backup")
}
