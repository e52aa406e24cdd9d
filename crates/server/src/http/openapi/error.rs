//! Errors in the document: one answer for each status, with exactly the codes that the route can give.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use relatch_core::session::EndReason;
use serde_json::{Map, Value, json};

use super::schema;
use crate::http::problem::{Code, FAULTS};

/// The answers of a route that can give `codes`, each with its status there, and those that come before any route.
pub(super) fn responses(codes: &[(StatusCode, Code)]) -> Map<String, Value> {
    let mut by_status: BTreeMap<StatusCode, Vec<Code>> = BTreeMap::new();
    for code in Code::ALL {
        for (status, _) in codes.iter().filter(|(_, told)| told == code) {
            let of_status = by_status.entry(*status).or_default();
            if !of_status.contains(code) {
                of_status.push(*code);
            }
        }
    }
    let answer = |(status, codes): (StatusCode, Vec<Code>)| {
        (status.as_str().to_owned(), response(status, &codes))
    };
    let mut responses: Map<_, _> = by_status.into_iter().map(answer).collect();
    for (status, name) in [("414", "UriTooLong"), ("431", "HeadTooLarge")] {
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        responses.insert(status.to_owned(), reference);
    }
    responses
}

fn response(status: StatusCode, codes: &[Code]) -> Value {
    let names: Vec<_> = codes.iter().map(|code| code.name()).collect();
    let lines: Vec<_> = codes
        .iter()
        .map(|code| format!("`{}`: {}", code.name(), code.title()))
        .collect();
    let examples: Map<_, _> = codes
        .iter()
        .map(|code| {
            (
                code.name().to_owned(),
                json!({ "$ref": format!("#/components/examples/{}", example_name(status, *code)) }),
            )
        })
        .collect();
    let status = status.as_u16();
    json!({
        "description": lines.join("\n"),
        "headers": headers_of(status),
        "content": {
            "application/problem+json": {
                "schema": {
                    "allOf": [
                        schema::reference("Problem"),
                        { "properties": { "status": { "const": status }, "code": { "enum": names } } },
                    ],
                },
                "examples": examples,
            },
        },
    })
}

fn headers_of(status: u16) -> Value {
    let mut headers = json!({
        "x-request-id": header("RequestId"),
        "Cache-Control": header("NoStore"),
    });
    if let Some(headers) = headers.as_object_mut() {
        match status {
            401 | 403 => headers.insert("WWW-Authenticate".to_owned(), header("Challenge")),
            503 => headers.insert("Retry-After".to_owned(), header("RetryAfter")),
            _ => None,
        };
    }
    headers
}

/// The name of an example of that error, which says its status where that is not the usual one.
fn example_name(status: StatusCode, code: Code) -> String {
    if status == code.status() {
        code.name().to_owned()
    } else {
        format!("{}_{}", code.name(), status.as_u16())
    }
}

fn example(status: StatusCode, code: Code) -> Value {
    let mut problem = json!({
        "type": code.urn(),
        "title": code.title(),
        "status": status.as_u16(),
        "code": code.name(),
        "request_id": "5a2f09c1d37be864",
    });
    let extra = match code {
        Code::InvalidRequest => json!({
            "errors": [{ "field": "body", "code": "malformed", "detail": "The body must be a JSON object." }],
        }),
        Code::SessionEnded => {
            json!({ "reason": "logout", "ended_at": "2026-11-22T12:00:00.000Z" })
        }
        _ => json!({}),
    };
    if let (Some(problem), Value::Object(extra)) = (problem.as_object_mut(), extra) {
        problem.extend(extra);
    }
    problem
}

/// An example of every error, and of those of a proof on a route with an access token.
pub(super) fn examples() -> Value {
    let usual = Code::ALL.iter().map(|code| (code.status(), *code));
    let proofs = [Code::InvalidDpopProof, Code::UseDpopNonce];
    usual
        .chain(proofs.map(|code| (StatusCode::UNAUTHORIZED, code)))
        .map(|(status, code)| {
            let value = json!({ "value": example(status, code) });
            (example_name(status, code), value)
        })
        .collect::<Map<_, _>>()
        .into()
}

