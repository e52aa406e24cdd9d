//! What is in a database, in numbers. Reads every session, for whether one is over is core's to say.

use std::time::Duration;

use relatch_core::{
    Timestamp,
    key::KeyTable,
    session::{Policy, Session},
};

use super::{
    OpenError, Options,
    connection::Connector,
    folder::{Presence, with_suffix},
    key, migrate,
    row::{self, SESSION},
};

/// The ages by which live sessions are counted: younger than this since their login, and the rest.
pub const AGES: [Duration; 3] = [
    Duration::from_hours(24),
    Duration::from_hours(7 * 24),
    Duration::from_hours(30 * 24),
];

/// The numbers.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Users.
    pub users: u64,
    /// Those of them that an administrator disabled.
    pub users_disabled: u64,
    /// Sessions that are good.
    pub live: u64,
    /// Sessions that were ended on purpose and are still remembered.
    pub ended: u64,
    /// Sessions that ran out and are still remembered.
    pub run_out: u64,
    /// The live ones by their age: one number for each of [`AGES`], and one for those that are older than all.
    pub live_by_age: [u64; AGES.len() + 1],
    /// Security events.
    pub events: u64,
    /// The keys, sealed.
    pub keys: KeyTable,
    /// The size of the file.
    pub file_bytes: u64,
    /// The size of the write-ahead log.
    pub log_bytes: u64,
    /// The pages of the table of sessions and its indexes.
    pub session_bytes: u64,
}

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
        log_bytes: size("-wal"),
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

impl Stats {
    /// All sessions that are remembered.
    pub fn sessions(&self) -> u64 {
        self.live + self.ended + self.run_out
    }

    fn count(&mut self, session: &Session, policy: &Policy, now: Timestamp) {
        if session.life.ended.is_some() {
            self.ended += 1;
        } else if session.is_over(policy, now) {
            self.run_out += 1;
        } else {
            self.live += 1;
            let age = now.since(session.created_at);
            let place = AGES.iter().filter(|limit| age >= **limit).count();
            if let Some(count) = self.live_by_age.get_mut(place) {
                *count += 1;
            }
        }
    }
}
