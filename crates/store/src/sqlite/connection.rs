//! Connections and what is set on them.

use std::{path::PathBuf, time::Duration};

use relatch_core::session::refresh::Durability;
use rusqlite::{Connection, OpenFlags};

use super::{
    folder,
    migrate::{OpenError, recognise},
};

/// Whether commits reach the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Synchronous {
    /// Durable commits are on disk before they are answered; healing ones soon after.
    Full,
    /// Nothing waits for the disk: for tests.
    Off,
}

/// Opens connections to one file.
pub(super) struct Connector {
    path: PathBuf,
    synchronous: Synchronous,
}

/// How long a connection waits for another's lock.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A rotation changes 10 bytes of one page and the log takes the whole page: small ones are cheaper to checksum, to write
/// and to copy. Takes effect when the file is made and never again.
const PAGE_SIZE: u32 = 1024;

/// The log is copied into the file by a thread of its own and by nobody else. What it grew to beside a long reader, such as
/// a backup, is given back when it starts anew, down to twice its usual length. The cache grows as far as it is used: the
/// inner pages of ten million sessions fit. What is deleted is overwritten with zeros, in pages and as pages: a deleted
/// user's name is gone from the file. A rotation changes bytes in place and pays nothing for that.
const SETTINGS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = 134217728;
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -65536;
";

impl Connector {
    pub(super) fn new(path: &std::path::Path, synchronous: Synchronous) -> Self {
        Self {
            path: path.to_owned(),
            synchronous,
        }
    }

    /// Makes an empty file for its owner alone, where there is none: SQLite would let everybody read it.
    pub(super) fn create(&self) -> std::io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut options = std::fs::OpenOptions::new();
        options
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)?
            .sync_all()?;
        folder::sync(&self.path)
    }

    /// A connection that changes nothing by itself, to a file that may be anybody's.
    pub(super) fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "page_size", PAGE_SIZE)?;
        Ok(connection)
    }

    /// A connection to a file that is there and has tables of ours, of whatever version: nothing is set that would stay.
    pub(super) fn connect_to_ours(&self) -> Result<Connection, OpenError> {
        let connection =
            Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "secure_delete", true)?;
        if recognise(&connection)? {
            Ok(connection)
        } else {
            Err(OpenError::Empty)
        }
    }

    /// A connection to a file that is known to be ours.
    pub(super) fn open(&self) -> rusqlite::Result<Connection> {
        let connection = self.connect()?;
        connection.execute_batch(SETTINGS)?;
        connection.set_prepared_statement_cache_capacity(64);
        self.set_durability(&connection, Durability::Durable)?;
        Ok(connection)
    }

    pub(super) fn open_reader(&self) -> rusqlite::Result<Connection> {
        let connection = self.open()?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    /// Costs less than a microsecond, and is an error inside a transaction.
    pub(super) fn set_durability(
        &self,
        connection: &Connection,
        durability: Durability,
    ) -> rusqlite::Result<()> {
        let level = match (self.synchronous, durability) {
            (Synchronous::Off, _) => "OFF",
            (Synchronous::Full, Durability::Healing) => "NORMAL",
            (Synchronous::Full, Durability::Durable) => "FULL",
        };
        connection.pragma_update(None, "synchronous", level)
    }
}
