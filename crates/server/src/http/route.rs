//! One route: method, path, handler and what the OpenAPI document says of it, tied together so that none can be missing.

use std::sync::Arc;

use axum::{
    handler::Handler,
    routing::{self, MethodFilter, MethodRouter, on},
};

use super::openapi::Operation;
use crate::app::App;

/// A method on a path.
pub(super) struct Route {
    /// In small letters, as OpenAPI has it.
    pub(super) method: &'static str,
    /// With parameters in braces, which axum and OpenAPI write alike.
    pub(super) path: &'static str,
    pub(super) handler: MethodRouter<Arc<App>>,
    pub(super) describe: fn() -> Operation,
}

pub(super) fn get<H: Handler<T, Arc<App>>, T: 'static>(
    path: &'static str,
    handler: H,
    describe: fn() -> Operation,
) -> Route {
    route("get", path, on(MethodFilter::GET, handler), describe)
}

pub(super) fn post<H: Handler<T, Arc<App>>, T: 'static>(
    path: &'static str,
    handler: H,
    describe: fn() -> Operation,
) -> Route {
    route("post", path, on(MethodFilter::POST, handler), describe)
}

pub(super) fn put<H: Handler<T, Arc<App>>, T: 'static>(
    path: &'static str,
    handler: H,
    describe: fn() -> Operation,
) -> Route {
    route("put", path, on(MethodFilter::PUT, handler), describe)
}

pub(super) fn patch<H: Handler<T, Arc<App>>, T: 'static>(
    path: &'static str,
    handler: H,
    describe: fn() -> Operation,
) -> Route {
    route("patch", path, on(MethodFilter::PATCH, handler), describe)
}

pub(super) fn delete<H: Handler<T, Arc<App>>, T: 'static>(
    path: &'static str,
    handler: H,
    describe: fn() -> Operation,
) -> Route {
    route("delete", path, on(MethodFilter::DELETE, handler), describe)
}

/// A route that answers every method alike, and is told of as the one for GET.
pub(super) fn any<H: Handler<T, Arc<App>>, T: 'static>(
    path: &'static str,
    handler: H,
    describe: fn() -> Operation,
) -> Route {
    route("get", path, routing::any(handler), describe)
}

fn route(
    method: &'static str,
    path: &'static str,
    handler: MethodRouter<Arc<App>>,
    describe: fn() -> Operation,
) -> Route {
    Route {
        method,
        path,
        handler,
        describe,
    }
}
