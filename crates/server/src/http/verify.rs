//! Whether a request may pass, for a proxy that asks before it lets one through: `auth_request` of nginx, `forward_auth` of
//! Caddy and Traefik, `ext_authz` of Envoy.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
};
use relatch_core::{
    permission::Permission,
    revocation::store::Standing,
    session::standing::{self, StandingError},
};
use relatch_verify::Claims;

use super::{
    arrival::Arrival,
    authorization::{bearer, shown},
    problem::{Code, FieldError, Problem},
};
use crate::app::App;

/// What the service behind the proxy is told of the caller. All of them are there in every good answer, so that a proxy
/// that takes them over never leaves one that the client sent.
pub(super) const IDENTITY: [HeaderName; 5] = [
    HeaderName::from_static("x-auth-user"),
    HeaderName::from_static("x-auth-username"),
    HeaderName::from_static("x-auth-roles"),
    HeaderName::from_static("x-auth-permissions"),
    HeaderName::from_static("x-auth-session"),
];

/// `GET /verify?permission=resource:action`, and every other method, for some proxies ask with that of the request.
pub(super) async fn verify(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    arrival: Arrival,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = wanted(query.as_deref().unwrap_or_default())?;
    let claims = claims(&headers, &arrival, &app)?;
    let standing = standing(&app, &claims, &arrival).await?;
    let lacking = wanted.iter().any(|one| !claims.permits(one.as_str()));
    if lacking {
        let names: Vec<_> = wanted.iter().map(Permission::as_str).collect();
        let names = names.join(" ");
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{names}\"");
        return Err(Problem::new(Code::InsufficientScope).challenge(challenge));
    }
    identity(&claims, &standing).ok_or_else(|| Problem::internal("an identity is no header"))
}

/// The permissions that are asked for. What comes behind `uri=` is the address of the request, which Envoy puts there: none
/// of it counts, for it is the client's.
fn wanted(query: &str) -> Result<Vec<Permission>, Problem> {
    let (mut wanted, mut faults) = (Vec::new(), Vec::new());
    let ours = query
        .split('&')
        .take_while(|part| !part.starts_with("uri="));
    for (name, value) in ours.flat_map(|part| form_urlencoded::parse(part.as_bytes())) {
        let fault = match (&*name, Permission::parse(&value)) {
            ("permission", Ok(permission)) => {
                wanted.push(permission);
                continue;
            }
            ("permission", Err(fault)) => ("invalid_format", fault.to_string()),
            _ => ("unknown", "There is no such parameter here.".to_owned()),
        };
        faults.push(FieldError::new(&name, fault.0, fault.1));
    }
    if faults.is_empty() {
        Ok(wanted)
    } else {
        Err(Problem::invalid(faults))
    }
}

/// What a good token says. Whatever else stands in the header is as good as none: a proxy takes an answer that is neither
/// 401 nor 403 for a fault of ours.
fn claims(headers: &HeaderMap, arrival: &Arrival, app: &App) -> Result<Claims, Problem> {
    let token = bearer(headers).ok().flatten().ok_or_else(|| {
        Problem::invalid_token("Send an access token: Authorization: Bearer …").challenge("Bearer")
    })?;
    let keys = app.domain.keys.load();
    let now = arrival.now.as_seconds();
    let claims = app.verifier.verify(token, &keys.published, now);
    // One that is bound to a key is refused here: a proxy cannot see that proven.
    claims.map_err(|error| Problem::invalid_token(format!("The access token is refused: {error}.")))
}

async fn standing(app: &App, claims: &Claims, arrival: &Arrival) -> Result<Standing, Problem> {
    let shown = shown(claims).ok_or_else(|| {
        Problem::invalid_token("The access token is not one of this server's own.")
    })?;
    let found = standing::of_access(&app.domain, shown, arrival.now).await;
    found.map_err(|error| match error {
        StandingError::UnknownSession => Problem::new(Code::SessionUnknown),
        StandingError::Over(ended) => Problem::ended(ended),
        StandingError::Revoked => {
            Problem::invalid_token("The access token has been revoked: refresh.")
        }
        StandingError::Store(error) => error.into(),
    })
}

fn identity(claims: &Claims, standing: &Standing) -> Option<Response> {
    let username = standing.username.as_ref().map(ToString::to_string);
    let texts = [
        claims.sub.clone(),
        username.unwrap_or_default(),
        claims.roles.join(" "),
        claims.permissions.join(" "),
        standing.session.id.to_string(),
    ];
    let mut response = Response::new(Body::empty());
    for (name, text) in IDENTITY.into_iter().zip(texts) {
        let value = HeaderValue::try_from(text).ok()?;
        response.headers_mut().insert(name, value);
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_appends_is_not_asked_for() {
        let names = |query| {
            let wanted = wanted(query).ok()?;
            Some(
                wanted
                    .iter()
                    .map(|one| one.as_str().to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(names(""), Some(vec![]));
        assert_eq!(
            names("permission=notes%3Aread&permission=tags:*")
                .unwrap()
                .len(),
            2
        );
        let envoy = "permission=notes:read&uri=/notes?permission=x&permission=notes:delete&a";
        assert_eq!(names(envoy), Some(vec!["notes:read".to_owned()]));
        for bad in [
            "permission=",
            "permission=notes",
            "role=admin",
            "permission=*:*",
            "x",
        ] {
            assert_eq!(names(bad), None, "{bad}");
        }
    }
}
