//! The state machine: what whoever wants a good access token does next, from what is kept, what came back and the time. It sends
//! nothing, keeps nothing and reads no clock.

use std::time::Duration;

use crate::record::{Record, Session};
use crate::wire::Tokens;
use crate::{Ended, Error, Problem, Secret, TransportError};

/// How long to go on, and how fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// After so long a call gives up.
    pub(crate) patience: Duration,
    /// For so long the server answers a spent bearer token again (its `session.retry_window`).
    pub(crate) retry_window: Duration,
}

/// The waits between attempts, each up to twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Attempts that nobody answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempts {
    began: i64,
    failed: u32,
}

impl Attempts {
    pub(crate) fn begin(now: i64) -> Self {
        let (began, failed) = (now, 0);
        Self { began, failed }
    }

    /// How long to wait before the next one; nothing if it would come after `limit`. `chance` is from 0 up to 1.
    pub(crate) fn next(&mut self, now: i64, chance: f64, asked: Option<Duration>) -> Duration {
        let most = FIRST_WAIT.saturating_mul(1 << self.failed.min(8));
        self.failed = self.failed.saturating_add(1);
        let own = most.min(LONGEST_WAIT).mul_f64(chance.mul_add(0.5, 0.5));
        // A clock that jumped is no reason to wait for it.
        self.began = self.began.min(now);
        own.max(asked.unwrap_or_default())
    }

    /// Whether another one after that wait is within so long of the first.
    pub(crate) fn fit(&self, now: i64, wait: Duration, within: Duration) -> bool {
        now.saturating_add(millis(wait)) <= self.began.saturating_add(millis(within))
    }
}

/// One call's way to a good access token.
#[derive(Debug)]
pub(crate) struct Turn {
    pace: Pace,
    attempts: Attempts,
    /// An access token that somebody refused though it looked fresh.
    refused: Option<Secret>,
    /// What may have reached the server, and when first.
    sent: Option<(Secret, i64)>,
    challenged: bool,
}

/// What to do about what is kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Its access token is good.
    Use(Session),
    /// Send its refresh token.
    Refresh(Session),
    /// There is no session.
    Out(Option<Ended>),
}

/// What came back from the server.
#[derive(Debug)]
pub(crate) enum Outcome {
    Tokens(Tokens),
    Problem(Problem),
    /// The proof has to be another one, and can be made now: there is a new nonce, or the clock's error is known.
    Challenge(Problem),
    /// Nothing.
    Silence(TransportError),
}

/// What to do about that.
#[derive(Debug)]
pub(crate) enum Then {
    /// Keep it in the place of the session that was sent, and look again.
    Keep(Session),
    /// The session that was sent is over: keep that.
    End(Ended),
    /// Look again after so long.
    Wait(Duration),
    Fail(Error),
}

impl Turn {
    pub(crate) fn begin(pace: Pace, refused: Option<Secret>, now: i64) -> Self {
        Self {
            pace,
            attempts: Attempts::begin(now),
            refused,
            sent: None,
            challenged: false,
        }
    }

    pub(crate) fn next(&self, record: &Record, now: i64) -> Next {
        let Some(session) = &record.session else {
            return Next::Out(record.ended.clone());
        };
        let refused = self.refused.as_ref() == Some(&session.access_token);
        if session.is_fresh(now) && !refused {
            Next::Use(session.clone())
        } else {
            Next::Refresh(session.clone())
        }
    }

    /// What to do after `sent` was sent at `asked_at` and this came back at `now`.
    pub(crate) fn came(
        &mut self,
        outcome: Outcome,
        sent: &Session,
        (asked_at, now): (i64, i64),
        chance: f64,
    ) -> Then {
        match outcome {
            Outcome::Tokens(tokens) => Then::Keep(sent.turned(&tokens, asked_at)),
            Outcome::Challenge(_) if !self.challenged => {
                self.challenged = true;
                Then::Wait(Duration::ZERO)
            }
            Outcome::Problem(problem) | Outcome::Challenge(problem) => match problem.ended() {
                Some(ended) => Then::End(ended),
                None if problem.is_passing() => {
                    self.reached(sent, asked_at);
                    let asked = problem.retry_after;
                    self.again(
                        sent,
                        now,
                        (chance, asked),
                        Error::Refused(Box::new(problem)),
                    )
                }
                None => Then::Fail(Error::Refused(Box::new(problem))),
            },
            Outcome::Silence(error) => {
                if error.may_have_arrived() {
                    self.reached(sent, asked_at);
                }
                self.again(sent, now, (chance, None), Error::Unreachable(error))
            }
        }
    }

    fn reached(&mut self, sent: &Session, asked_at: i64) {
        let known = self.sent.as_ref();
        if known.is_none_or(|(token, _)| *token != sent.refresh_token) {
            self.sent = Some((sent.refresh_token.clone(), asked_at));
        }
    }

    /// The same token again, if that can do no harm: a bound session takes it for a retry whenever it comes, a bearer session
    /// within the window of the first copy that may have arrived.
    fn again(
        &mut self,
        sent: &Session,
        now: i64,
        (chance, asked): (f64, Option<Duration>),
        error: Error,
    ) -> Then {
        let wait = self.attempts.next(now, chance, asked);
        let window = millis(self.pace.retry_window.mul_f64(0.9));
        let in_window = match &self.sent {
            Some((_, first)) if sent.key.is_none() => {
                now.saturating_add(millis(wait)) < first.saturating_add(window)
            }
            _ => true,
        };
        if in_window && self.attempts.fit(now, wait, self.pace.patience) {
            Then::Wait(wait)
        } else {
            Then::Fail(error)
        }
    }
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
