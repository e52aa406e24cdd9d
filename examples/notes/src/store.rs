//! Where notes are kept: a SQLite file. Knows nothing of tokens.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS note (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    text  TEXT NOT NULL
) STRICT; CREATE INDEX IF NOT EXISTS note_owner ON note (owner)";

pub(crate) struct Note {
    pub(crate) id: i64,
    pub(crate) text: String,
    pub(crate) owner: String,
}

/// Which notes count.
#[derive(Clone, Copy)]
pub(crate) enum Whose<'a> {
    Everybodys,
    Only(&'a str),
}

impl Whose<'_> {
    /// A null lets every owner through.
    fn owner(&self) -> Option<&str> {
        match self {
            Self::Everybodys => None,
            Self::Only(owner) => Some(owner),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Store(Arc<Mutex<Connection>>);

impl Store {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Self::of(Connection::open(path)?)
    }

    pub(crate) fn of(connection: Connection) -> Result<Self> {
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    pub(crate) fn add(&self, owner: &str, text: &str) -> Result<Note> {
        let sql = "INSERT INTO note (owner, text) VALUES (?1, ?2) RETURNING id, text, owner";
        self.lock().query_row(sql, params![owner, text], note)
    }

    pub(crate) fn list(&self, whose: Whose<'_>) -> Result<Vec<Note>> {
        let sql = "SELECT id, text, owner FROM note WHERE ?1 IS NULL OR owner = ?1 ORDER BY id";
        let connection = self.lock();
        let mut statement = connection.prepare_cached(sql)?;
        statement.query_map([whose.owner()], note)?.collect()
    }

    pub(crate) fn find(&self, id: i64, whose: Whose<'_>) -> Result<Option<Note>> {
        let sql = "SELECT id, text, owner FROM note WHERE id = ?1 AND (?2 IS NULL OR owner = ?2)";
        let connection = self.lock();
        let found = connection.query_row(sql, params![id, whose.owner()], note);
        found.optional()
    }

    pub(crate) fn change(&self, id: i64, whose: Whose<'_>, text: &str) -> Result<Option<Note>> {
        let sql = "UPDATE note SET text = ?3 WHERE id = ?1 AND (?2 IS NULL OR owner = ?2)
            RETURNING id, text, owner";
        let connection = self.lock();
        let changed = connection.query_row(sql, params![id, whose.owner(), text], note);
        changed.optional()
    }

    /// Whether there was such a note.
    pub(crate) fn delete(&self, id: i64, whose: Whose<'_>) -> Result<bool> {
        let sql = "DELETE FROM note WHERE id = ?1 AND (?2 IS NULL OR owner = ?2)";
        let gone = self.lock().execute(sql, params![id, whose.owner()])?;
        Ok(gone > 0)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note(row: &Row<'_>) -> Result<Note> {
    Ok(Note {
        id: row.get(0)?,
        text: row.get(1)?,
        owner: row.get(2)?,
    })
}
