//! Roles beside a running server: what access tokens carry follows within a second.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::{Server, Tokens, account::PASSWORD, eventually, post};

fn claims(access: &str) -> Value {
    let part = access.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Logs in for these permissions alone.
fn log_in_for(server: &Server, scope: &str) -> Tokens {
    let body = json!({ "username": "ada", "password": PASSWORD, "scope": scope });
    Tokens::of(&post("/auth/login").json(&body).send(server.address))
}

#[test]
fn a_role_given_is_in_the_token_of_the_next_refresh_and_one_taken_is_not() {
    let server = Server::start(&[]);
    let tokens = server.register("ada");
    assert_eq!(claims(&tokens.access).get("roles"), None);
    server.runs(&["role", "put", "editor", "notes:*", "tags:read"]);
    let given = server.runs(&["user", "roles", "ada", "--set", "editor", "--json"]);
    assert_eq!(given.json()["permissions"], json!(["notes:*", "tags:read"]));
    let mut newest = tokens;
    let carries = eventually(|| {
        newest = server.turn(&newest);
        claims(&newest.access)["permissions"] == json!(["notes:*", "tags:read"])
    });
    assert!(carries);
    let held = claims(&newest.access);
    assert_eq!(held["roles"], json!(["editor"]));
    assert_eq!(held["scope"], "notes:* tags:read");
    server.runs(&["role", "put", "editor", "notes:read"]);
    assert!(eventually(|| {
        newest = server.turn(&newest);
        claims(&newest.access)["permissions"] == json!(["notes:read"])
    }));
    server.runs(&["user", "roles", "ada", "--set", ""]);
    newest = server.turn(&newest);
    assert_eq!(claims(&newest.access).get("permissions"), None);
}

#[test]
fn a_login_that_asks_for_less_never_gets_more() {
    let server = Server::start(&[]);
    server.register("ada");
    server.runs(&["role", "put", "editor", "notes:*"]);
    server.runs(&["user", "roles", "ada", "--set", "editor"]);
    let tokens = log_in_for(&server, "notes:read tags:read");
    let mut newest = tokens;
    assert!(eventually(|| {
        newest = server.turn(&newest);
        claims(&newest.access)["permissions"] == json!(["notes:read"])
    }));
    server.runs(&["role", "put", "editor", "notes:*", "tags:*"]);
    assert!(eventually(|| {
        newest = server.turn(&newest);
        claims(&newest.access)["scope"] == "notes:read tags:read"
    }));
    let change = server.change_password(&newest.access, PASSWORD, "another long password");
    assert_eq!(
        claims(&change.string("access_token"))["scope"],
        "notes:read tags:read"
    );
    let body =
        json!({ "username": "ada", "password": "another long password", "scope": "everything" });
    let refused = post("/auth/login").json(&body).send(server.address);
    assert_eq!(refused.faults(), ["scope: invalid_format"]);
}

#[test]
fn nobody_gives_himself_a_role() {
    let server = Server::start(&[("registration.default_role", "member")]);
    server.runs(&["role", "put", "member", "notes:read"]);
    server.runs(&["role", "put", "administrator", "relatch:*"]);
    let mut body = json!({ "username": "eve", "email": "eve@example.com", "password": PASSWORD });
    for field in ["roles", "permissions", "scope"] {
        body[field] = json!(["administrator"]);
        let reply = post("/auth/register").json(&body).send(server.address);
        assert_eq!(reply.faults(), [format!("{field}: unknown")]);
        body.as_object_mut().unwrap().remove(field);
    }
    let mut number = 0;
    assert!(eventually(|| {
        number += 1;
        let name = format!("user{number}");
        claims(&server.register(&name).access)["roles"] == json!(["member"])
    }));
}

#[test]
fn taking_a_role_may_end_the_sessions() {
    let server = Server::start(&[]);
    let tokens = server.register("ada");
    server.runs(&["role", "put", "editor", "notes:*"]);
    server.runs(&["user", "roles", "ada", "--set", "editor"]);
    server.runs(&["user", "roles", "ada", "--set", "", "--end-sessions"]);
    server
        .refresh(&tokens.refresh)
        .is_over("ended_by_administrator");
    assert_eq!(server.me(&tokens.access).status, 401);
    let story = server.runs(&["session", "explain", &tokens.session]);
    assert!(story.out.contains("was given other roles"), "{story:?}");
}

#[test]
fn what_cannot_be_granted_is_said_when_granting() {
    let server = Server::start(&[]);
    server.register("ada");
    server
        .run(&["role", "put", "editor", "notes"])
        .failed(1, "resource:action");
    server
        .run(&["role", "put", "Editor", "notes:read"])
        .failed(1, "a to z");
    server
        .run(&["role", "delete", "ghost"])
        .failed(3, "relatch role list");
    server
        .run(&["user", "roles", "ada", "--set", "ghost"])
        .failed(3, "there is no role ghost");
    server
        .run(&["user", "roles", "bob", "--set", ""])
        .failed(3, "there is no user");
    let many: Vec<_> = (0..60).map(|n| format!("{}:{n}", "n".repeat(60))).collect();
    let (half, all): (Vec<&str>, Vec<&str>) = (
        many.iter().take(30).map(String::as_str).collect(),
        many.iter().map(String::as_str).collect(),
    );
    server
        .run(&[&["role", "put", "huge"], all.as_slice()].concat())
        .failed(1, "bytes of an access token");
    server.runs(&[&["role", "put", "one"], half.as_slice()].concat());
    server.runs(&[&["role", "put", "two"], &all[30..]].concat());
    server.runs(&["user", "roles", "ada", "--set", "one"]);
    server
        .run(&["user", "roles", "ada", "--set", "one,two"])
        .failed(1, "bytes of an access token");
    server
        .run(&["role", "delete", "one"])
        .failed(1, "1 users hold the role");
    server.runs(&["role", "delete", "two"]);
    let known = server.runs(&["role", "list", "--json"]).json();
    assert_eq!(known["roles"].as_array().unwrap().len(), 1);
    let reply = server.log_in("ada", PASSWORD);
    assert!(reply.string("access_token").len() < 8 * 1024);
}
