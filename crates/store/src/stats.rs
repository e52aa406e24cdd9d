//! What is in a database, in numbers. Whether a session is over is core's to say.

use std::time::Duration;

use relatch_core::{
    Timestamp,
    key::KeyTable,
    session::{Policy, Session},
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
    /// The size of the database.
    pub file_bytes: u64,
    /// The size of the write-ahead log beside it; nothing where the log is of more than this database.
    pub log_bytes: Option<u64>,
    /// The pages of the table of sessions and its indexes.
    pub session_bytes: u64,
}

impl Stats {
    /// All sessions that are remembered.
    pub fn sessions(&self) -> u64 {
        self.live + self.ended + self.run_out
    }

    pub(crate) fn count(&mut self, session: &Session, policy: &Policy, now: Timestamp) {
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
