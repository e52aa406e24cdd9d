//! Who calls: access tokens for our own routes, and whether what came as a refresh token is one.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use relatch_core::{
    Timestamp,
    session::{Generation, SessionId, Thumbprint, list::Caller, standing::Shown},
    token::{Genuine, refresh::NotGenuine},
    user::UserId,
};
use relatch_verify::{Claims, VerifyError};

use super::{
    arrival::Arrival,
    body::Input,
    dpop,
    problem::{Code, Problem},
};
use crate::app::App;

/// The caller that a good access token names. Whether its session still lives, the use case looks up.
pub(super) struct Authorized(pub(super) Caller);

impl FromRequestParts<Arc<App>> for Authorized {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let arrival = Arrival::of(parts, app);
        caller(parts, &arrival, app).map(Self)
    }
}

/// The same for a request whose body was read already.
pub(super) fn caller_of(input: &Input, app: &App) -> Result<Caller, Problem> {
    caller(&input.parts, &input.arrival, app)
}

fn caller(parts: &Parts, arrival: &Arrival, app: &App) -> Result<Caller, Problem> {
    let (scheme, token) = credentials(&parts.headers)?.ok_or_else(|| {
        let challenge = format!("Bearer, {}", dpop::invitation(app));
        Problem::invalid_token("Send an access token: Authorization: Bearer …").challenge(challenge)
    })?;
    let (user, session, auth_time) = match scheme {
        Scheme::Bearer => verify(token, app, arrival.now)?,
        Scheme::Dpop => verify_bound(token, parts, app, arrival.now)?,
    };
    Ok(Caller {
        user,
        session,
        auth_time,
        origin: arrival.origin(&parts.headers),
        now: arrival.now,
    })
}

/// The same as [`verify`], for a token that is bound to a key and comes with a proof.
fn verify_bound(
    token: &str,
    parts: &Parts,
    app: &App,
    now: Timestamp,
) -> Result<(UserId, SessionId, Timestamp), Problem> {
    let refused = |detail: String| {
        let challenge = dpop::challenge(app, "invalid_token");
        Problem::invalid_token(detail).challenge(challenge)
    };
    let keys = app.domain.keys.load();
    let verifier = app.verifier.clone().dangerous_accept_bound_without_proof();
    let claims = verifier
        .verify(token, &keys.published, now.as_seconds())
        .map_err(|error| refused(format!("The access token is refused: {error}.")))?;
    let key = claims.cnf.as_ref().and_then(|cnf| cnf.jkt.as_deref());
    let key = key.and_then(Thumbprint::parse).ok_or_else(|| {
        refused("The access token is bound to no key: send it as Authorization: Bearer.".into())
    })?;
    dpop::prove(parts, token, key, (app, now))?;
    identity(&claims)
        .ok_or_else(|| refused("The access token is not one of this server's own.".into()))
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
    let claims =
        app.verifier
            .verify(token, &keys.published, now.as_seconds())
            .map_err(|error| match error {
                VerifyError::ProofRequired => dpop::proof_required(app)
                    .detail(format!("The access token is refused: {error}.")),
                error => Problem::invalid_token(format!("The access token is refused: {error}.")),
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

/// How a token says that it may be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// By whoever has it (RFC 6750).
    Bearer,
    /// By who proves to hold its key, too (RFC 9449 §7.1).
    Dpop,
}

impl Scheme {
    fn of(name: &str) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let dpop = is("dpop").then_some(Self::Dpop);
        dpop.or(is("bearer").then_some(Self::Bearer))
    }
}

/// Every token behind `Authorization: Bearer` or `DPoP`, however it is spaced.
pub(super) fn bearer_tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::AUTHORIZATION).iter();
    values.filter_map(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        Scheme::of(scheme).map(|_| token.trim())
    })
}

/// The token behind `Authorization: Bearer` (RFC 6750 §2.1), if there is such a header.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    match credentials(headers)? {
        Some((Scheme::Bearer, token)) => Ok(Some(token)),
        Some((Scheme::Dpop, _)) => Err(malformed("The scheme must be Bearer.")),
        None => Ok(None),
    }
}

/// Of which type the access token of a good request is (RFC 6749 §7.1), and so the one that takes its place.
pub(super) fn token_type(headers: &HeaderMap) -> &'static str {
    match credentials(headers) {
        Ok(Some((Scheme::Dpop, _))) => "DPoP",
        _ => "Bearer",
    }
}

/// The token of the header `Authorization`, if there is one, and the scheme before it.
fn credentials(headers: &HeaderMap) -> Result<Option<(Scheme, &str)>, Problem> {
    let mut found = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = found.next() else {
        return Ok(None);
    };
    if found.next().is_some() {
        let detail = "This header comes more than once.";
        return Err(Problem::field("Authorization", "duplicate", detail));
    }
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or_else(|| malformed("Expected: Bearer, one space and the token."))?;
    let scheme = Scheme::of(scheme).ok_or_else(|| malformed("The scheme must be Bearer."))?;
    Ok(Some((scheme, token)))
}

fn malformed(detail: &str) -> Problem {
    Problem::field("Authorization", "malformed", detail)
}
