//! The page of documentation, with the API to try. All of it is in the binary and the same for everybody: nothing of a
//! request ends up in it, and it asks no other host for anything.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderName, HeaderValue, header},
    response::Response,
};

use super::problem::{Code, Problem};
use crate::app::App;

const PAGE: &str = include_str!("docs/index.html");
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// What the page asks for, by name, with its type.
const FILES: &[(&str, &str, &str)] = &[
    (
        "style.css",
        "text/css; charset=utf-8",
        include_str!("docs/style.css"),
    ),
    ("app.js", SCRIPT, include_str!("docs/app.js")),
    ("call.js", SCRIPT, include_str!("docs/call.js")),
    ("element.js", SCRIPT, include_str!("docs/element.js")),
    ("reference.js", SCRIPT, include_str!("docs/reference.js")),
    ("token.js", SCRIPT, include_str!("docs/token.js")),
    ("tour.js", SCRIPT, include_str!("docs/tour.js")),
    (
        "icon.svg",
        "image/svg+xml; charset=utf-8",
        include_str!("docs/icon.svg"),
    ),
];

/// Our own files and our own API, nothing inline, in no frame, and no text that becomes code.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-cache"),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-embedder-policy"),
        "require-corp",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// `GET /docs`
pub(super) async fn page(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    shown(&app, "text/html; charset=utf-8", PAGE)
}

/// `GET /docs/{file}`
pub(super) async fn file(
    State(app): State<Arc<App>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let found = name
        .ok()
        .and_then(|Path(name)| FILES.iter().find(|file| file.0 == name));
    let (_, kind, content) = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    shown(&app, kind, content)
}

/// The names that [`file`] knows.
pub(super) fn file_names() -> Vec<&'static str> {
    FILES.iter().map(|file| file.0).collect()
}

fn shown(app: &App, kind: &'static str, content: &'static str) -> Result<Response, Problem> {
    if !app.config.server.docs_page {
        return Err(Problem::new(Code::NotFound));
    }
    let mut response = Response::new(Body::from(content));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}
