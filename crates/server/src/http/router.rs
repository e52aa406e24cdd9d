//! Every route on one page: its method and path, the handler, and the description of it in the OpenAPI document.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, Version, header},
    response::{IntoResponse as _, Response},
};

use super::{
    admin, cors, docs, event, health, introspect, jwks,
    openapi::{self, describe as api},
    password,
    problem::{Code, Problem},
    revocations,
    route::{Route, any, delete, get, patch, post, put},
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
        get("/auth/events", event::list, api::event::list),
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
        post(
            "/auth/password/reset",
            password::reset,
            api::password::reset,
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
        get(health::LIVE, health::live, api::service::live),
        get("/health/ready", health::ready, api::service::ready),
        get("/openapi.json", openapi::serve, api::service::openapi),
        get("/docs", docs::page, api::service::docs),
        get("/docs/{file}", docs::file, api::service::docs_file),
    ]
    .into_iter()
    .chain(administration())
    .chain(operation())
    .collect()
}

/// Those of administrators: accounts and what they may do.
fn administration() -> Vec<Route> {
    use admin::{role, session, user};
    use api::admin as told;
    vec![
        get("/admin/v1/users", user::list, told::user::list),
        post("/admin/v1/users", user::create, told::user::create),
        get("/admin/v1/users/{id}", user::show, told::user::show),
        patch("/admin/v1/users/{id}", user::change, told::user::change),
        delete("/admin/v1/users/{id}", user::delete, told::user::delete),
        post(
            "/admin/v1/users/{id}/password-reset",
            user::issue_code,
            told::user::issue_code,
        ),
        get(
            "/admin/v1/users/{id}/roles",
            role::of_user,
            told::role::of_user,
        ),
        put(
            "/admin/v1/users/{id}/roles",
            role::assign,
            told::role::assign,
        ),
        get(
            "/admin/v1/users/{id}/sessions",
            session::of_user,
            told::session::of_user,
        ),
        delete(
            "/admin/v1/users/{id}/sessions",
            session::end_all,
            told::session::end_all,
        ),
        get("/admin/v1/roles", role::list, told::role::list),
        get("/admin/v1/roles/{name}", role::show, told::role::show),
        put("/admin/v1/roles/{name}", role::put, told::role::put),
        delete("/admin/v1/roles/{name}", role::delete, told::role::delete),
        get("/admin/v1/sessions", session::list, told::session::list),
        get(
            "/admin/v1/sessions/{id}",
            session::show,
            told::session::show,
        ),
        delete("/admin/v1/sessions/{id}", session::end, told::session::end),
    ]
}

/// Those of administrators: keys, services, and what happened.
fn operation() -> Vec<Route> {
    use admin::{audit, key, resource_server};
    use api::admin as told;
    vec![
        get("/admin/v1/keys", key::list, told::key::list),
        post("/admin/v1/keys/rotate", key::rotate, told::key::rotate),
        post(
            "/admin/v1/keys/{id}/compromise",
            key::compromise,
            told::key::compromise,
        ),
        get(
            "/admin/v1/resource-servers",
            resource_server::list,
            told::resource_server::list,
        ),
        post(
            "/admin/v1/resource-servers",
            resource_server::add,
            told::resource_server::add,
        ),
        delete(
            "/admin/v1/resource-servers/{name}",
            resource_server::remove,
            told::resource_server::remove,
        ),
        get("/admin/v1/audit", audit::list, told::audit::list),
    ]
}

pub(crate) fn router(app: Arc<App>) -> Router {
    // Whatever is not there may be a page's question whether it may ask, which is not for a route to answer.
    let refuse = |code| {
        async move |State(app): State<Arc<App>>, method: Method, headers: HeaderMap| {
            cors::preflight(&method, &headers, &app).ok_or_else(|| Problem::new(code))
        }
    };
    routes()
        .into_iter()
        .fold(Router::new(), |router, route| {
            router.route(route.path, route.handler)
        })
        .method_not_allowed_fallback(refuse(Code::MethodNotAllowed))
        .fallback(refuse(Code::NotFound))
        .with_state(app)
}

/// Where there is no place for a connection: whether the process lives, and nothing else.
pub(crate) fn crowded_router() -> Router {
    Router::new()
        .route(health::LIVE, axum::routing::get(health::live))
        .fallback(turn_away)
}

async fn turn_away(version: Version) -> Response {
    let mut response = Problem::new(Code::Overloaded).into_response();
    // HTTP/2 has no such header, and its connections end by themselves.
    if version < Version::HTTP_2 {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}
