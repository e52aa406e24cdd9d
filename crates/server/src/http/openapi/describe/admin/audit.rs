//! The record of events.

use serde_json::json;

use super::{in_pages, in_query, look};
use crate::http::openapi::{Operation, schema};

pub(in crate::http) fn list() -> Operation {
    let time = || schema::reference("Time");
    let example = json!({
        "events": [{
            "number": 42,
            "at": "2026-11-22T12:00:00.000Z",
            "event": "user.disabled",
            "user_id": "019ab3c4-5d6e-7aaa-8bbb-0123456789ab",
            "address": "192.0.2.7",
            "agent": "curl/8.14",
            "detail": { "by": "019ab3c4-5d6e-7bbb-8ccc-0123456789ab" },
        }],
        "next": "q83vEjRWeJCrze8SNFZ4kGFkYQ",
    });
    let operation = look(
        "admin_audit",
        "Read the record of events",
        "The last first; every part that is named must fit. That the record is the one that was written, `relatch audit verify` tells. Takes `relatch:audit`.",
    )
    .parameter(in_query("user", "To this user.", schema::reference("Id")))
    .parameter(in_query("session", "In this session.", schema::reference("Id")))
    .parameter(in_query("event", "Of a name that begins so: `session.` is all about sessions.", json!({ "type": "string" })))
    .parameter(in_query("since", "Not earlier.", time()))
    .parameter(in_query("until", "Earlier than that.", time()));
    in_pages(operation).answer(200, "A page of the record.", "Records", example)
}
