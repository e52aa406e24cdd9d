//! Every route in words, one function each; the table of routes in `http/router.rs` names them.

pub(in crate::http) mod admin;
pub(in crate::http) mod event;
pub(in crate::http) mod password;
pub(in crate::http) mod resource_server;
pub(in crate::http) mod service;
pub(in crate::http) mod session;
pub(in crate::http) mod user;

use serde_json::{Value, json};

use super::Operation;
use crate::http::{
    page::{MOST, USUAL},
    problem::Code,
};

const USERS: &str = "Users";
const SESSIONS: &str = "Sessions";
const PASSWORDS: &str = "Passwords";
const RESOURCE_SERVERS: &str = "Resource servers";
const SERVICE: &str = "Service";
const ADMINISTRATION: &str = "Administration";

/// The groups of routes, in their order.
pub(super) const TAGS: [(&str, &str); 6] = [
    (USERS, "Who one is."),
    (
        SESSIONS,
        "A session is one login on one device; its refresh token turns at every use.",
    ),
    (PASSWORDS, "Proving the password again, and changing it."),
    (
        ADMINISTRATION,
        "What administrators do with accounts of others, with roles and keys. Every route names the permission that it takes; the \
         first administrator is made on the server, with `relatch admin create`.",
    ),
    (
        RESOURCE_SERVERS,
        "What services ask that check access tokens, and proxies before them.",
    ),
    (SERVICE, "Keys, health and this documentation."),
];

/// When an answer with tokens has a cookie.
const SETS_COOKIE: &str = "In cookie mode, the refresh token:";

/// The same where a session begins.
const SETS_COOKIES: &str = "In cookie mode, the token of the device in `__Host-relatch_device` (`relatch_device_dev`), for a year, and the refresh token:";

/// When an answer about ended sessions has one.
const CLEARS_COOKIE: &str = "If the session whose cookie came along has ended, clears it:";

/// What a route that reads a body may answer.
const BODY: &[Code] = &[
    Code::InvalidRequest,
    Code::RequestTimeout,
    Code::PayloadTooLarge,
    Code::UnsupportedMediaType,
];

/// What a route that wants an access token may answer.
const CALLER: &[Code] = &[
    Code::InvalidRequest,
    Code::InvalidToken,
    Code::SessionEnded,
    Code::SessionUnknown,
];

/// What a route that asks the store, or hashes a password, may answer.
const STORE: &[Code] = &[Code::Overloaded, Code::Unavailable, Code::Internal];

fn in_query(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
}

/// The parameters of a list in pages.
fn in_pages(operation: Operation) -> Operation {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL });
    operation
        .parameter(in_query("limit", "At most so many.", limit))
        .parameter(in_query(
            "cursor",
            "`next` of the page before, with the same other parameters.",
            json!({ "type": "string", "minLength": 1 }),
        ))
}
