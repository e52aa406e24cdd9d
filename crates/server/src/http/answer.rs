//! Answers in JSON.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use relatch_core::{Timestamp, session::Delivery, token::IssuedTokens, user::User};
use serde::Serialize;
use uuid::Uuid;

/// Bytes of an answer with tokens: memory that need not grow while it is written.
const ROOM: usize = 1536;

/// A JSON answer. Nothing that we answer may be kept by a cache unless the route says so.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut text = Vec::with_capacity(ROOM);
    // Serializing our own structs to memory has no way to fail.
    let _ = serde_json::to_writer(&mut text, body);
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// A JSON answer about one thing, with the name of the state that it shows (RFC 9110 §8.8.3).
pub(super) fn tagged(status: StatusCode, tag: &str, body: &impl Serialize) -> Response {
    let mut response = json(status, body);
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// An answer that has nothing to say but that it is done.
pub(super) fn nothing() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A time as RFC 3339 has it, in UTC, to the millisecond.
pub(crate) fn time(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.as_millis())
        .map_or_else(|_| String::new(), |time| format!("{time:.3}"))
}

/// The tokens of a session, in the names of RFC 6749 §5.1.
#[derive(Serialize)]
struct Tokens<'a> {
    access_token: &'a str,
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    /// Seconds.
    refresh_expires_in: i64,
    session_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Person<'a>>,
}

/// A user as he sees himself.
#[derive(Serialize)]
pub(super) struct Person<'a> {
    id: Uuid,
    username: &'a str,
    email: &'a str,
    created_at: String,
}

impl<'a> From<&'a User> for Person<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id.0,
            username: user.username.as_str(),
            email: user.email.as_str(),
            created_at: time(user.created_at),
        }
    }
}

/// Tokens, and the user with register and login.
pub(super) fn tokens(
    status: StatusCode,
    tokens: &IssuedTokens,
    user: Option<&User>,
    now: Timestamp,
) -> Response {
    json(
        status,
        &Tokens {
            access_token: tokens.access.expose(),
            token_type: if tokens.bound { "DPoP" } else { "Bearer" },
            expires_in: seconds_until(tokens.access_ends_at, now),
            refresh_token: (tokens.delivery == Delivery::Body).then(|| tokens.refresh.expose()),
            refresh_expires_in: seconds_until(tokens.refresh_ends_at, now),
            session_id: tokens.session.0,
            user: user.map(Person::from),
        },
    )
}

/// Whole seconds of life that are left.
pub(super) fn seconds_until(end: Timestamp, now: Timestamp) -> i64 {
    end.as_seconds().saturating_sub(now.as_seconds()).max(0)
}
