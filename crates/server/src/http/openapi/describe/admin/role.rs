//! Roles, and who holds them.

use serde_json::{Value, json};

use super::{BODY, JUDGED, TAG, if_match, in_path, look, order, user_id};
use crate::http::{
    openapi::{Operation, schema},
    problem::Code,
};

fn role() -> Value {
    json!({ "name": "editor", "permissions": ["notes:*", "tags:read"] })
}

fn held() -> Value {
    json!({ "roles": ["editor"], "permissions": ["notes:*", "tags:read"] })
}

fn name() -> Value {
    in_path("name", "The name of a role.", schema::reference("RoleName"))
}

fn if_none_match() -> Value {
    json!({
        "name": "If-None-Match",
        "in": "header",
        "required": false,
        "description": "`*`: only if it is not there.",
        "schema": { "type": "string", "const": "*" },
    })
}

pub(in crate::http) fn list() -> Operation {
    look(
        "admin_roles",
        "List roles",
        "All of them. Takes `relatch:read`.",
    )
    .answer(200, "The roles.", "Roles", json!({ "roles": [role()] }))
}

pub(in crate::http) fn show() -> Operation {
    look("admin_role", "Show a role", "Takes `relatch:read`.")
        .parameter(name())
        .answer(200, "The role.", "Role", role())
        .header("ETag", TAG)
}

pub(in crate::http) fn put() -> Operation {
    order(
        "admin_put_role",
        "Make a role, or change what it permits",
        "It permits exactly this from then on: in every access token that is made half a second later. Takes `relatch:grant`, and for every permission on `relatch` that it gives or takes that permission itself.",
    )
    .parameter(name())
    .parameter(if_match())
    .parameter(if_none_match())
    .body("RoleChange", json!({ "permissions": ["notes:*", "tags:read"] }))
    .answer(200, "The role as it is now.", "Role", role())
    .answer(201, "It was made.", "Role", role())
    .header("ETag", TAG)
    .errors(BODY)
    .errors(JUDGED)
}

pub(in crate::http) fn delete() -> Operation {
    order(
        "admin_delete_role",
        "Delete a role",
        "One that nobody holds. Takes `relatch:grant`, and every permission on `relatch` that it has.",
    )
    .parameter(name())
    .parameter(if_match())
    .done("It is gone.")
    .errors(&[
        Code::BeyondOwnRights,
        Code::RoleInUse,
        Code::ChangedMeanwhile,
    ])
}

pub(in crate::http) fn of_user() -> Operation {
    look(
        "admin_user_roles",
        "Show what a user may do",
        "His roles and what they permit together. Takes `relatch:read`.",
    )
    .parameter(user_id())
    .answer(200, "His roles.", "HeldRoles", held())
    .header("ETag", TAG)
}

pub(in crate::http) fn assign() -> Operation {
    order(
        "admin_assign_roles",
        "Give a user these roles and no others",
        "In his access tokens from the next refresh on. With `at_once` the ones that are out are revoked; with `end_sessions` every session of his ends. Takes `relatch:grant`, and for every permission on `relatch` that he gains or loses that permission itself.",
    )
    .parameter(user_id())
    .parameter(if_match())
    .body("Assignment", json!({ "roles": ["editor"], "end_sessions": false }))
    .answer(200, "His roles as they are now.", "HeldRoles", schema::with(held(), "ended", 0))
    .header("ETag", TAG)
    .errors(BODY)
    .errors(JUDGED)
}
