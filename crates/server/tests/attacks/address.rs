//! Heads that are too large, and addresses that lead elsewhere.

use crate::support::{
    Server, delete, get, post, request,
    wire::{impatient, only_refusals, raw},
};

fn lines(text: &[&str]) -> Vec<u8> {
    text.join("\r\n").into_bytes()
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let server = impatient();
    let large = "x".repeat(17 * 1024);
    let many = (0..200).fold(get("/auth/me"), |request, number| {
        request.header(&format!("X-{number}"), "1")
    });
    for request in [
        get("/auth/me").header("X-Large", &large),
        get("/auth/me").bearer(&large),
        many,
        get(&format!("/{large}")),
    ] {
        let replies = raw(&server, &request.bytes());
        let statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
        assert!(matches!(statuses[..], [431 | 414]), "{statuses:?}");
    }
    let most = get("/health/live").header("X-Large", &"x".repeat(15 * 1024));
    assert_eq!(
        most.send(server.address).status,
        200,
        "what is under the limit is read"
    );
    let hundred = (0..90).fold(get("/health/live"), |request, number| {
        request.header(&format!("X-{number}"), "1")
    });
    assert_eq!(hundred.send(server.address).status, 200);
}

#[test]
fn the_limits_of_head_and_body_are_the_operators() {
    let server = Server::start(&[("server.max_headers", "32KiB"), ("server.max_body", "2KiB")]);
    let wide = get("/health/live").header("X-Large", &"x".repeat(30 * 1024));
    assert_eq!(wide.send(server.address).status, 200);
    let wider = get("/health/live").header("X-Large", &"x".repeat(33 * 1024));
    assert_eq!(raw(&server, &wider.bytes())[0].status, 431);
    for (size, status) in [(2_048, 400), (2_049, 413)] {
        let body = format!("{{{}}}", " ".repeat(size - 2));
        let reply = post("/auth/login")
            .body("application/json", body)
            .send(server.address);
        assert_eq!(reply.status, status, "{size}");
    }
}

#[test]
fn a_path_that_climbs_or_hides_a_slash_leads_nowhere() {
    let server = impatient();
    let owner = server.register("ada");
    for path in [
        "/auth/../auth/me",
        "/auth/./me",
        "//auth/me",
        "/auth//me",
        "/auth%2fme",
        "/auth/%6d%65",
        "/AUTH/ME",
        "/auth/me%00",
        "/auth/me;x=1",
        "/auth/me.json",
        "/auth/me%20",
        "/..%2f..%2fetc/passwd",
        "/../../etc/passwd",
        "/relatch.db",
        "/master.key",
        "/.well-known/../auth/me",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/auth",
        "/",
        "//",
        "/*",
        "/%",
    ] {
        let reply = get(path).bearer(&owner.access).send(server.address);
        assert_eq!(reply.outcome(), (404, "not_found".to_owned()), "{path}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
    }
    server.turn(&owner);
}

#[test]
fn an_id_that_is_none_is_refused_by_name() {
    let server = impatient();
    let owner = server.register("ada");
    let long = "a".repeat(10_000);
    for id in [
        "x",
        "..",
        "%2e%2e",
        "%00",
        "%2f",
        "*",
        "0",
        "..%2f..",
        "%F0%9F%92%A9",
        "%FF",
        "%80%80",
        &long,
    ] {
        let reply = delete(&format!("/auth/sessions/{id}"))
            .bearer(&owner.access)
            .send(server.address);
        let place = format!("{id:.20}: {reply:?}");
        assert_eq!(reply.faults(), ["id: invalid_format"], "{place}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json"),
            "{place}"
        );
    }
    server.turn(&owner);
}

#[test]
fn a_slash_at_the_end_is_no_other_route() {
    let server = impatient();
    let owner = server.register("ada");
    for path in [
        "/auth/me/",
        "/auth/me///",
        "/auth/sessions/",
        "/health/live/",
        "/.well-known/jwks.json/",
    ] {
        let reply = get(path).bearer(&owner.access).send(server.address);
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(
            get(path).send(server.address).status == 401,
            path.starts_with("/auth"),
            "{path}"
        );
    }
    let ended = delete("/auth/sessions/?keep=none")
        .bearer(&owner.access)
        .send(server.address);
    assert_eq!(ended.json()["ended"], 1);
}

#[test]
fn a_foreign_host_or_a_full_address_in_the_request_line_changes_nothing() {
    let server = impatient();
    let owner = server.register("ada");
    let full = request("GET", "http://evil.test/auth/me")
        .bearer(&owner.access)
        .send(server.address);
    assert!(matches!(full.status, 200 | 400 | 404), "{full:?}");
    let replies = raw(
        &server,
        &lines(&[
            "CONNECT evil.test:80 HTTP/1.1",
            "Host: evil.test:80",
            "",
            "",
        ]),
    );
    only_refusals(&replies, "CONNECT");
    let replies = raw(&server, &lines(&["OPTIONS * HTTP/1.1", "Host: x", "", ""]));
    only_refusals(&replies, "OPTIONS *");
    let poisoned = get("/auth/me")
        .header("X-Forwarded-Host", "evil.test")
        .header("X-Original-URL", "/auth/sessions");
    let reply = poisoned.bearer(&owner.access).send(server.address);
    assert_eq!(reply.string("username"), "ada");
    assert!(!reply.text().contains("evil"));
}
