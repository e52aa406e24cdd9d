//! What stopped being good before its time: sessions, generations of them, and keys. Owns what an entry says and for how
//! long; how it travels to whoever checks tokens is not known here.

pub mod store;

use std::{fmt, time::Duration};

pub use store::{Backlog, RevocationStore};

use crate::{
    Timestamp,
    session::{Generation, Life, Policy, Session, SessionId},
};

/// How much longer than the tokens that it refuses an entry lasts: a minute for the leeway of whoever checks them, two for
/// clocks that differ and caches on the way.
pub const MARGIN: Duration = Duration::from_mins(3);

/// How long a withdrawn signing key is told of. Whoever has such a key writes any end into a token, so that no lifetime of
/// ours bounds this: it outlasts every cache of the public keys, which are a day old at most.
pub const KEY_TOLD: Duration = Duration::from_hours(48);

/// What is not good any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Revoked {
    /// Every access token of this session.
    Session(SessionId),
    /// The access tokens of this session up to that generation: the next refresh is good.
    Generations(SessionId, Generation),
    /// Whatever the signing key of this id signed.
    Key(String),
}

/// That something is not good any more, until nothing that it refuses could be good anyway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revocation {
    /// What.
    pub what: Revoked,
    /// When it may be forgotten.
    pub until: Timestamp,
}

/// How far the access tokens reach that are out, whatever lifetime they were made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reach {
    /// The longest lifetime that any server of this store gives them now.
    pub access: Duration,
    /// When the last of those has ended that were made with a longer one.
    pub former_until: Timestamp,
}

impl Reach {
    /// The same where servers make tokens that live for `access` from now on.
    #[must_use]
    pub fn changed_to(self, access: Duration, now: Timestamp) -> Self {
        Self {
            access,
            former_until: self.former_until.max(now.plus(self.access)),
        }
    }

    /// When the last access token of a session has ended that is ended now.
    fn of(self, life: &Life, policy: &Policy, now: Timestamp) -> Timestamp {
        let made_now = now.plus(self.access.max(policy.access));
        made_now.max(self.former_until).min(life.expires_at)
    }
}

impl Revocation {
    /// That of a session which ends at `now`; nothing if no token of it can be good.
    pub fn of_session(
        session: &Session,
        reach: Reach,
        policy: &Policy,
        now: Timestamp,
    ) -> Option<Self> {
        let until = reach.of(&session.life, policy, now).plus(MARGIN);
        let what = Revoked::Session(session.id);
        (now < until).then_some(Self { what, until })
    }

    /// That of a session's access tokens so far; nothing if none can be good.
    pub fn of_tokens(
        session: &Session,
        reach: Reach,
        policy: &Policy,
        now: Timestamp,
    ) -> Option<Self> {
        let what = Revoked::Generations(session.id, session.life.generation);
        let ended = Self::of_session(session, reach, policy, now)?;
        Some(Self { what, ..ended })
    }

    /// That of a signing key in wrong hands since `at`.
    pub fn of_key(id: &str, at: Timestamp) -> Self {
        Self {
            what: Revoked::Key(id.to_owned()),
            until: at.plus(KEY_TOLD),
        }
    }
}

/// A place in the order of all revocations. The epoch is another one for every timeline of the store: after an older backup
/// was restored, the same number means something else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Position {
    /// Of the timeline.
    pub epoch: String,
    /// Grows with every revocation.
    pub sequence: u64,
}

impl Position {
    /// Reads `EPOCH.SEQUENCE`; nothing for what no position of ours can be.
    pub fn parse(text: &str) -> Option<Self> {
        const LONGEST: usize = 64;
        let (epoch, sequence) = text.split_once('.')?;
        let plain =
            |text: &str, is: fn(&u8) -> bool| !text.is_empty() && text.bytes().all(|b| is(&b));
        let good = text.len() <= LONGEST
            && plain(epoch, u8::is_ascii_alphanumeric)
            && plain(sequence, u8::is_ascii_digit);
        good.then_some(())?;
        Some(Self {
            epoch: epoch.to_owned(),
            sequence: sequence.parse().ok()?,
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::lifetime::tests::{life, policy};
    use crate::{session::SessionSecret, user::UserId};

    const NOW: Timestamp = Timestamp::from_seconds(50_000);

    fn session(life: Life) -> Session {
        Session {
            id: SessionId(uuid::Uuid::nil()),
            user: UserId(uuid::Uuid::nil()),
            secret: SessionSecret::from_bytes([0; 32]),
            created_at: Timestamp::from_seconds(1_000),
            delivery: crate::session::Delivery::Body,
            key: None,
            device: String::new(),
            scope: None,
            roles: Vec::new(),
            life,
        }
    }

    fn reach(minutes: u64) -> Reach {
        Reach {
            access: Duration::from_mins(minutes),
            former_until: Timestamp::default(),
        }
    }

    fn until(life: Life, reach: Reach) -> Option<Timestamp> {
        Revocation::of_session(&session(life), reach, &policy(), NOW).map(|entry| entry.until)
    }

    #[test]
    fn an_entry_outlasts_the_longest_token_that_is_out() {
        let quarter = Duration::from_mins(15);
        let usual = NOW.plus(quarter).plus(MARGIN);
        assert_eq!(until(life(), reach(15)), Some(usual));
        assert_eq!(until(life(), reach(1)), Some(usual), "the policy's own");
        let longer = NOW.plus(Duration::from_hours(1)).plus(MARGIN);
        assert_eq!(until(life(), reach(60)), Some(longer));
        let before = NOW.minus(Duration::from_mins(10));
        let shortened = reach(60).changed_to(quarter, before);
        let last = before.plus(Duration::from_hours(1)).plus(MARGIN);
        assert_eq!(until(life(), shortened), Some(last));
        let long_ago = reach(60).changed_to(quarter, Timestamp::default());
        assert_eq!(until(life(), long_ago), Some(usual));
    }

    #[test]
    fn no_token_outlives_its_session_and_no_entry_does_for_long() {
        let mut ending = life();
        ending.expires_at = NOW.plus(Duration::from_secs(5));
        let end = ending.expires_at.plus(MARGIN);
        assert_eq!(until(ending.clone(), reach(15)), Some(end));
        ending.expires_at = NOW.minus(MARGIN);
        assert_eq!(until(ending, reach(15)), None);
    }

    #[test]
    fn tokens_are_revoked_up_to_the_newest_generation() {
        let entry = Revocation::of_tokens(&session(life()), reach(15), &policy(), NOW);
        let what = Revoked::Generations(SessionId(uuid::Uuid::nil()), Generation(7));
        assert_eq!(entry.map(|entry| entry.what), Some(what));
    }

    #[test]
    fn a_position_is_read_as_it_is_written() {
        let position = Position {
            epoch: "00c0ffee".to_owned(),
            sequence: 42,
        };
        assert_eq!(Position::parse("00c0ffee.42"), Some(position.clone()));
        assert_eq!(position.to_string(), "00c0ffee.42");
        let long = format!("{}.1", "e".repeat(63));
        for bad in [
            "",
            ".",
            "e",
            "e.",
            ".1",
            "e.-1",
            "e.+1",
            "e.x",
            "e .1",
            "e.1\n",
            "a.b.1",
            "é.1",
            "e.99999999999999999999",
            &long,
        ] {
            assert_eq!(Position::parse(bad), None, "{bad}");
        }
    }
}
