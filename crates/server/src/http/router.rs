//! Every route on one page: its method and path, the handler, and the description of it in the OpenAPI document.

use std::sync::Arc;

use axum::Router;

use super::{
    docs, health, introspect, jwks,
    openapi::{self, describe as api},
    password,
    problem::{Code, Problem},
    revocations,
    route::{Route, any, delete, get, post},
    session, user, verify,
};
use crate::app::App;

/// All of them, in the order in which the documents show them.
pub(super) fn routes() -> Vec<Route> {
    vec![
        post("/auth/register", user::register, api::user::register),
        post("/auth/login", session::login, api::session::login),
        post("/auth/refresh", session::refresh, api::session::refresh),
        post("/auth/logout", session::logout, api::session::logout),
        get("/auth/me", user::me, api::user::me),
        get("/auth/sessions", session::list, api::session::list),
        delete("/auth/sessions", session::end_all, api::session::end_all),
        delete("/auth/sessions/{id}", session::end, api::session::end),
        post(
            "/auth/reauthenticate",
            password::reauthenticate,
            api::password::reauthenticate,
        ),
        post(
            "/auth/password/change",
            password::change,
            api::password::change,
        ),
        get("/.well-known/jwks.json", jwks::keys, api::service::keys),
        get(
            "/revocations",
            revocations::stream,
            api::resource_server::stream,
        ),
        get(
            "/revocations/snapshot",
            revocations::snapshot,
            api::resource_server::snapshot,
        ),
        post(
            "/introspect",
            introspect::introspect,
            api::resource_server::introspect,
        ),
        any("/verify", verify::verify, api::resource_server::verify),
        get("/health/live", health::live, api::service::live),
        get("/health/ready", health::ready, api::service::ready),
        get("/openapi.json", openapi::serve, api::service::openapi),
        get("/docs", docs::page, api::service::docs),
        get("/docs/{file}", docs::file, api::service::docs_file),
    ]
}

pub(crate) fn router(app: Arc<App>) -> Router {
    routes()
        .into_iter()
        .fold(Router::new(), |router, route| {
            router.route(route.path, route.handler)
        })
        .method_not_allowed_fallback(async || Problem::new(Code::MethodNotAllowed))
        .fallback(async || Problem::new(Code::NotFound))
        .with_state(app)
}
