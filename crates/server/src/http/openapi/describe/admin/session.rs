//! Sessions of everybody.

use serde_json::{Value, json};

use super::{in_pages, in_path, in_query, look, order, user::account, user_id};
use crate::http::{
    openapi::{Operation, schema},
    problem::Code,
};

const ID: &str = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071";

fn session() -> Value {
    json!({
        "id": ID,
        "user_id": "019ab3c4-5d6e-7aaa-8bbb-0123456789ab",
        "device": "Firefox on Linux",
        "state": "live",
        "created_at": "2026-11-22T12:00:00.000Z",
        "last_used_at": "2026-11-22T12:14:10.250Z",
        "expires_at": "2026-11-27T12:14:10.250Z",
        "remember_me": false,
    })
}

fn page() -> Value {
    json!({ "sessions": [session()], "next": "q83vEjRWeJCrze8SNFZ4kGFkYQ" })
}

fn session_id() -> Value {
    in_path("id", "The id of a session.", schema::reference("Id"))
}

/// In pages, with or without those that are over.
fn listing(operation: Operation) -> Operation {
    let ended = json!({ "type": "string", "enum": ["true", "false"], "default": "false" });
    in_pages(operation.parameter(in_query(
        "ended",
        "Also those that are over, for as long as their rows stay (`session.keep_ended`).",
        ended,
    )))
    .answer(200, "A page of sessions. It may be shorter than `limit` and not be the last: that is told by `next` alone.", "AnySessions", page())
}

pub(in crate::http) fn list() -> Operation {
    let operation = look(
        "admin_sessions",
        "List sessions",
        "Of a user, the newest first; else everybody's, in no order of time. Takes `relatch:read`.",
    );
    let user = in_query("user", "Those of this user alone.", schema::reference("Id"));
    listing(operation.parameter(user))
}

pub(in crate::http) fn of_user() -> Operation {
    let operation = look(
        "admin_user_sessions",
        "List the sessions of a user",
        "The newest first. Takes `relatch:read`.",
    );
    listing(operation.parameter(user_id()))
}

pub(in crate::http) fn show() -> Operation {
    let opened = json!({
        "at": "2026-11-22T12:00:00.000Z",
        "event": "session.opened",
        "session_id": ID,
        "address": "192.0.2.7",
        "agent": "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    });
    let example =
        json!({ "session": session(), "user": account(), "events": [opened], "around_end": [] });
    look(
        "admin_session",
        "Show a session and what happened to it",
        "Its row may be gone, and its user, while its events are still there. Takes `relatch:read`.",
    )
    .parameter(session_id())
    .answer(200, "All that is known of it.", "SessionStory", example)
}

pub(in crate::http) fn end() -> Operation {
    order(
        "admin_end_session",
        "End a session",
        "The user may log in again at once; disabling him keeps him out. That it was over before is no error. Takes `relatch:sessions`.",
    )
    .parameter(session_id())
    .answer(200, "It is over.", "EndedCount", json!({ "ended": 1 }))
    .errors(&[Code::BeyondOwnRights])
}

pub(in crate::http) fn end_all() -> Operation {
    order(
        "admin_end_sessions",
        "End every session of a user",
        "He may log in again at once; disabling him keeps him out. Takes `relatch:sessions`.",
    )
    .parameter(user_id())
    .answer(200, "They are over.", "EndedCount", json!({ "ended": 3 }))
    .errors(&[Code::BeyondOwnRights])
}
