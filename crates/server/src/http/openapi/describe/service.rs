//! Keys, health and the documentation.

use serde_json::json;

use super::{SERVICE, STORE};
use crate::http::{
    docs,
    openapi::{Operation, schema},
    problem::Code,
};

pub(in crate::http) fn keys() -> Operation {
    let example = json!({
        "keys": [{
            "kty": "OKP",
            "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "kid": "example",
            "use": "sig",
            "alg": "EdDSA",
        }],
    });
    let content = json!({
        "application/jwk-set+json": { "schema": schema::reference("KeySet"), "example": example },
    });
    Operation::new(
        "keys",
        SERVICE,
        "Public keys",
        "What a service needs to check access tokens by itself (RFC 7517).",
    )
    .answer_of(200, "The keys.", "public, max-age=300", content)
    .errors(&[Code::Overloaded, Code::Unavailable])
}

pub(in crate::http) fn live() -> Operation {
    Operation::new(
        "live",
        SERVICE,
        "Does it run",
        "Answers as long as the process does.",
    )
    .answer(200, "It runs.", "Health", json!({ "status": "ok" }))
    .errors(&[Code::Unavailable])
}

pub(in crate::http) fn ready() -> Operation {
    Operation::new(
        "ready",
        SERVICE,
        "Can it serve",
        "Asks the database as well.",
    )
    .answer(200, "It can serve.", "Health", json!({ "status": "ok" }))
    .errors(STORE)
}

pub(in crate::http) fn openapi() -> Operation {
    let content = json!({ "application/json": { "schema": { "type": "object" } } });
    Operation::new(
        "openapi",
        SERVICE,
        "This document",
        "OpenAPI 3.1, the same as `docs/openapi.json`.",
    )
    .answer_of(200, "The document.", "no-cache", content)
    .errors(&[Code::Overloaded, Code::Unavailable])
}

pub(in crate::http) fn docs() -> Operation {
    let content = json!({ "text/html": { "schema": { "type": "string" } } });
    Operation::new(
        "docs",
        SERVICE,
        "The page of documentation",
        "For people: the API to try and to read. `server.docs_page = false` switches it off.",
    )
    .answer_of(200, "The page.", "no-cache", content)
    .errors(&[Code::NotFound, Code::Overloaded, Code::Unavailable])
}

pub(in crate::http) fn docs_file() -> Operation {
    let text = json!({ "schema": { "type": "string" } });
    let content = json!({ "text/css": text, "text/javascript": text, "image/svg+xml": text });
    Operation::new(
        "docs_file",
        SERVICE,
        "A file of that page",
        "Script, style and icon of the page.",
    )
    .parameter(json!({
        "name": "file",
        "in": "path",
        "required": true,
        "description": "Its name.",
        "schema": { "type": "string", "enum": docs::file_names() },
    }))
    .answer_of(200, "The file.", "no-cache", content)
    .errors(&[Code::NotFound, Code::Overloaded, Code::Unavailable])
}
