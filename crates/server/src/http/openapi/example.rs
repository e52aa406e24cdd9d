//! Examples of what goes in and what comes out; a test holds each against its schema.

use serde_json::{Value, json};

use super::schema::with;

const SESSION: &str = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071";

/// No token of anybody's, and the shape of one.
pub(super) fn refresh_token() -> String {
    format!("relatch_rt_{}", "Example-".repeat(9))
}

pub(super) fn tokens() -> Value {
    json!({
        "access_token": "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImV4YW1wbGUifQ.eyJzdWIiOiJleGFtcGxlIn0.ZXhhbXBsZQ",
        "token_type": "Bearer",
        "expires_in": 900,
        "refresh_token": refresh_token(),
        "refresh_expires_in": 432_000,
        "session_id": SESSION,
    })
}

pub(super) fn user_tokens() -> Value {
    with(device_tokens(), "user", user())
}

/// Of a session that has just begun.
pub(super) fn device_tokens() -> Value {
    let token = format!("relatch_dt_{}", "Example-".repeat(9) + "Exam");
    with(tokens(), "device_token", token)
}

pub(super) fn challenge() -> Value {
    json!({
        "parameters": {
            "algorithm": "PBKDF2/SHA-256",
            "cost": 500,
            "expiresAt": 1_795_349_100,
            "keyLength": 32,
            "keyPrefix": "000",
            "nonce": "8c1f2a6b0d9e47f3a5b8c2d1e0f49a37",
            "salt": "04b1c5d9e8f7263a4b5c6d7e8f901a2b",
        },
        "signature": "3f8a61d2b7c94e05".repeat(4),
    })
}

pub(super) fn fresh_access_token() -> Value {
    let mut example = tokens();
    if let Some(example) = example.as_object_mut() {
        example.retain(|name, _| !name.starts_with("refresh_"));
    }
    example
}

pub(super) fn user() -> Value {
    json!({
        "id": "019ab3c4-5d6e-7aaa-8bbb-0123456789ab",
        "username": "ada",
        "email": "ada@example.com",
        "created_at": "2026-11-22T12:00:00.000Z",
    })
}

pub(super) fn logged_out() -> Value {
    json!({ "session_id": SESSION, "ended": true })
}

pub(super) fn devices() -> Value {
    json!({
        "sessions": [{
            "id": SESSION,
            "device": "Firefox on Linux",
            "created_at": "2026-11-22T12:00:00.000Z",
            "last_used_at": "2026-11-22T12:14:10.250Z",
            "expires_at": "2026-11-27T12:14:10.250Z",
            "remember_me": false,
            "current": true,
        }],
    })
}

pub(super) fn events() -> Value {
    json!({
        "events": [{
            "at": "2026-11-22T12:14:10.250Z",
            "event": "session.ended",
            "session_id": SESSION,
            "address": "192.0.2.7",
            "agent": "Mozilla/5.0",
            "detail": { "reason": "logout" },
        }],
        "next": "c29tZXdoZXJlIGluIHRoZSBsaXN0LCBzZWFsZWQ",
    })
}

pub(super) fn stream() -> String {
    let entry = json!({ "sid": SESSION, "exp": 1_795_349_880 });
    format!(
        "retry: 2000\n\nevent: revoked\nid: b1946ac92492d234.42\ndata: {entry}\n\n\
         event: heartbeat\nid: b1946ac92492d234.42\ndata: {{\"id\":\"b1946ac92492d234.42\",\"at\":1795348801}}\n\n"
    )
}

pub(super) fn introspection() -> Value {
    json!({
        "active": true,
        "token_type": "Bearer",
        "iss": "https://auth.example.com",
        "sub": "019ab3c4-5d6e-7aaa-8bbb-0123456789ab",
        "username": "ada",
        "aud": ["https://api.example.com"],
        "client_id": "relatch",
        "exp": 1_795_349_700,
        "iat": 1_795_348_800,
        "auth_time": 1_795_348_800,
        "amr": ["pwd"],
        "jti": "ZXhhbXBsZS1leGFtcGxlIQ",
        "sid": SESSION,
        "scope": "notes:read",
        "roles": ["reader"],
        "permissions": ["notes:read"],
    })
}
