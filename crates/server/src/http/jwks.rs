//! The public keys (RFC 7517 §5).

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::answer;
use crate::app::App;

/// Short enough for a new key to be everywhere long before it signs.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// `GET /.well-known/jwks.json`
pub(super) async fn keys(State(app): State<Arc<App>>) -> Response {
    let mut response = answer::json(StatusCode::OK, &app.domain.keys.load().published);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/jwk-set+json"),
    );
    response.headers_mut().insert(header::CACHE_CONTROL, CACHE);
    response
}
