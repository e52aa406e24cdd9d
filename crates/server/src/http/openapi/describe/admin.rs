//! The routes of administrators in words.

pub(in crate::http) mod audit;
pub(in crate::http) mod key;
pub(in crate::http) mod resource_server;
pub(in crate::http) mod role;
pub(in crate::http) mod session;
pub(in crate::http) mod user;

use serde_json::{Value, json};

use super::{ADMINISTRATION, BODY, CALLER, STORE, in_pages, in_query};
use crate::http::{
    openapi::{Operation, schema},
    problem::Code,
};

/// What the guard may answer.
const ADMITTED: &[Code] = &[Code::PermissionRequired, Code::NotFound];

/// What an order about an account or a role may answer when it is judged.
const JUDGED: &[Code] = &[
    Code::BeyondOwnRights,
    Code::LastAdministrator,
    Code::ChangedMeanwhile,
];

/// A route that looks.
fn look(id: &'static str, summary: &'static str, description: &'static str) -> Operation {
    Operation::new(id, ADMINISTRATION, summary, description)
        .with_access_token()
        .errors(CALLER)
        .errors(ADMITTED)
        .errors(STORE)
}

/// A route that changes something.
fn order(id: &'static str, summary: &'static str, description: &'static str) -> Operation {
    Operation::new(id, ADMINISTRATION, summary, description)
        .with_access_token()
        .errors(CALLER)
        .errors(ADMITTED)
        .errors(&[Code::ReauthenticationRequired])
        .errors(STORE)
}

fn in_path(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "path", "required": true, "description": description, "schema": schema })
}

fn user_id() -> Value {
    in_path("id", "The id of a user.", schema::reference("Id"))
}

fn if_match() -> Value {
    json!({
        "name": "If-Match",
        "in": "header",
        "required": false,
        "description": "The `ETag` of what is to be changed: nothing is, if it has another one by now.",
        "schema": { "type": "string" },
    })
}

const TAG: &str = "Names the state that this shows, for `If-Match`.";
