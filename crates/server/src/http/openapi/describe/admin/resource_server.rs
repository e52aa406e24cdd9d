//! Resource servers.

use serde_json::json;

use super::{BODY, in_path, look, order};
use crate::http::{
    openapi::{Operation, schema},
    problem::Code,
};

pub(in crate::http) fn list() -> Operation {
    look(
        "admin_resource_servers",
        "List resource servers",
        "Services with a credential of their own, and never the credential. Takes `relatch:read`.",
    )
    .answer(
        200,
        "All of them.",
        "ResourceServers",
        json!({ "resource_servers": [{ "name": "notes", "created_at": "2026-11-22T12:00:00.000Z" }] }),
    )
}

pub(in crate::http) fn add() -> Operation {
    order(
        "admin_add_resource_server",
        "Add a resource server",
        "It may follow revocations and ask about tokens from then on. Takes `relatch:resource-servers`.",
    )
    .body("NewResourceServer", json!({ "name": "notes" }))
    .answer(
        201,
        "Its credential.",
        "IssuedCredential",
        json!({ "name": "notes", "credential": "relatch_rs_ZXhhbXBsZSBleGFtcGxlIGV4YW1wbGUgZXhhbXBsZSE" }),
    )
    .errors(BODY)
    .errors(&[Code::NameTaken])
}

pub(in crate::http) fn remove() -> Operation {
    order(
        "admin_remove_resource_server",
        "Remove a resource server",
        "Its credential opens nothing any more, and the streams that it opened end. Takes `relatch:resource-servers`.",
    )
    .parameter(in_path(
        "name",
        "The name of a resource server.",
        schema::reference("RoleName"),
    ))
    .done("It is gone.")
}
