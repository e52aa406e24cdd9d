//! Keys.

use serde_json::{Value, json};

use super::{BODY, in_path, look, order};
use crate::http::{openapi::Operation, problem::Code};

fn keys() -> Value {
    json!({
        "keys": [{
            "purpose": "signing",
            "id": "example",
            "algorithm": "EdDSA",
            "state": "active",
            "since": "2026-11-22T12:00:00.000Z",
            "replacement_wanted": true,
        }],
    })
}

pub(in crate::http) fn list() -> Operation {
    look(
        "admin_keys",
        "List keys",
        "Where each of them stands, and never a secret. Takes `relatch:read`.",
    )
    .answer(200, "The keys.", "KeyStandings", keys())
}

pub(in crate::http) fn rotate() -> Operation {
    order(
        "admin_rotate_keys",
        "Turn the keys",
        "The announced ones take over as soon as everybody can know them; nobody is logged out. Takes `relatch:keys`.",
    )
    .optional_body("KeyRotation", json!({ "purpose": "signing" }))
    .answer(200, "The keys as they are now.", "KeyStandings", keys())
    .errors(BODY)
    .errors(&[Code::KeysBusy])
}

pub(in crate::http) fn compromise() -> Operation {
    order(
        "admin_compromise_key",
        "Withdraw a key that got into wrong hands",
        "At once, nothing that it made is accepted any more, and the announced key takes its place. Of a signing key, clients get new access tokens with their next refresh; of a key of refresh tokens, devices have to log in again. Takes `relatch:keys`.",
    )
    .parameter(in_path("id", "The id of a key.", json!({ "type": "string" })))
    .optional_body("KeyCompromise", json!({ "log_out": false }))
    .answer(200, "The keys as they are now.", "KeyStandings", keys())
    .errors(BODY)
    .errors(&[Code::KeysBusy])
}
