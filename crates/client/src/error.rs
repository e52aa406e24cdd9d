//! Why something did not work, told so that a program can act on it and a user can understand it.

use std::fmt;
use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{AddressError, StoreError, TransportError};

/// Why something did not work.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody is logged in.
    #[error("nobody is logged in")]
    LoggedOut,
    /// The session is over: its tokens are forgotten, and somebody has to log in again.
    #[error("logged out: {0}")]
    Ended(Ended),
    /// The session is bound to a key that is not in the store: a backup was restored on another machine, or only half of the
    /// store was copied. Nothing but a login helps.
    #[error("the key of the session is not here: log in again")]
    KeyMissing,
    /// The server refused, for a reason that another request may not have.
    #[error(transparent)]
    Refused(Box<Problem>),
    /// No answer came, however often it was asked for. The session is as good as it was; try again later.
    #[error("the server does not answer")]
    Unreachable(#[source] TransportError),
    /// The server did not bind the session to the key, which was asked for. The session that it made is ended again.
    #[error(
        "the server does not bind sessions to keys: say so with `Builder::bearer`, or have it updated"
    )]
    NotBound,
    /// The answer sends elsewhere. No token follows it there: if the server has moved, give its new address.
    #[error("the server answered with a redirect (status {0}), which is not followed")]
    Redirected(u16),
    /// The store is that of another server, and its tokens go nowhere else.
    #[error("the store holds a session with {0}")]
    OtherIssuer(String),
    /// Nothing is sent there.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The store failed. What was to be kept was not used.
    #[error("the session cannot be kept")]
    Store(#[from] StoreError),
    /// Something is not as it must be.
    #[error("{0}")]
    Broken(&'static str),
}

impl Error {
    /// Whether somebody has to log in before anything else can work.
    pub fn wants_login(&self) -> bool {
        matches!(self, Self::LoggedOut | Self::Ended(_) | Self::KeyMissing)
    }
}

/// How a session ended. Shown, it is a sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ended {
    /// The server's stable name of the reason, such as `password_changed`; nothing if the server knows of no such session.
    pub reason: Option<String>,
    /// When (RFC 3339).
    pub at: Option<String>,
}

impl Ended {
    pub(crate) fn unknown() -> Self {
        let (reason, at) = (None, None);
        Self { reason, at }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason.as_deref() {
            None => "the server does not know the session any more",
            Some("logout") => "this device was logged out",
            Some("logout_everywhere") => "all devices were logged out",
            Some("ended_by_user") => "this device was logged out from another one",
            Some("ended_by_administrator") => "an administrator ended the session",
            Some("password_changed") => "the password was changed",
            Some("reuse") => {
                "a token of this session was used twice, so that somebody else may have had it"
            }
            Some("session_limit") => "too many devices were logged in, and this one rested longest",
            Some("user_disabled") => "an administrator disabled the account",
            Some("user_deleted") => "the account was deleted",
            Some("backup_restored") => "the server was restored from a backup",
            Some("seen_in_the_clear") => "a token was sent unencrypted",
            Some("idle") => "the session rested for too long",
            Some("expired") => "the session has reached its age",
            // There may be new ones in any version.
            Some(other) => return write!(f, "the session ended ({other})"),
        };
        f.write_str(reason)
    }
}

/// A refusal as the server words it (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Error)]
#[error("{}", self.sentence())]
#[non_exhaustive]
pub struct Problem {
    /// The status of the answer.
    #[serde(default)]
    pub status: u16,
    /// The stable name; docs/errors.md of the server lists them. Empty where the answer was not the server's own.
    #[serde(default)]
    pub code: String,
    /// What it is, in a sentence.
    #[serde(default)]
    pub title: String,
    /// What this case was about.
    pub detail: Option<String>,
    /// Every fault of the request.
    #[serde(default)]
    pub errors: Vec<Fault>,
    /// By which the server's log names the request.
    pub request_id: Option<String>,
    /// Before which it makes no sense to ask again.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
    reason: Option<String>,
    ended_at: Option<String>,
}

/// One fault of a request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Fault {
    /// Where it is.
    pub field: String,
    /// Its stable name, such as `too_short`.
    pub code: String,
    /// What to do about it.
    pub detail: String,
}

impl Problem {
    /// What an answer says that is no success, whoever it is from.
    pub(crate) fn read(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let read = serde_json::from_slice::<Self>(body);
        let mut problem = read.unwrap_or_else(|_| Self {
            status,
            code: String::new(),
            title: String::new(),
            detail: None,
            errors: Vec::new(),
            request_id: None,
            retry_after: None,
            reason: None,
            ended_at: None,
        });
        problem.status = status;
        let after = headers.get(RETRY_AFTER);
        let after = after.and_then(|after| after.to_str().ok()?.parse().ok());
        problem.retry_after = after.map(Duration::from_secs);
        problem
    }

    /// How the session ended, if that is what it says about a refresh token.
    pub(crate) fn ended(&self) -> Option<Ended> {
        match self.code.as_str() {
            "session_ended" => Some(Ended {
                reason: self.reason.clone(),
                at: self.ended_at.clone(),
            }),
            "session_unknown" | "invalid_token" => Some(Ended::unknown()),
            _ => None,
        }
    }

    /// Whether the same request may fare better a moment later.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500..=599)
    }

    fn sentence(&self) -> String {
        let title = match self.title.as_str() {
            "" => format!("the server answered with status {}", self.status),
            title => title.to_owned(),
        };
        let mut more: Vec<_> = self.detail.iter().cloned().collect();
        let faults = self.errors.iter();
        more.extend(faults.map(|fault| format!("{}: {}", fault.field, fault.detail)));
        [title]
            .into_iter()
            .chain(more)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_whoever_it_is_from() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "7".parse().expect("a header"));
        let body = br#"{"type":"urn:x","title":"Bad.","status":400,"code":"invalid_request","request_id":"7",
            "errors":[{"field":"email","code":"missing","detail":"This field is required."}]}"#;
        let problem = Problem::read(400, &headers, body);
        assert_eq!(problem.to_string(), "Bad. email: This field is required.");
        assert_eq!(problem.retry_after, Some(Duration::from_secs(7)));
        let proxy = Problem::read(502, &HeaderMap::new(), b"<html>Bad Gateway");
        assert_eq!(proxy.to_string(), "the server answered with status 502");
        assert!(proxy.is_passing() && !problem.is_passing());
        // What a body says of its status is not the status.
        let lie = Problem::read(500, &HeaderMap::new(), br#"{"status":200}"#);
        assert_eq!((lie.status, lie.ended()), (500, None));
    }

    #[test]
    fn an_end_is_told_with_its_reason() {
        let body =
            br#"{"code":"session_ended","reason":"idle","ended_at":"2026-11-22T12:00:00.000Z"}"#;
        let ended = Problem::read(401, &HeaderMap::new(), body).ended();
        let ended = ended.expect("has ended");
        assert_eq!(ended.to_string(), "the session rested for too long");
        assert_eq!(ended.at.as_deref(), Some("2026-11-22T12:00:00.000Z"));
        let newer = Ended {
            reason: Some("moon_phase".to_owned()),
            at: None,
        };
        assert_eq!(newer.to_string(), "the session ended (moon_phase)");
    }
}
