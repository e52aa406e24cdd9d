//! The record of one's own account.

use serde_json::json;

use super::{CALLER, READS, USERS};
use crate::http::{
    event::{LARGEST_PAGE, PAGE},
    openapi::{Operation, example},
};

pub(in crate::http) fn list() -> Operation {
    Operation::new(
        "events",
        USERS,
        "What happened",
        "The security events of the caller's own account, the last first: logins, ends of sessions, changes of the password, failed logins by the hour. What an administrator did says so, and neither who nor from where.",
    )
    .with_access_token()
    .parameter(json!({
        "name": "limit",
        "in": "query",
        "required": false,
        "description": "How many at most.",
        "schema": { "type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE },
    }))
    .parameter(json!({
        "name": "cursor",
        "in": "query",
        "required": false,
        "description": "Where to go on: `next` of the page before. It is good for the same user alone.",
        "schema": { "type": "string" },
    }))
    .answer(200, "A page of events.", "Events", example::events())
    .errors(CALLER)
    .errors(READS)
}
