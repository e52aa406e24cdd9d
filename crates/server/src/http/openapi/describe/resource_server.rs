//! What services ask that check access tokens: what is revoked, whether a token is good, whether a request may pass.

use serde_json::{Value, json};

use super::{BODY, RESOURCE_SERVERS, STORE};
use crate::http::{
    introspect,
    openapi::{Operation, example, schema},
    problem::Code,
    revocations,
};

pub(in crate::http) fn stream() -> Operation {
    let content = json!({
        "text/event-stream": { "schema": { "type": "string" }, "example": example::stream() },
    });
    Operation::new(
        "revocations",
        RESOURCE_SERVERS,
        "Follow revocations",
        "Server-sent events without an end: `revoked` as it happens, `heartbeat` every 2 seconds, `reset` for whoever has to take the snapshot first. Taken up again where it broke with `Last-Event-ID`. The format is in `docs/revocation-feed.md`.",
    )
    .with_credential()
    .parameter(json!({
        "name": "Last-Event-ID",
        "in": "header",
        "required": false,
        "description": "The newest id that came, of a stream or of the snapshot (`last`). Left out: all that is revoked is told first.",
        "schema": { "type": "string", "example": "b1946ac92492d234.42" },
    }))
    .answer_of(200, "The stream.", "no-store", content)
    .errors(&[Code::InvalidClient, Code::Overloaded])
    .errors(STORE)
}

pub(in crate::http) fn snapshot() -> Operation {
    let content = json!({
        "application/jwt": { "schema": { "type": "string" }, "example": "eyJhbGciOiJFZERTQSIsInR5cCI6InJlbGF0Y2gtcmV2b2NhdGlvbnMrand0In0.eyJyZXZva2VkIjpbXX0.ZXhhbXBsZQ" },
    });
    Operation::new(
        "revocations_snapshot",
        RESOURCE_SERVERS,
        "All that is revoked",
        "A JWS with `typ: relatch-revocations+jwt`, good for a minute: for whoever comes late, and for caches that carry it to many.",
    )
    .with_credential()
    .parameter(json!({
        "name": "If-None-Match",
        "in": "header",
        "required": false,
        "description": "The `ETag` of the snapshot at hand.",
        "schema": { "type": "string" },
    }))
    .answer_of(200, "The snapshot.", revocations::SNAPSHOT_CACHE, content)
    .answer_with(200, entity_tag())
    .empty(304, "It is the one at hand.", revocations::SNAPSHOT_CACHE)
    .answer_with(304, entity_tag())
    .errors(&[Code::InvalidClient])
    .errors(STORE)
}

fn entity_tag() -> Value {
    json!({ "ETag": { "description": "Names the snapshot.", "required": true, "schema": { "type": "string" } } })
}

pub(in crate::http) fn introspect() -> Operation {
    let content = json!({
        "application/json": { "schema": schema::reference("Introspection"), "example": example::introspection() },
        introspect::SIGNED: { "schema": { "type": "string" } },
    });
    Operation::new(
        "introspect",
        RESOURCE_SERVERS,
        "Ask about a token",
        "RFC 7662: whether an access or refresh token is good at this moment, and what it says. Of every other token it tells that it is not active, and nothing more. `Accept: application/token-introspection+jwt` gets a signed answer (RFC 9701).",
    )
    .with_credential()
    .form("IntrospectionBody", json!({ "token": example::refresh_token() }))
    .answer_of(200, "What is known of it.", "no-store", content)
    .errors(BODY)
    .errors(&[Code::InvalidClient])
    .errors(STORE)
}

pub(in crate::http) fn verify() -> Operation {
    let header = |description: &str| json!({ "description": description, "required": true, "schema": { "type": "string" } });
    Operation::new(
        "verify",
        RESOURCE_SERVERS,
        "May this request pass",
        "For a proxy that asks before it lets a request through, with the request's `Authorization`: `auth_request` of nginx, `forward_auth` of Caddy and Traefik, `ext_authz` of Envoy. Any method is answered as GET is. The proxy must put the identity headers of the answer in the place of those that the client sent; all of them are in every good answer, empty where there is nothing to say. Tokens that are bound to a key are refused.",
    )
    .with_bearer_token()
    .taking_any_method()
    .parameter(json!({
        "name": "permission",
        "in": "query",
        "required": false,
        "description": "A permission that the token must have; may come more than once, then it must have all of them.",
        "schema": { "type": "array", "items": { "type": "string", "pattern": schema::PERMISSION, "example": "notes:read" } },
    }))
    .parameter(json!({
        "name": "uri",
        "in": "query",
        "required": false,
        "description": "Not looked at, and nothing behind it is: room for a proxy that can only put the request's address at the end.",
        "schema": { "type": "string" },
    }))
    .empty(200, "It may pass.", "no-store")
    .answer_with(
        200,
        json!({
            "X-Auth-User": header("The id of the user: the token's `sub`."),
            "X-Auth-Username": header("The user's name."),
            "X-Auth-Roles": header("The token's roles, with spaces between them."),
            "X-Auth-Permissions": header("The token's permissions, with spaces between them."),
            "X-Auth-Session": header("The id of the session."),
        }),
    )
    .errors(&[
        Code::InvalidRequest,
        Code::InvalidToken,
        Code::SessionEnded,
        Code::SessionUnknown,
        Code::InsufficientScope,
    ])
    .errors(STORE)
}
