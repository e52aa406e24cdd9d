//! Which pages may read answers (the CORS protocol of the Fetch standard): those of the listed origins, each by its own name.
//! All others are told nothing, so that their browsers keep the answers from them.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};

use super::{arrival::Note, origin};
use crate::app::App;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const ASKED_WITH: HeaderValue =
    HeaderValue::from_static("Authorization, Content-Type, DPoP, If-Match, If-None-Match");
const SHOWN: HeaderValue = HeaderValue::from_static(
    "DPoP-Nonce, ETag, Retry-After, WWW-Authenticate, X-Request-Id, RateLimit, RateLimit-Policy, Date",
);
/// Seconds: a page that is taken off the list is not to be let in for long.
const PREFLIGHT_AGE: HeaderValue = HeaderValue::from_static("600");

/// What the page that asks is called in the answer; nothing for one that is not listed.
pub(super) fn page(headers: &HeaderMap, app: &App) -> Option<HeaderValue> {
    let page = origin::listed(headers, app)?;
    HeaderValue::from_str(page.as_str()).ok()
}

/// The answer as that page may read it. Whatever the answer is: a page that cannot read an error takes it for a network that
/// is away.
pub(super) fn open(mut response: Response, page: Option<HeaderValue>, app: &App) -> Response {
    if app.config.browser.origins.is_empty() {
        return response;
    }
    let headers = response.headers_mut();
    // Also where there is no page: a cache must not give its answer to one.
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(page) = page {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, page);
        let yes = HeaderValue::from_static("true");
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, SHOWN);
    }
    response
}

/// The answer to a listed page that asks what it may send. It is the same for every route, and costs nothing.
pub(super) fn preflight(method: &Method, headers: &HeaderMap, app: &App) -> Option<Response> {
    let asks = method == Method::OPTIONS
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && origin::listed(headers, app).is_some();
    if !asks {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ASKED_WITH);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE);
    response.extensions_mut().insert(Note {
        outcome: Some("preflight"),
        ..Note::default()
    });
    Some(response)
}
