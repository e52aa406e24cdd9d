//! What is in a database, in numbers. Reads every session, for whether one is over is core's to say.

use relatch_core::{Timestamp, session::Policy};

use super::{
    OpenError, Options,
    connection::Connector,
    folder::{Presence, with_suffix},
    key, migrate,
    row::{self, SESSION},
};
use crate::stats::Stats;

/// Counts what is in the database, which may be in use.
///
/// # Errors
/// [`OpenError`].
pub fn stats(options: &Options, policy: &Policy, now: Timestamp) -> Result<Stats, OpenError> {
    let _presence = Presence::among_others(&options.path)?;
    let connection = Connector::new(&options.path, options.synchronous).connect_to_ours()?;
    migrate::is_current(&connection, "main")?;
    connection.pragma_update(None, "query_only", true)?;
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get(0));
    let size = |suffix| {
        let path = with_suffix(&options.path, suffix);
        std::fs::metadata(path).map_or(0, |file| file.len())
    };
    let mut stats = Stats {
        users: number("SELECT count(*) FROM user")?,
        users_disabled: number("SELECT count(*) FROM user WHERE disabled")?,
        events: number("SELECT count(*) FROM event")?,
        session_bytes: number(
            "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE aggregate = TRUE \
             AND name IN (SELECT name FROM sqlite_schema WHERE tbl_name = 'session')",
        )?,
        file_bytes: size(""),
        log_bytes: Some(size("-wal")),
        keys: key::load(&connection)?,
        ..Stats::default()
    };
    let sql = format!("SELECT {SESSION} FROM session");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let session = row::session(row)?;
        stats.count(&session, policy, now);
    }
    Ok(stats)
}
