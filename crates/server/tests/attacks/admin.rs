//! Attacks on administration: by whoever has some rights and wants more, by two at once, and with codes.

mod codes;
mod escalation;
mod race;
mod reach;

use serde_json::{Value, json};

use crate::support::{Reply, Request, Server, Tokens, account::PASSWORD, get, post, request};

/// Registers somebody and gives him a role of his name that permits this.
fn holder(server: &Server, name: &str, permissions: &[&str]) -> Tokens {
    let tokens = server.register(name);
    let folder = &server.folder;
    folder.ask(&[&["role", "put", name], permissions].concat());
    folder.ask(&["user", "roles", name, "--set", name]);
    tokens
}

fn user_id(server: &Server, tokens: &Tokens) -> String {
    server.me(&tokens.access).string("id")
}

fn with(tokens: &Tokens, request: Request, body: &Value) -> Request {
    let request = request.bearer(&tokens.access);
    if body.is_null() {
        request
    } else {
        request.json(body)
    }
}

fn put(server: &Server, by: &Tokens, path: &str, body: &Value) -> Reply {
    with(by, request("PUT", path), body).send(server.address)
}

fn patch(server: &Server, by: &Tokens, path: &str, body: &Value) -> Reply {
    with(by, request("PATCH", path), body).send(server.address)
}

fn delete(server: &Server, by: &Tokens, path: &str) -> Reply {
    with(by, request("DELETE", path), &Value::Null).send(server.address)
}

fn order(server: &Server, by: &Tokens, path: &str, body: &Value) -> Reply {
    with(by, post(path), body).send(server.address)
}

fn look(server: &Server, by: &Tokens, path: &str) -> Reply {
    with(by, get(path), &Value::Null).send(server.address)
}

/// Everything that can be ordered about a user and his session.
fn orders(user: &str, session: &str) -> Vec<(&'static str, String, Value)> {
    let of_user = format!("/admin/v1/users/{user}");
    vec![
        ("PATCH", of_user.clone(), json!({ "state": "disabled" })),
        ("POST", format!("{of_user}/password-reset"), Value::Null),
        ("PUT", format!("{of_user}/roles"), json!({ "roles": [] })),
        ("DELETE", format!("{of_user}/sessions"), Value::Null),
        (
            "DELETE",
            format!("/admin/v1/sessions/{session}"),
            Value::Null,
        ),
        ("DELETE", of_user.clone(), Value::Null),
        ("PATCH", of_user, json!({ "email": "x@example.org" })),
    ]
}

/// Logs in for these permissions alone.
fn log_in_for(server: &Server, name: &str, scope: &str) -> Tokens {
    let body = json!({ "username": name, "password": PASSWORD, "scope": scope });
    Tokens::of(&post("/auth/login").json(&body).send(server.address))
}
