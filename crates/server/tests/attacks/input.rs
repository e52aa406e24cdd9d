//! Bodies that are wrong: each is refused with the field's name, never with its value, and leaves nothing behind.

use serde_json::{Value, json};

use crate::support::{Reply, Request, Server, Tokens, account::PASSWORD, post, request};

/// Put into every wrong value; no answer and no log may have it.
const MARKER: &str = "mArKeR-7f3a";

const FORM: &str = "application/x-www-form-urlencoded";

/// Every route with a body, and a body that it takes.
fn routes() -> [(&'static str, Value); 6] {
    let register = json!({ "username": "eve", "email": "eve@example.com", "password": PASSWORD });
    [
        ("/auth/register", register),
        (
            "/auth/login",
            json!({ "username": "ada", "password": PASSWORD }),
        ),
        ("/auth/refresh", json!({ "refresh_token": MARKER })),
        ("/auth/logout", json!({ "refresh_token": MARKER })),
        (
            "/auth/password/change",
            json!({ "old_password": PASSWORD, "new_password": MARKER }),
        ),
        ("/auth/reauthenticate", json!({ "password": PASSWORD })),
    ]
}

/// A server with one user, and what was in its database then.
struct Target {
    server: Server,
    owner: Tokens,
    content: Vec<Vec<rusqlite::types::Value>>,
}

impl Target {
    fn new() -> Self {
        let server = Server::start(&[]);
        let owner = server.register("ada");
        let content = server.folder.content();
        Self {
            server,
            owner,
            content,
        }
    }

    /// A request to `path`, with the access token where one is wanted.
    fn request(&self, path: &str) -> Request {
        let wants_access = path.contains("password") || path.contains("reauth");
        let request = post(path);
        if wants_access {
            request.bearer(&self.owner.access)
        } else {
            request
        }
    }

    /// Sends a body as JSON that must be refused with exactly these faults.
    #[track_caller]
    fn refuses(&self, path: &str, body: impl AsRef<[u8]>, faults: &[&str]) {
        let reply = self
            .request(path)
            .body("application/json", body)
            .send(self.server.address);
        assert_eq!(reply.status, 400, "{path}: {}", reply.text());
        assert_eq!(reply.faults(), faults, "{path}");
        is_a_problem(&reply);
    }

    /// Nothing was written, nothing was told, and the owner goes on.
    fn unharmed(self) {
        assert_eq!(
            self.server.folder.content(),
            self.content,
            "something was written"
        );
        self.server.is_well();
        self.server.turn(&self.owner);
        let said = self.server.stop().said();
        assert!(!said.contains(MARKER), "a value is in the log");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// An error as RFC 9457 has it, with a request's id, without what was sent.
#[track_caller]
fn is_a_problem(reply: &Reply) {
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json"),
        "{reply:?}"
    );
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let json = reply.json();
    assert_eq!(json["status"], reply.status);
    assert_eq!(json["request_id"].as_str(), reply.header("x-request-id"));
    assert_eq!(
        json["type"],
        format!("urn:relatch:error:{}", reply.string("code"))
    );
    assert!(
        !format!("{reply:?}{}", reply.text()).contains(MARKER),
        "the value is in the answer"
    );
}

#[test]
fn a_value_of_a_wrong_type_is_refused_by_name() {
    let target = Target::new();
    for (path, good) in routes() {
        for field in good.as_object().unwrap().keys() {
            for wrong in [
                json!(7),
                json!(null),
                json!(true),
                json!([MARKER]),
                json!({ "x": MARKER }),
                json!(1e300),
            ] {
                let mut body = good.clone();
                body[field] = wrong;
                target.refuses(path, body.to_string(), &[&format!("{field}: wrong_type")]);
            }
        }
    }
    for (field, wrong) in [
        ("remember_me", json!("true")),
        ("remember_me", json!(1)),
        ("device_name", json!(1)),
    ] {
        for (path, mut body) in routes().into_iter().take(2) {
            body[field] = wrong.clone();
            target.refuses(path, body.to_string(), &[&format!("{field}: wrong_type")]);
        }
    }
    target.unharmed();
}

#[test]
fn a_missing_an_unknown_and_a_doubled_field_are_each_refused_by_name() {
    let target = Target::new();
    for (path, good) in routes() {
        for field in good.as_object().unwrap().keys() {
            let mut body = good.clone();
            body.as_object_mut().unwrap().remove(field);
            target.refuses(path, body.to_string(), &[&format!("{field}: missing")]);
            let twice = good
                .to_string()
                .replacen('{', &format!("{{\"{field}\":\"{MARKER}\","), 1);
            let request = target.request(path).body("application/json", twice);
            let reply = request.send(target.server.address);
            assert_eq!(reply.status, 400, "{path}: {}", reply.text());
            assert_eq!(reply.faults()[0], format!("{field}: duplicate"), "{path}");
            is_a_problem(&reply);
        }
        for unknown in [
            "admin",
            "roles",
            "id",
            "__proto__",
            "Username",
            "access_token",
        ] {
            let mut body = good.clone();
            body[unknown] = json!(MARKER);
            target.refuses(path, body.to_string(), &[&format!("{unknown}: unknown")]);
        }
    }
    target.unharmed();
}

#[test]
fn a_body_that_is_no_json_object_is_refused() {
    let target = Target::new();
    let bodies: [&[u8]; 19] = [
        b"[]",
        b"7",
        b"null",
        b"\"text\"",
        b"{",
        b"}",
        b"{}{}",
        b"{\"a\":}",
        b"{'a':1}",
        b"\0",
        b"{\"a\":NaN}",
        b"{\"a\":01}",
        b"\xef\xbb\xbf{}",
        b"{\"a\":\"\xff\xfe\"}",
        b"\xc0\xae",
        b"{\"a\":\"\\ud800\"}",
        b"{\"a\":\"\\udc00\\ud800\"}",
        b"{\"\\ud800\":1}",
        b"{\"a\":\"line\nbreak\"}",
    ];
    for (path, _) in routes() {
        for body in bodies {
            target.refuses(path, body, &["body: malformed"]);
        }
    }
    target.unharmed();
}

#[test]
fn json_ten_thousand_levels_deep_is_refused_without_harm() {
    let target = Target::new();
    for (path, good) in routes() {
        let field = good.as_object().unwrap().keys().next().unwrap().clone();
        for open in ["[", "{\"a\":"] {
            let levels = if open == "[" { 10_000 } else { 3_000 };
            let deep = format!("{{\"{field}\":{}", open.repeat(levels));
            target.refuses(path, &deep, &["body: malformed"]);
        }
        let closed = format!("{{\"{field}\":{}{}}}", "[".repeat(7_000), "]".repeat(7_000));
        target.refuses(path, &closed, &["body: malformed"]);
    }
    target.unharmed();
}

#[test]
fn a_closed_nest_of_ten_thousand_levels_does_not_overflow_the_stack() {
    let server = Server::start(&[("server.max_body", "1MiB")]);
    for levels in [127, 10_000, 250_000] {
        let body = format!(
            "{{\"username\":{}{}}}",
            "[".repeat(levels),
            "]".repeat(levels)
        );
        let reply = post("/auth/login")
            .body("application/json", body)
            .send(server.address);
        assert_eq!(reply.status, 400, "{levels}");
    }
    server.is_well();
}

#[test]
fn a_body_over_the_limit_is_refused_and_one_at_the_limit_is_read() {
    let target = Target::new();
    for (path, _) in routes() {
        for size in [16 * 1024 + 1, 20_000] {
            let body = format!("{{\"username\":\"{}\"}}", "a".repeat(size - 15));
            assert_eq!(body.len(), size);
            let reply = target
                .request(path)
                .body("application/json", body)
                .send(target.server.address);
            reply.is(413, "payload_too_large");
            is_a_problem(&reply);
        }
        let most = format!("{{{}}}", " ".repeat(16 * 1024 - 2));
        let reply = target
            .request(path)
            .body("application/json", most)
            .send(target.server.address);
        assert_eq!(reply.status, 400, "{path}: {}", reply.text());
    }
    target.unharmed();
}

#[test]
fn a_million_faults_are_not_all_listed() {
    let target = Target::new();
    let fields: Vec<_> = (0..1_500)
        .map(|number| format!("\"f{number}\":1"))
        .collect();
    for (path, _) in routes() {
        let reply = target
            .request(path)
            .body("application/json", format!("{{{}}}", fields.join(",")));
        let reply = reply.send(target.server.address);
        assert_eq!(reply.status, 400);
        assert!(
            reply.faults().len() <= 16 && reply.body.len() < 8_192,
            "{}",
            reply.body.len()
        );
    }
    target.unharmed();
}

#[test]
fn a_body_of_another_type_is_not_read() {
    let target = Target::new();
    let kinds = [
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/json2",
        "text/json",
        "*/*",
        "",
        "application",
        "application/json,text/plain",
        "application/jwt",
    ];
    for (path, good) in routes() {
        for kind in kinds {
            let reply = target
                .request(path)
                .body(kind, good.to_string())
                .send(target.server.address);
            reply.is(415, "unsupported_media_type");
            is_a_problem(&reply);
        }
    }
    target.unharmed();
}

/// A page of somebody else's can make a browser send a form without being asked; JSON it cannot.
#[test]
fn a_form_of_a_foreign_page_logs_nobody_in_and_registers_nobody() {
    let target = Target::new();
    for (path, good) in routes() {
        if path.ends_with("refresh") || path.ends_with("logout") {
            continue;
        }
        let pairs = good.as_object().unwrap().iter();
        let form: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
            .collect();
        let form = form.join("&").replace(' ', "+");
        let reply = target
            .request(path)
            .body(FORM, form)
            .send(target.server.address);
        reply.is(415, "unsupported_media_type");
    }
    target.unharmed();
}

#[test]
fn a_form_is_a_form_on_refresh_and_logout() {
    let target = Target::new();
    for path in ["/auth/refresh", "/auth/logout"] {
        for (form, fault) in [
            ("refresh_token=a&other=b", "other: unknown"),
            (
                "refresh_token=a&refresh_token=a",
                "refresh_token: duplicate",
            ),
            ("refresh_token", ""),
            ("other", "other: unknown"),
            ("refresh_token=%ff%fe", ""),
            ("&&&", "refresh_token: missing"),
        ] {
            let reply = target
                .request(path)
                .body(FORM, form)
                .send(target.server.address);
            let expected: &[&str] = if fault.is_empty() { &[] } else { &[fault] };
            assert!(
                matches!(reply.status, 400 | 401),
                "{form}: {}",
                reply.text()
            );
            assert!(
                reply.faults().first().map(String::as_str) == expected.first().copied(),
                "{form}"
            );
            is_a_problem(&reply);
        }
    }
    let owner = target.owner.clone();
    let form = format!("refresh_token={}", owner.refresh);
    let reply = post("/auth/refresh")
        .body(FORM, form)
        .send(target.server.address);
    Tokens::of(&reply);
}

#[test]
fn names_addresses_and_passwords_that_nobody_may_have_are_refused_by_name() {
    let target = Target::new();
    let long = "a".repeat(65);
    let cases = [
        (
            "username",
            vec![
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
            "invalid_characters",
        ),
        ("username", vec![""], "too_short"),
        ("username", vec![long.as_str()], "too_long"),
        (
            "email",
            vec![
                "",
                "x",
                "a@b",
                "a@@example.com",
                "a\0@example.com",
                "a@example.com\r\nBcc: b@example.com",
                "<a@example.com>",
            ],
            "invalid_format",
        ),
        ("password", vec!["", "short", "seven77"], "too_short"),
        (
            "password",
            vec![
                "nul \0 inside it",
                "line\nbreak here",
                "escape \u{1b}[0m here",
            ],
            "invalid_characters",
        ),
        (
            "password",
            vec!["password", "PASSWORD", "12345678"],
            "too_common",
        ),
        ("password", vec!["eve@example.com"], "matches_email"),
    ];
    for (field, values, code) in cases {
        for value in values {
            let mut body = routes()[0].1.clone();
            body[field] = json!(value);
            target.refuses(
                "/auth/register",
                body.to_string(),
                &[&format!("{field}: {code}")],
            );
        }
    }
    let mut body = routes()[0].1.clone();
    body["password"] = json!("x".repeat(257));
    target.refuses("/auth/register", body.to_string(), &["password: too_long"]);
    for name in [
        "x".repeat(65),
        "a\0b".to_owned(),
        "\u{1b}[31m".to_owned(),
        "  ".to_owned(),
    ] {
        let mut body = routes()[0].1.clone();
        body["device_name"] = json!(name);
        let reply = post("/auth/register")
            .json(&body)
            .send(target.server.address);
        assert!(
            reply.faults()[0].starts_with("device_name: "),
            "{}",
            reply.text()
        );
    }
    target.unharmed();
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
