//! Asking about a token (RFC 7662), answered in JSON or signed (RFC 9701).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use relatch_core::{
    Timestamp,
    resource_server::ResourceServerName,
    session::standing::{self, StandingError},
};
use relatch_verify::Claims;
use serde_json::{Value, json};

use super::{
    answer,
    authorization::{authenticate, shown},
    body::FormInput,
    credential::Asker,
    problem::{Code, Problem},
};
use crate::app::App;

/// The media type of a signed answer, and its `typ`.
pub(super) const SIGNED: &str = "application/token-introspection+jwt";
const TYPE: &str = "token-introspection+jwt";

/// `POST /introspect`
pub(super) async fn introspect(
    State(app): State<Arc<App>>,
    asker: Asker,
    FormInput(mut input): FormInput,
) -> Result<Response, Problem> {
    let token = input.fields.string("token");
    // Any token is looked for among both kinds, whatever it is said to be.
    input.fields.optional_string("token_type_hint");
    let token = input.fields.finish_known().map(|()| token)?;
    let now = input.arrival.now;
    let told = match token {
        Some(token) => tell(&app, &token, now).await?,
        None => None,
    };
    let told = told.unwrap_or_else(|| json!({ "active": false }));
    Ok(match asker.server {
        Some((name, _)) if wants_signed(&input.parts.headers) => signed(&app, &name, told, now),
        _ => answer::json(StatusCode::OK, &told),
    })
}

/// What a good token says; nothing of any other, be it garbage, spent or of an ended session.
async fn tell(app: &App, token: &str, now: Timestamp) -> Result<Option<Value>, Problem> {
    if token.starts_with(relatch_core::token::refresh::PREFIX) {
        return tell_refresh(app, token, now).await;
    }
    let keys = app.domain.keys.load();
    // Whoever asks is told by which key it is bound, and checks the proof himself (RFC 9449 §6.2).
    let verifier = app.verifier.clone().dangerous_accept_bound_without_proof();
    match verifier.verify(token, &keys.published, now.as_seconds()) {
        Ok(claims) => tell_access(app, &claims, now).await,
        Err(_) => Ok(None),
    }
}

async fn tell_access(app: &App, claims: &Claims, now: Timestamp) -> Result<Option<Value>, Problem> {
    let jkt = claims.cnf.as_ref().map(|cnf| cnf.jkt.as_deref());
    // Bound by a method that nothing here can name: nobody could check it.
    let (Some(shown), false) = (shown(claims), jkt == Some(None)) else {
        return Ok(None);
    };
    let standing = match standing::of_access(&app.domain, shown, now).await {
        Ok(standing) => standing,
        Err(StandingError::Store(error)) => return Err(error.into()),
        Err(_) => return Ok(None),
    };
    let mut told = json!({
        "active": true,
        "token_type": if jkt.is_some() { "DPoP" } else { "Bearer" },
        "iss": claims.iss,
        "sub": claims.sub,
        "aud": claims.aud,
        "client_id": claims.client_id,
        "exp": claims.exp,
        "iat": claims.iat,
        "jti": claims.jti,
        "sid": claims.sid,
        "auth_time": claims.auth_time,
        "amr": claims.amr,
        "scope": claims.scope.as_deref().unwrap_or_default(),
        "roles": claims.roles,
        "permissions": claims.permissions,
        "username": standing.username.map(|name| name.to_string()),
        "cnf": jkt.map(|jkt| json!({ "jkt": jkt })),
    });
    if let Some(told) = told.as_object_mut() {
        told.retain(|_, value| !value.is_null());
    }
    Ok(Some(told))
}

/// Neither an audience nor a permission: a resource server that takes this for an access token has nothing to let in by.
async fn tell_refresh(app: &App, token: &str, now: Timestamp) -> Result<Option<Value>, Problem> {
    let genuine = match authenticate(token, app, now).await {
        Ok(genuine) => genuine,
        Err(problem) if problem.code() == Code::InvalidToken => return Ok(None),
        Err(problem) => return Err(problem),
    };
    let session = standing::of_refresh(&app.domain, genuine, now).await?;
    let issuer = &app.domain.issuer;
    Ok(session.map(|session| {
        json!({
            "active": true,
            "token_type": "refresh_token",
            "iss": issuer.url,
            "sub": session.user.0,
            "client_id": issuer.client_id,
            "exp": session.life.ends_at(&app.domain.policy).as_seconds(),
            "iat": session.life.rotated_at.as_seconds(),
            "sid": session.id.0,
        })
    }))
}

fn wants_signed(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|range| range.trim().eq_ignore_ascii_case(SIGNED))
}

fn signed(app: &App, name: &ResourceServerName, told: Value, now: Timestamp) -> Response {
    let claims = json!({
        "iss": app.domain.issuer.url,
        "aud": name.as_str(),
        "iat": now.as_seconds(),
        "token_introspection": told,
    });
    let keys = app.domain.keys.load();
    let text = keys.signing.state(TYPE, claims.to_string().as_bytes());
    let mut response = Response::new(Body::from(text));
    let kind = HeaderValue::from_static(SIGNED);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
