//! How long a session lives: the numbers, and the question whether it is still good.

use std::time::Duration;

use super::{EndReason, Ended, Life, Session};
use crate::Timestamp;

/// How long one kind of session lives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Lifetimes {
    /// Longest pause between two rotations.
    pub idle: Duration,
    /// From login to the absolute end.
    pub absolute: Duration,
}

/// What ends when a refresh token is used by two parties.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReuseScope {
    /// The session whose token it was.
    Session,
    /// Every session of the user.
    User,
}

/// The numbers that rule sessions, from the configuration.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Policy {
    /// How long an access token is good.
    pub access: Duration,
    /// Lifetimes of a session.
    pub usual: Lifetimes,
    /// Lifetimes of a session with "remember me".
    pub remembered: Lifetimes,
    /// How long after a rotation the token before it still counts as a retry.
    pub retry_window: Duration,
    /// What reuse ends.
    pub on_reuse: ReuseScope,
    /// How many live sessions a user may have; at least 1.
    pub max_per_user: usize,
    /// How old `auth_time` may be for ending other sessions (RFC 9470).
    pub reauth_within: Duration,
    /// How much longer than its idle lifetime a session is let in, for a crash may have forgotten its last rotations:
    /// see [`refresh::durability`](super::refresh::durability).
    pub idle_grace: Duration,
    /// How long the row of an ended session stays, to tell its holder why.
    pub keep_ended: Duration,
}

impl Policy {
    /// The lifetimes that apply.
    pub fn lifetimes(&self, remember_me: bool) -> Lifetimes {
        if remember_me {
            self.remembered
        } else {
            self.usual
        }
    }
}

impl Life {
    /// Why and since when this session is over, if it is.
    pub fn over(&self, policy: &Policy, now: Timestamp) -> Option<Ended> {
        if self.ended.is_some() {
            return self.ended;
        }
        let idle = policy.lifetimes(self.remember_me).idle;
        let idle_end = self.rotated_at.plus(idle).plus(policy.idle_grace);
        let (reason, at) = if idle_end < self.expires_at {
            (EndReason::Idle, idle_end)
        } else {
            (EndReason::Expired, self.expires_at)
        };
        (now >= at).then_some(Ended { reason, at })
    }

    /// When this session ends if nobody refreshes it, as its holder is told: before the grace.
    pub fn ends_at(&self, policy: &Policy) -> Timestamp {
        self.rotated_at
            .plus(policy.lifetimes(self.remember_me).idle)
            .min(self.expires_at)
    }

    /// When an access token made at `now` ends: it never outlives its session's absolute end.
    pub fn access_ends_at(&self, policy: &Policy, now: Timestamp) -> Timestamp {
        now.plus(policy.access).min(self.expires_at)
    }

    /// Whether the row may go: it has been over for so long that nobody asks any more.
    pub fn forgettable(&self, policy: &Policy, now: Timestamp) -> bool {
        self.over(policy, now)
            .is_some_and(|ended| now.since(ended.at) > policy.keep_ended)
    }
}

impl Session {
    /// Whether it was ended or has run out.
    pub fn is_over(&self, policy: &Policy, now: Timestamp) -> bool {
        self.life.over(policy, now).is_some()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::session::Generation;

    pub(crate) fn policy() -> Policy {
        let day = Duration::from_hours(24);
        Policy {
            access: Duration::from_mins(15),
            usual: Lifetimes {
                idle: 5 * day,
                absolute: 90 * day,
            },
            remembered: Lifetimes {
                idle: 30 * day,
                absolute: 365 * day,
            },
            retry_window: Duration::from_secs(30),
            on_reuse: ReuseScope::Session,
            max_per_user: 50,
            reauth_within: Duration::from_mins(10),
            idle_grace: Duration::from_hours(1),
            keep_ended: 30 * day,
        }
    }

    pub(crate) fn life() -> Life {
        Life {
            generation: Generation(7),
            rotated_at: Timestamp::from_seconds(1_000),
            expires_at: Timestamp::from_seconds(1_000 + 90 * 86_400),
            remember_me: false,
            bound: false,
            ended: None,
        }
    }

    #[test]
    fn idle_counts_from_the_last_rotation_and_absolute_from_login() {
        let (policy, mut life) = (policy(), life());
        let idle_end = Timestamp::from_seconds(1_000 + 5 * 86_400 + 3_600);
        assert_eq!(life.ends_at(&policy), idle_end.minus(policy.idle_grace));
        assert_eq!(
            life.over(&policy, idle_end.minus(Duration::from_millis(1))),
            None
        );
        assert_eq!(
            life.over(&policy, idle_end),
            Some(Ended {
                reason: EndReason::Idle,
                at: idle_end
            })
        );
        life.rotated_at = life.expires_at.minus(Duration::from_secs(1));
        assert_eq!(life.over(&policy, life.rotated_at), None);
        let ended = Some(Ended {
            reason: EndReason::Expired,
            at: life.expires_at,
        });
        assert_eq!(life.over(&policy, life.expires_at), ended);
    }

    #[test]
    fn remembering_is_longer() {
        let (policy, mut life) = (policy(), life());
        life.remember_me = true;
        assert_eq!(
            life.over(&policy, Timestamp::from_seconds(1_000 + 29 * 86_400)),
            None
        );
    }

    #[test]
    fn an_end_on_purpose_comes_before_running_out() {
        let (policy, mut life) = (policy(), life());
        life.ended = Some(Ended {
            reason: EndReason::Logout,
            at: Timestamp::from_seconds(1_001),
        });
        assert_eq!(
            life.over(&policy, Timestamp::from_seconds(i64::MAX / 2_000)),
            life.ended
        );
    }

    #[test]
    fn an_access_token_never_outlives_its_session() {
        let (policy, life) = (policy(), life());
        let late = life.expires_at.minus(Duration::from_mins(1));
        assert_eq!(life.access_ends_at(&policy, late), life.expires_at);
    }

    #[test]
    fn a_row_stays_for_as_long_as_its_holder_may_ask() {
        let (policy, life) = (policy(), life());
        let ended = life.ends_at(&policy).plus(policy.idle_grace);
        assert!(!life.forgettable(&policy, ended.plus(policy.keep_ended)));
        assert!(life.forgettable(
            &policy,
            ended.plus(policy.keep_ended).plus(Duration::from_millis(1))
        ));
    }
}
