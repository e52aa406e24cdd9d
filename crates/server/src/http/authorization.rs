//! Who calls: access tokens for our own routes, and whether what came as a refresh token is one.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use relatch_core::{
    Timestamp,
    session::{Generation, SessionId, list::Caller, standing::Shown},
    token::{Genuine, refresh::NotGenuine},
    user::UserId,
};
use relatch_verify::Claims;

use super::{
    arrival::Arrival,
    body::Input,
    problem::{Code, Problem},
};
use crate::app::App;

/// The caller that a good access token names. Whether its session still lives, the use case looks up.
pub(super) struct Authorized(pub(super) Caller);

impl FromRequestParts<Arc<App>> for Authorized {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let arrival = Arrival::of(parts, app);
        caller(&parts.headers, &arrival, app).map(Self)
    }
}

/// The same for a request whose body was read already.
pub(super) fn caller_of(input: &Input, app: &App) -> Result<Caller, Problem> {
    caller(&input.parts.headers, &input.arrival, app)
}

fn caller(headers: &HeaderMap, arrival: &Arrival, app: &App) -> Result<Caller, Problem> {
    let token = bearer(headers)?.ok_or_else(|| {
        Problem::invalid_token("Send an access token: Authorization: Bearer …").challenge("Bearer")
    })?;
    let (user, session, auth_time) = verify(token, app, arrival.now)?;
    Ok(Caller {
        user,
        session,
        auth_time,
        origin: arrival.origin(headers),
        now: arrival.now,
    })
}

/// Whose an access token is that is still good, and of which session.
pub(super) fn own_session(
    token: &str,
    app: &App,
    now: Timestamp,
) -> Result<(UserId, SessionId), Problem> {
    verify(token, app, now).map(|(user, session, _)| (user, session))
}

fn verify(
    token: &str,
    app: &App,
    now: Timestamp,
) -> Result<(UserId, SessionId, Timestamp), Problem> {
    let keys = app.domain.keys.load();
    let claims = app
        .verifier
        .verify(token, &keys.published, now.as_seconds())
        .map_err(|error| {
            Problem::invalid_token(format!("The access token is refused: {error}."))
        })?;
    identity(&claims)
        .ok_or_else(|| Problem::invalid_token("The access token is not one of this server's own."))
}

fn identity(claims: &Claims) -> Option<(UserId, SessionId, Timestamp)> {
    let user = UserId(claims.sub.parse().ok()?);
    let session = SessionId(claims.sid.as_ref()?.parse().ok()?);
    Some((user, session, Timestamp::from_seconds(claims.auth_time?)))
}

/// The same with the generation, as far as a token of our own says it.
pub(crate) fn shown(claims: &Claims) -> Option<Shown> {
    let (user, session, _) = identity(claims)?;
    Some(Shown {
        user,
        session,
        generation: Generation(claims.generation?),
    })
}

/// A refresh token whose tag is ours.
pub(super) async fn authenticate(
    token: &str,
    app: &App,
    now: Timestamp,
) -> Result<Genuine, Problem> {
    match app.domain.keys.load().tokens.authenticate(token) {
        // Another node may have made a key that this one has not seen yet.
        Err(NotGenuine::UnknownKey(_)) => {}
        known => return known.map_err(Problem::from),
    }
    app.reload_keys(now)
        .await
        .map_err(|_| Problem::new(Code::Unavailable))?;
    let keys = app.domain.keys.load();
    Ok(keys.tokens.authenticate(token)?)
}

impl From<NotGenuine> for Problem {
    fn from(error: NotGenuine) -> Self {
        Self::invalid_token(match error {
            NotGenuine::Garbage | NotGenuine::UnknownKey(_) => {
                "The refresh token is not one of this server's."
            }
            NotGenuine::WithdrawnKey(_) => {
                "The key that this refresh token was made with has been withdrawn: log in again."
            }
        })
    }
}

/// Every token behind `Authorization: Bearer`, however it is spaced.
pub(super) fn bearer_tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::AUTHORIZATION).iter();
    values.filter_map(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    })
}

/// The token behind `Authorization: Bearer` (RFC 6750 §2.1), if there is such a header.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut found = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = found.next() else {
        return Ok(None);
    };
    let wrong = |code, detail: &str| Err(Problem::field("Authorization", code, detail));
    if found.next().is_some() {
        return wrong("duplicate", "This header comes more than once.");
    }
    let Some((scheme, token)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else {
        return wrong("malformed", "Expected: Bearer, one space and the token.");
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return wrong("malformed", "The scheme must be Bearer.");
    }
    Ok(Some(token))
}
