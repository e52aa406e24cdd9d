//! The credential of a resource server: as Bearer, or as the password of Basic (RFC 6749 §2.3.1).

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use relatch_core::resource_server::{Credential, CredentialHash, ResourceServerName};

use super::{
    arrival::Arrival,
    problem::{Code, Problem},
};
use crate::app::App;

/// What both schemes are asked for with.
const CHALLENGE: &str = "Bearer realm=\"resource server\", Basic realm=\"resource server\"";

/// Who asks about tokens: a resource server, or somebody on this machine where that is enough.
pub(super) struct Asker {
    pub(super) server: Option<(ResourceServerName, CredentialHash)>,
}

impl FromRequestParts<Arc<App>> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        asker(&parts.headers, &Arrival::of(parts, app), app).await
    }
}

async fn asker(headers: &HeaderMap, arrival: &Arrival, app: &App) -> Result<Asker, Problem> {
    let here = arrival.address.is_some_and(|address| address.is_loopback());
    let mut found = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (found.next(), found.next()) {
        (None, _) if here && app.config.resource_servers.open_on_loopback => {
            return Ok(Asker { server: None });
        }
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    };
    let (name, credential) = value.and_then(read).ok_or_else(refused)?;
    let servers = &app.resource_servers;
    let known = servers
        .find(app.domain.store.as_ref(), &credential)
        .await?
        .ok_or_else(refused)?;
    if name.is_some_and(|name| name != known.as_str()) {
        return Err(refused());
    }
    let server = Some((known, credential.hash()));
    Ok(Asker { server })
}

/// The name that goes with it, where there is one, and the credential.
fn read(value: &str) -> Option<(Option<String>, Credential)> {
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some((None, Credential::parse(rest)?));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    // Neither of the two has a letter that form encoding would change.
    let (name, credential) = pair.split_once(':')?;
    Some((Some(name.to_owned()), Credential::parse(credential)?))
}

fn refused() -> Problem {
    Problem::new(Code::InvalidClient).challenge(CHALLENGE)
}
