//! A single-page app beside the API, on one origin with it: its files, and the policy that a browser holds them to. Knows
//! nothing of notes or tokens.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

/// What the app consists of, by the endings of its files.
const TYPES: [(&str, &str); 6] = [
    ("html", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("map", "application/json"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
];

const INDEX: &str = "index.html";

/// Whom the app logs its users in with (RFC 9728): so it needs no configuration of its own.
#[derive(Clone, Serialize)]
pub(crate) struct Metadata {
    pub(crate) resource: String,
    pub(crate) authorization_servers: [String; 1],
    pub(crate) scopes_supported: [&'static str; 4],
    pub(crate) bearer_methods_supported: [&'static str; 1],
}

struct Site {
    files: Files,
    headers: HeaderMap,
}

/// Type and content by name.
type Files = HashMap<String, (&'static str, Bytes)>;

/// The files of a folder, as they are now, and what the app has to know of its surroundings.
///
/// # Errors
/// When the folder cannot be read, has no `index.html`, or the issuer does not fit into a header.
pub(crate) fn routes(folder: &Path, metadata: Metadata) -> Result<Router, Box<dyn Error>> {
    let [issuer] = &metadata.authorization_servers;
    let site = Site {
        files: read(folder)?,
        headers: headers(issuer)?,
    };
    let described = get(|| async { Json(metadata) });
    Ok(Router::new()
        .route("/.well-known/oauth-protected-resource", described)
        .fallback(file)
        .with_state(Arc::new(site)))
}

/// Names that are not in the table are addresses within the app, which it knows itself.
async fn file(State(site): State<Arc<Site>>, method: Method, uri: Uri) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let name = uri.path().trim_start_matches('/');
    let name = if name.contains('.') { name } else { INDEX };
    let Some((kind, bytes)) = site.files.get(name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = [(header::CONTENT_TYPE, *kind)];
    (site.headers.clone(), kind, bytes.clone()).into_response()
}

/// Reads all of it once: no path of a request ever becomes one of the disk.
fn read(folder: &Path) -> Result<Files, Box<dyn Error>> {
    let mut files = Files::new();
    let entries = std::fs::read_dir(folder).map_err(|error| absent(folder, &error))?;
    for entry in entries {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        let known = TYPES.iter().find(|(known, _)| ending == Some(known));
        let name = path.file_name().and_then(|name| name.to_str());
        if let (Some((_, kind)), Some(name)) = (known, name) {
            files.insert(name.to_owned(), (*kind, std::fs::read(&path)?.into()));
        }
    }
    if !files.contains_key(INDEX) {
        return Err(absent(folder, &format!("there is no {INDEX}")));
    }
    Ok(files)
}

fn absent(folder: &Path, why: &dyn std::fmt::Display) -> Box<dyn Error> {
    format!("no app in {}: {why}", folder.display()).into()
}

/// Scripts and styles come from here and from nowhere else, none stands in a page, and no text can become markup. It talks to
/// this origin and to the issuer.
fn headers(issuer: &str) -> Result<HeaderMap, Box<dyn Error>> {
    let issuer = origin(issuer);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {issuer}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let others = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.parse()?);
    headers.extend(others.map(|(name, value)| (name, HeaderValue::from_static(value))));
    Ok(headers)
}

/// An URL without its path.
fn origin(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let end = url
        .get(after_scheme..)
        .and_then(|rest| rest.find('/'))
        .map_or(url.len(), |at| after_scheme + at);
    url.get(..end).unwrap_or(url)
}

#[cfg(test)]
mod tests;