/// A header by its name among the components.
pub(super) fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// The headers that answers share.
pub(super) fn headers() -> Value {
    json!({
        "RequestId": {
            "description": "Names the request in the server's log.",
            "required": true,
            "schema": { "type": "string", "pattern": "^[0-9a-f]{16}$", "minLength": 16, "maxLength": 16 },
            "example": "5a2f09c1d37be864",
        },
        "NoStore": {
            "description": "No cache may keep it.",
            "required": true,
            "schema": { "type": "string", "const": "no-store" },
        },
        "RetryAfter": {
            "description": "When to ask again, in seconds.",
            "required": true,
            "schema": { "type": "integer", "minimum": 1 },
            "example": 1,
        },
        "Nonce": {
            "description": "With `use_dpop_nonce`, and with other answers to a request with a proof where `dpop.nonce` is `required`: what the next proof must have as its `nonce`.",
            "required": false,
            "schema": { "type": "string" },
            "example": "AAAAAGp4y0BFv0fQ8p0nXkYxq9m2b7Jd",
        },
        "Challenge": {
            "description": "Asks for a token (RFC 6750 §3) where one was missing or refused, for a proof of possession (RFC 9449 §7.1), for a newer login (RFC 9470), for one with more permissions, or for the credential of a resource server; with `insufficient_scope` it says which permissions are wanted. Not with `invalid_credentials`, `no_session`, `invalid_reset_code`, and those of 403 but `permission_required` and `insufficient_scope`.",
            "required": false,
            "schema": { "type": "string" },
            "example": "Bearer error=\"invalid_token\"",
        },
    })
}

/// The answers that come before any route is looked for.
pub(super) fn shared() -> Value {
    json!({
        "UriTooLong": { "description": "The path or the query is too long. No body; the connection is closed." },
        "HeadTooLarge": { "description": "Request line and headers are larger than `server.max_headers`. No body; the connection is closed." },
    })
}

/// The schemas of an error.
pub(super) fn schemas() -> Value {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
    let faults: Vec<_> = FAULTS.iter().map(|fault| fault.0).collect();
    let reasons: Vec<_> = EndReason::all().map(EndReason::name).collect();
    json!({
        "Problem": {
            "type": "object",
            "description": "An error (RFC 9457). `title` and `detail` are for people and may change.",
            "required": ["type", "title", "status", "code", "request_id"],
            "properties": {
                "type": { "type": "string", "description": "`urn:relatch:error:` and the code." },
                "title": { "type": "string", "description": "What the code means, in a sentence." },
                "status": { "type": "integer", "minimum": 400, "maximum": 599 },
                "detail": { "type": "string", "description": "More on this case." },
                "code": schema::reference("ErrorCode"),
                "request_id": { "type": "string", "description": "As in the header `x-request-id`." },
                "reason": schema::reference("EndReason"),
                "ended_at": schema::described(&schema::reference("Time"), "With `session_ended`: when."),
                "errors": {
                    "type": "array",
                    "description": "With `invalid_request`: every fault, 16 at most.",
                    "maxItems": 16,
                    "items": schema::reference("FieldFault"),
                },
            },
        },
        "FieldFault": {
            "type": "object",
            "description": "One fault of a request.",
            "required": ["field", "code", "detail"],
            "properties": {
                "field": { "type": "string", "description": "The field, or `body`, or the name of a header or parameter." },
                "code": { "type": "string", "enum": faults },
                "detail": { "type": "string", "description": "What to do about it." },
            },
        },
        "ErrorCode": { "type": "string", "description": "Stable: what a program looks at.", "enum": codes },
        "EndReason": { "type": "string", "description": "With `session_ended`: why.", "enum": reasons },
    })
}
