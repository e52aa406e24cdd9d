//! Looks quickly at a database that may be in use: what a check every few minutes can afford. Judges nothing.

use relatch_core::{Timestamp, key::KeyTable};
use rusqlite::{Connection, OptionalExtension as _};

use super::{
    OpenError, Options,
    connection::Connector,
    folder::{Presence, with_suffix},
    key, migrate,
};

/// What is to be seen without reading every row.
#[derive(Clone, Debug)]
pub struct Examined {
    /// What SQLite says of the pages, each fault in a sentence.
    pub faults: Vec<String>,
    /// What tells the schema from the one of this Relatch.
    pub schema: Vec<String>,
    /// `wal`, unless somebody changed it.
    pub journal_mode: String,
    /// When the newest event happened.
    pub newest_event: Option<Timestamp>,
    /// The keys, sealed; none if the schema is another one.
    pub keys: Option<KeyTable>,
    /// The size of the file.
    pub file_bytes: u64,
    /// The size of the write-ahead log.
    pub log_bytes: u64,
}

/// Looks, and changes nothing.
///
/// # Errors
/// [`OpenError`] if it cannot be read at all.
pub fn examine(options: &Options) -> Result<Examined, OpenError> {
    let _presence = Presence::among_others(&options.path)?;
    let connection = Connector::new(&options.path, options.synchronous).connect_to_ours()?;
    connection.pragma_update(None, "query_only", true)?;
    let schema = migrate::compare(&connection)?;
    let size = |suffix| {
        let path = with_suffix(&options.path, suffix);
        std::fs::metadata(path).map_or(0, |file| file.len())
    };
    // Rows are read as this binary knows them.
    let keys = schema.is_empty().then(|| key::load(&connection));
    Ok(Examined {
        faults: quick_check(&connection)?,
        journal_mode: connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?,
        newest_event: newest_event(&connection)?,
        keys: keys.and_then(Result::ok),
        schema,
        file_bytes: size(""),
        log_bytes: size("-wal"),
    })
}

fn quick_check(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA quick_check(20)")?;
    let found = statement.query_map([], |row| row.get::<_, String>(0))?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found
        .into_iter()
        .filter(|verdict| verdict != "ok")
        .collect())
}

fn newest_event(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT at FROM event ORDER BY number DESC LIMIT 1";
    let at = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(at.map(Timestamp::from_millis))
}
