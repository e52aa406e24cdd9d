//! What looking at a whole database finds, in words.

use relatch_core::{key::KeyTable, session::Session};

/// How many faults of one kind are told one by one.
const SHOWN: usize = 20;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Each in a sentence; none if all is well.
    pub faults: Vec<String>,
    /// How many users were looked at.
    pub users: u64,
    /// How many sessions were looked at.
    pub sessions: u64,
    /// The keys, sealed: whether they open is for whoever has the master key.
    pub keys: Option<KeyTable>,
}

/// The rows of one kind that were looked at.
#[derive(Default)]
pub(crate) struct Looked {
    pub(crate) count: u64,
    wrong: usize,
}

impl Looked {
    /// Counts a row; it cannot be, if there is a reason.
    pub(crate) fn at(
        &mut self,
        what: &str,
        id: &dyn std::fmt::Display,
        why: Option<String>,
        faults: &mut Vec<String>,
    ) {
        self.count += 1;
        let Some(why) = why else { return };
        self.wrong += 1;
        if self.wrong <= SHOWN {
            faults.push(format!("{what} {id} cannot be: {why}"));
        }
    }

    /// How many there were; tells of those that were not told of.
    pub(crate) fn end(self, what: &str, faults: &mut Vec<String>) -> u64 {
        if self.wrong > SHOWN {
            let more = self.wrong - SHOWN;
            faults.push(format!("{more} more rows of table {what} cannot be"));
        }
        self.count
    }
}

/// What no session can be. A turn or an end before the beginning is no fault: clocks go back.
pub(crate) fn impossible(session: &Session) -> Option<&'static str> {
    let backwards = session.life.expires_at < session.created_at;
    backwards.then_some("it ends before it began")
}
