//! Values that nobody may have, and what only looks like one.

use serde_json::json;

use crate::support::{
    Server,
    account::PASSWORD,
    post, request,
    target::{Target, is_a_problem, routes},
};

/// Values of one field that are refused with one code.
type Case = (&'static str, &'static str, &'static [&'static str]);

const REFUSED: [Case; 10] = [
    (
        "username",
        "invalid_characters",
        &[
            "a b",
            "a\0",
            "a@b.example",
            "\u{430}da",
            "../x",
            "a'--",
            "<b>",
            "\u{202e}ada",
            " ada",
        ],
    ),
    ("username", "too_short", &[""]),
    (
        "email",
        "invalid_format",
        &["", "x", "a@b", "a@@example.com", "<a@example.com>"],
    ),
    (
        "email",
        "invalid_format",
        &["a\0@example.com", "a@example.com\r\nBcc: b@example.com"],
    ),
    ("password", "too_short", &["", "short", "seven77"]),
    (
        "password",
        "invalid_characters",
        &["nul \0 inside it", "line\nbreak here", "escape \u{1b}[0m"],
    ),
    (
        "password",
        "too_common",
        &["password", "PASSWORD", "12345678"],
    ),
    ("password", "matches_email", &["eve@example.com"]),
    ("device_name", "invalid_characters", &["a\0b", "\u{1b}[31m"]),
    ("device_name", "too_short", &["", "  "]),
];

#[test]
fn a_value_that_nobody_may_have_is_refused_by_name() {
    let target = Target::new();
    for (field, code, values) in REFUSED {
        for value in values {
            registration_refused(&target, field, value, code);
        }
    }
    target.unharmed();
}

#[test]
fn a_value_that_is_too_long_is_refused_by_name() {
    let target = Target::new();
    let address = format!("{}@example.com", "a".repeat(250));
    for (field, value) in [
        ("username", "a".repeat(65)),
        ("email", address),
        ("password", "x".repeat(257)),
        // Short as it stands, long once normalised.
        ("password", "\u{fb2c}".repeat(100)),
        ("device_name", "x".repeat(65)),
    ] {
        registration_refused(&target, field, &value, "too_long");
    }
    target.unharmed();
}

#[track_caller]
fn registration_refused(target: &Target, field: &str, value: &str, code: &str) {
    let (path, mut body) = routes()[0].clone();
    body[field] = json!(value);
    target.refuses(path, body.to_string(), &[&format!("{field}: {code}")]);
}

#[test]
fn a_username_that_only_looks_different_is_the_same() {
    let server = Server::start(&[]);
    server.register("ada");
    for twin in ["ADA", "aDa"] {
        let body = json!({ "username": twin, "email": "x@example.com", "password": PASSWORD });
        post("/auth/register")
            .json(&body)
            .send(server.address)
            .is(409, "username_taken");
    }
    for name in ["\u{ff41}da", "ada\u{200b}", "\u{e1}da"] {
        let body = json!({ "username": name, "email": "x@example.com", "password": PASSWORD });
        assert_eq!(
            post("/auth/register")
                .json(&body)
                .send(server.address)
                .faults(),
            ["username: invalid_characters"]
        );
    }
}

#[test]
fn code_in_a_value_stays_a_value() {
    let server = Server::start(&[]);
    server.register("ada");
    for name in [
        "ada' OR '1'='1",
        "ada'; DROP TABLE user; --",
        "ada\0",
        "%",
        "a_a",
        "*",
        "${jndi:ldap://x}",
    ] {
        server.log_in(name, PASSWORD).is(401, "invalid_credentials");
    }
    for password in [
        "' OR 1=1 --",
        "%",
        "",
        "correct horse battery stapl",
        "Correct horse battery staple",
    ] {
        server
            .log_in("ada", password)
            .is(401, "invalid_credentials");
    }
    server
        .log_in("ada", &format!("{PASSWORD}\0"))
        .is(400, "invalid_request");
    assert_eq!(server.folder.rows()["user"], 1);
}

#[test]
fn an_odd_method_on_any_route_is_refused() {
    let target = Target::new();
    let paths = routes().map(|route| route.0).into_iter().chain([
        "/auth/me",
        "/.well-known/jwks.json",
        "/health/live",
    ]);
    for path in paths {
        for method in ["PUT", "PATCH", "TRACE", "OPTIONS", "FOO", "get", "PROPFIND"] {
            let reply = request(method, path).send(target.server.address);
            assert_eq!(
                reply.outcome(),
                (405, "method_not_allowed".to_owned()),
                "{method} {path}"
            );
            is_a_problem(&reply);
            assert!(
                reply.header("allow").is_some(),
                "RFC 9110 §15.5.6 wants Allow"
            );
        }
    }
    target.unharmed();
}
