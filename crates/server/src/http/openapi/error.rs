//! Errors in the document: one answer for each status, with exactly the codes that the route can give.

use relatch_core::session::EndReason;
use serde_json::{Map, Value, json};

use super::schema;
use crate::http::problem::{Code, FAULTS};

/// The answers of a route that can give `codes`, by status, and those that come before any route.
pub(super) fn responses(codes: &[Code]) -> Map<String, Value> {
    let mut responses = Map::new();
    for code in Code::ALL.iter().filter(|code| codes.contains(code)) {
        let status = code.status();
        responses
            .entry(status.as_str())
            .or_insert_with(|| response(&of_status(codes, *code)));
    }
    for (status, name) in [("414", "UriTooLong"), ("431", "HeadTooLarge")] {
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        responses.insert(status.to_owned(), reference);
    }
    responses
}

fn of_status(codes: &[Code], code: Code) -> Vec<Code> {
    let same = |other: &Code| other.status() == code.status() && codes.contains(other);
    Code::ALL.iter().copied().filter(same).collect()
}

fn response(codes: &[Code]) -> Value {
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
                json!({ "$ref": format!("#/components/examples/{}", code.name()) }),
            )
        })
        .collect();
    let status = codes.first().map(|code| code.status().as_u16());
    json!({
        "description": lines.join("\n"),
        "headers": headers_of(status.unwrap_or_default()),
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

fn example(code: Code) -> Value {
    let mut problem = json!({
        "type": code.urn(),
        "title": code.title(),
        "status": code.status().as_u16(),
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

/// An example of every error.
pub(super) fn examples() -> Value {
    Code::ALL
        .iter()
        .map(|code| (code.name().to_owned(), json!({ "value": example(*code) })))
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
        "Challenge": {
            "description": "Asks for a token (RFC 6750 §3) where one was missing or refused, for a newer login (RFC 9470), for one with more permissions, or for the credential of a resource server; with `insufficient_scope` it says which permissions are wanted. Not with `invalid_credentials`, `no_session`, `invalid_reset_code`, `proof_required`, and those of 403 but `permission_required` and `insufficient_scope`.",
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
