//! Bodies that are wrong: each is refused with the field's name, never with its value, and leaves nothing behind.

use serde_json::json;

use crate::support::{
    Server, Tokens, post,
    target::{FORM, MARKER, Target, is_a_problem, routes},
};

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
