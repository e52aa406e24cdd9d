//! The public keys (RFC 7517 §5).

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::answer;
use crate::app::App;

/// `GET /.well-known/jwks.json`
pub(super) async fn keys(State(app): State<Arc<App>>) -> Response {
    let mut response = answer::json(StatusCode::OK, &app.domain.keys.load().published);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/jwk-set+json"),
    );
    // Short enough for a new key to be everywhere long before it signs.
    let max_age = app.config.keys.jwks_max_age.as_secs();
    if let Ok(cache) = HeaderValue::from_str(&format!("public, max-age={max_age}")) {
        response.headers_mut().insert(header::CACHE_CONTROL, cache);
    }
    response
}
