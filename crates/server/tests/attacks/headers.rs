//! What a browser, or somebody who looks for known holes, makes of an answer beyond its content.

use serde_json::json;

use crate::support::{
    Connection, Reply, Server,
    account::{PASSWORD, registration},
    eventually, get, post, request,
    tls::Secure,
};

/// What every answer says.
const GUARDS: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("cross-origin-resource-policy", "same-origin"),
];

#[track_caller]
fn is_guarded(reply: &Reply) {
    for (name, value) in GUARDS {
        let found: Vec<_> = reply
            .headers
            .iter()
            .filter(|header| header.0 == name)
            .collect();
        assert_eq!(found.len(), 1, "{name}: {reply:?}");
        assert_eq!(found[0].1, value, "{name}: {reply:?}");
    }
    assert!(reply.header("x-request-id").is_some(), "{reply:?}");
}

#[test]
fn no_answer_can_be_framed_sniffed_embedded_or_told_about() {
    let server = Server::start(&[]);
    let register = post("/auth/register").json(&registration("ada"));
    for (asked, status) in [
        (register, 201),
        (
            post("/auth/login").json(&json!({ "username": "ada", "password": PASSWORD })),
            200,
        ),
        (post("/auth/login").json(&json!({})), 400),
        (post("/auth/login").body("text/plain", "x"), 415),
        (get("/auth/me"), 401),
        (get("/nowhere"), 404),
        (get("/auth/login"), 405),
        (request("OPTIONS", "/auth/login"), 405),
        (get("/.well-known/jwks.json"), 200),
        (get("/openapi.json"), 200),
    ] {
        let reply = asked.send(server.address);
        assert_eq!(reply.status, status, "{reply:?}");
        is_guarded(&reply);
    }
}

#[test]
fn who_is_turned_away_is_guarded_as_well() {
    let server = Server::start(&[("server.max_connections", "1")]);
    let mut held = Connection::open(server.address);
    held.send(&get("/health/live").bytes());
    is_guarded(&held.read().unwrap());
    let reply = get("/auth/me").send(server.address);
    assert_eq!(reply.status, 503);
    is_guarded(&reply);
}

#[test]
fn a_head_that_nobody_can_read_is_answered_like_any_other_fault() {
    let server = Secure::start(&[]);
    let long = "x".repeat(20_000);
    for (head, status, code) in [
        ("GET\r\n\r\n".to_owned(), 400, "invalid_request"),
        (
            "GET / HTTP/1.1\r\nno header\r\n\r\n".to_owned(),
            400,
            "invalid_request",
        ),
        ("GET / HTTP/7.1\r\n\r\n".to_owned(), 400, "invalid_request"),
        (
            format!("GET / HTTP/1.1\r\nX: {long}\r\n\r\n"),
            431,
            "head_too_large",
        ),
        (
            format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(200)),
            431,
            "head_too_large",
        ),
    ] {
        let mut connection = server.connect();
        connection.send(head.as_bytes());
        let reply = connection.read().unwrap();
        reply.is(status, code);
        is_guarded(&reply);
        assert!(reply.header("strict-transport-security").is_some());
        assert!(
            reply
                .header("date")
                .is_some_and(|date| date.ends_with("GMT"))
        );
        let id = reply.header("x-request-id").unwrap();
        assert_eq!(reply.string("request_id"), id);
        assert!(
            eventually(|| server.folder.logged().contains(id)),
            "it is in the log"
        );
        assert!(connection.ends_within(3_000));
    }
}

#[test]
fn an_address_that_is_too_long_is_answered_like_any_other_fault() {
    let server = Server::start(&[("server.max_headers", "256KiB")]);
    let mut connection = Connection::open(server.address);
    connection.send(format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000)).as_bytes());
    let reply = connection.read().unwrap();
    reply.is(414, "uri_too_long");
    is_guarded(&reply);
}

#[test]
fn who_is_led_to_https_is_guarded_as_well() {
    let server = Secure::start(&[]);
    for asked in [get("/docs"), post("/auth/login").json(&json!({}))] {
        let reply = asked.send(server.redirect_address());
        assert!([308, 403].contains(&reply.status), "{reply:?}");
        is_guarded(&reply);
    }
}

#[test]
fn no_answer_tells_what_serves_here_and_in_which_version() {
    let server = Server::start(&[]);
    let version = env!("CARGO_PKG_VERSION");
    let owner = server.register("ada");
    for asked in [
        get("/health/live"),
        get("/health/ready"),
        get("/auth/me").bearer(&owner.access),
        get("/nowhere"),
        get("/docs"),
        get("/docs/app.js"),
        get("/.well-known/jwks.json"),
        get("/openapi.json"),
        get("/%"),
    ] {
        let reply = asked.send(server.address);
        for name in ["server", "x-powered-by", "via"] {
            assert_eq!(reply.header(name), None, "{reply:?}");
        }
        let headers = format!("{:?}", reply.headers).to_lowercase();
        let told = [version, "hyper", "axum", "relatch/"].map(|word| headers.contains(word));
        assert_eq!(told, [false; 4], "{headers}");
        assert!(!reply.text().contains(version), "{}", reply.text());
    }
}
