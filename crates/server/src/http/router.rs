//! Every route on one page.

use std::sync::Arc;

use axum::{
    Router,
    routing::{delete, get, post},
};

use super::{
    health, jwks, password,
    problem::{Code, Problem},
    session, user,
};
use crate::app::App;

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/auth/register", post(user::register))
        .route("/auth/login", post(session::login))
        .route("/auth/refresh", post(session::refresh))
        .route("/auth/logout", post(session::logout))
        .route("/auth/me", get(user::me))
        .route("/auth/reauthenticate", post(password::reauthenticate))
        .route("/auth/password/change", post(password::change))
        .route(
            "/auth/sessions",
            get(session::list).delete(session::end_all),
        )
        .route("/auth/sessions/{id}", delete(session::end))
        .route("/.well-known/jwks.json", get(jwks::keys))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .method_not_allowed_fallback(async || Problem::new(Code::MethodNotAllowed))
        .fallback(async || Problem::new(Code::NotFound))
        .with_state(app)
}
