//! /admin/v1/users

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::server::{Server, Tokens};

const USERS: &str = "/admin/v1/users";

/// The path of a user whom Root makes.
async fn made(server: &Server, root: &Tokens, name: &str) -> String {
    let body = json!({ "username": name, "email": format!("{name}@example.com") });
    let answer = server
        .send_as(Method::POST, &root.access, USERS, &body)
        .await;
    assert_eq!(answer.status, 201, "{answer}");
    let id = answer.json["user"]["id"].as_str().unwrap();
    let path = format!("{USERS}/{id}");
    assert_eq!(answer.headers["location"], path.as_str());
    path
}

fn names(answer: &Value) -> Vec<&str> {
    let users = answer["users"].as_array().unwrap().iter();
    users
        .map(|user| user["username"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_user_is_made_with_a_code_and_no_password() {
    let server = Server::start().await;
    let root = server.administrator().await;
    let body = json!({ "username": "Ada", "email": "ada@example.com" });
    let answer = server
        .send_as(Method::POST, &root.access, USERS, &body)
        .await;
    assert_snapshot!(answer, @r#"
    201 Created
    content-type: application/json
    cache-control: no-store

    {
      "password_reset": {
        "code": "[code]",
        "expires_at": "2026-11-22T13:00:00.000Z"
      },
      "user": {
        "created_at": "2026-11-22T12:00:00.000Z",
        "email": "ada@example.com",
        "id": "[id 3]",
        "state": "active",
        "username": "ada"
      }
    }
    "#);
    let again = server
        .send_as(Method::POST, &root.access, USERS, &body)
        .await;
    assert_eq!((again.status, again.code()), (409, "username_taken"));
    let body = json!({ "username": "", "email": "x", "password": "a long enough password", "roles": ["root"] });
    let answer = server
        .send_as(Method::POST, &root.access, USERS, &body)
        .await;
    assert_snapshot!(answer.faults().join("\n"), @"
    username: too_short
    email: invalid_format
    roles: unknown
    password: unknown
    ");
}

#[tokio::test]
async fn users_are_listed_in_pages_and_searched() {
    let server = Server::start().await;
    let root = server.administrator().await;
    for name in ["dora", "ada", "carl", "bob"] {
        made(&server, &root, name).await;
    }
    let (mut seen, mut path) = (Vec::new(), format!("{USERS}?limit=2"));
    loop {
        let page = server.get_as(&root.access, &path).await;
        seen.extend(names(&page.json).into_iter().map(str::to_owned));
        let Some(next) = page.json["next"].as_str() else {
            break;
        };
        path = format!("{USERS}?limit=2&cursor={next}");
    }
    assert_eq!(seen, ["ada", "bob", "carl", "dora", "root"]);
    let found = server
        .get_as(&root.access, "/admin/v1/users?search=OR")
        .await;
    assert_snapshot!(found, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "users": [
        {
          "created_at": "2026-11-22T12:00:00.000Z",
          "email": "dora@example.com",
          "id": "[id 3]",
          "state": "active",
          "username": "dora"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn what_no_list_takes_is_named() {
    let server = Server::start().await;
    let root = server.administrator().await;
    made(&server, &root, "ada").await;
    let first = server.get_as(&root.access, "/admin/v1/users?limit=1").await;
    let cursor = first.json["next"].as_str().unwrap().to_owned();
    let bent: Vec<_> = (0..cursor.len())
        .map(|place| bend(&cursor, place))
        .collect();
    for cursor in bent.iter().map(String::as_str).chain(["", "x", "root"]) {
        let path = format!("{USERS}?limit=1&cursor={cursor}");
        let answer = server.get_as(&root.access, &path).await;
        assert_eq!(answer.faults(), ["cursor: invalid_format"], "{cursor}");
    }
    for (query, fault) in [
        (
            &*format!("search=a&cursor={cursor}"),
            "cursor: invalid_format",
        ),
        ("limit=0", "limit: out_of_range"),
        ("limit=201", "limit: out_of_range"),
        ("limit=-1", "limit: out_of_range"),
        ("limit=many", "limit: out_of_range"),
        ("limit=1&limit=2", "limit: duplicate"),
        ("page=2", "page: unknown"),
    ] {
        let path = format!("{USERS}?{query}");
        let answer = server.get_as(&root.access, &path).await;
        assert_eq!(answer.faults(), [fault], "{query}");
    }
    let other = format!("/admin/v1/sessions?cursor={cursor}");
    let answer = server.get_as(&root.access, &other).await;
    assert_eq!(answer.faults(), ["cursor: invalid_format"]);
}

/// The same text with another letter at one place.
fn bend(text: &str, place: usize) -> String {
    let other = |letter: char| if letter == 'A' { 'Q' } else { 'A' };
    let letters = text.chars().enumerate();
    letters
        .map(|(at, letter)| if at == place { other(letter) } else { letter })
        .collect()
}

#[tokio::test]
async fn a_user_is_disabled_by_who_saw_how_he_is() {
    let server = Server::start().await;
    let (root, ada) = (server.administrator().await, server.ada().await);
    let me = server.get_as(&ada.access, "/auth/me").await;
    let path = format!("{USERS}/{}", me.json["id"].as_str().unwrap());
    let seen = server.get_as(&root.access, &path).await;
    assert_snapshot!(seen, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store
    etag: [etag]

    {
      "created_at": "2026-11-22T12:00:00.000Z",
      "email": "ada@example.com",
      "id": "[id 4]",
      "state": "active",
      "username": "ada"
    }
    "#);
    let tag = seen.headers["etag"].to_str().unwrap().to_owned();
    let set = async |state: &str, tag: &str| {
        let body = json!({ "state": state });
        let condition = Some(("if-match", tag));
        server
            .send_if(Method::PATCH, &root.access, (&path, &body), condition)
            .await
    };
    let disabled = set("disabled", &tag).await;
    assert_eq!(
        (disabled.status, &disabled.json["state"]),
        (200, &json!("disabled"))
    );
    assert_eq!(
        server.refresh(&ada.refresh).await.json["reason"],
        "user_disabled"
    );
    let stale = set("active", &tag).await;
    assert_snapshot!(stale, @r#"
    412 Precondition Failed
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "changed_meanwhile",
      "request_id": "[request id]",
      "status": 412,
      "title": "It is not in the state that `If-Match` or `If-None-Match` names.",
      "type": "urn:relatch:error:changed_meanwhile"
    }
    "#);
    assert_eq!(
        set("active", "W/\"x\"").await.faults(),
        ["If-Match: invalid_format"]
    );
    assert_eq!(
        set("active", "\"a\", \"b\"").await.faults(),
        ["If-Match: invalid_format"]
    );
    let tag = disabled.headers["etag"].to_str().unwrap();
    assert_eq!(set("active", tag).await.status, 200);
    assert_eq!(set("active", "*").await.status, 200);
}

#[tokio::test]
async fn what_is_no_change_of_a_user_is_named() {
    let server = Server::start().await;
    let root = server.administrator().await;
    let path = made(&server, &root, "ada").await;
    for (body, fault) in [
        (json!({}), "state: missing"),
        (json!({ "email": "nowhere" }), "email: invalid_format"),
        (json!({ "email": null }), "email: wrong_type"),
        (
            json!({ "state": "disabled", "email": "ada@example.org" }),
            "email: conflicting",
        ),
        (json!({ "state": "gone" }), "state: invalid_format"),
        (json!({ "state": true }), "state: wrong_type"),
        (
            json!({ "state": "active", "username": "eve" }),
            "username: unknown",
        ),
    ] {
        let answer = server
            .send_as(Method::PATCH, &root.access, &path, &body)
            .await;
        assert_eq!(answer.faults(), [fault]);
    }
    let user = server.get_as(&root.access, &path).await;
    assert_eq!(user.json["state"], "active", "nothing of it was done");
    assert_eq!(user.json["email"], "ada@example.com");
}

#[tokio::test]
async fn another_address_is_the_users_and_logs_nobody_out() {
    let server = Server::start().await;
    let (root, ada) = (server.administrator().await, server.ada().await);
    let me = server.get_as(&ada.access, "/auth/me").await;
    let path = format!("{USERS}/{}", me.json["id"].as_str().unwrap());
    let seen = server.get_as(&root.access, &path).await;
    let tag = seen.headers["etag"].to_str().unwrap().to_owned();
    let set = async |email: &str| {
        let body = json!({ "email": email });
        let condition = Some(("if-match", tag.as_str()));
        server
            .send_if(Method::PATCH, &root.access, (&path, &body), condition)
            .await
    };
    let changed = set("Countess@example.org").await;
    assert_snapshot!(changed, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store
    etag: [etag]

    {
      "created_at": "2026-11-22T12:00:00.000Z",
      "email": "Countess@example.org",
      "id": "[id 4]",
      "state": "active",
      "username": "ada"
    }
    "#);
    assert_ne!(changed.headers["etag"].to_str().unwrap(), tag);
    let stale = set("ada@example.net").await;
    assert_eq!((stale.status, stale.code()), (412, "changed_meanwhile"));
    let me = server.get_as(&ada.access, "/auth/me").await;
    assert_eq!(me.json["email"], "Countess@example.org");
    assert_eq!(server.refresh(&ada.refresh).await.status, 200);
    let events = server.get_as(&ada.access, "/auth/events").await;
    let newest = &events.json["events"][0];
    assert_eq!(newest["event"], "user.email_changed");
    assert_eq!(newest["detail"], json!({ "by": "an administrator" }));
}

#[tokio::test]
async fn a_deleted_user_is_gone_and_his_sessions_with_him() {
    let server = Server::start().await;
    let (root, ada) = (server.administrator().await, server.ada().await);
    let me = server.get_as(&ada.access, "/auth/me").await;
    let path = format!("{USERS}/{}", me.json["id"].as_str().unwrap());
    let condition = Some(("if-match", "\"0123456789abcdef\""));
    let stale = server
        .send_if(
            Method::DELETE,
            &root.access,
            (&path, &Value::Null),
            condition,
        )
        .await;
    assert_eq!((stale.status, stale.code()), (412, "changed_meanwhile"));
    let deleted = server.delete_as(&root.access, &path).await;
    assert_eq!((deleted.status, &deleted.json["ended"]), (200, &json!(1)));
    assert_eq!(
        server.refresh(&ada.refresh).await.json["reason"],
        "user_deleted"
    );
    assert_eq!(
        server.delete_as(&root.access, &path).await.code(),
        "not_found"
    );
    assert_eq!(server.get_as(&root.access, &path).await.code(), "not_found");
    let answer = server.get_as(&root.access, "/admin/v1/users/ada").await;
    assert_eq!(answer.faults(), ["id: invalid_format"]);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let server = Server::start().await;
    let root = server.administrator().await;
    let me = server.get_as(&root.access, "/auth/me").await;
    let path = format!("{USERS}/{}", me.json["id"].as_str().unwrap());
    let disabled = json!({ "state": "disabled" });
    let answer = server
        .send_as(Method::PATCH, &root.access, &path, &disabled)
        .await;
    assert_snapshot!(answer, @r#"
    409 Conflict
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "last_administrator",
      "request_id": "[request id]",
      "status": 409,
      "title": "Nobody who may do everything would be left.",
      "type": "urn:relatch:error:last_administrator"
    }
    "#);
    let answer = server.delete_as(&root.access, &path).await;
    assert_eq!((answer.status, answer.code()), (409, "last_administrator"));
    let roles = format!("{path}/roles");
    let answer = server
        .send_as(Method::PUT, &root.access, &roles, &json!({ "roles": [] }))
        .await;
    assert_eq!((answer.status, answer.code()), (409, "last_administrator"));
    let role = "/admin/v1/roles/root";
    let body = json!({ "permissions": ["relatch:read"] });
    let answer = server.send_as(Method::PUT, &root.access, role, &body).await;
    assert_eq!((answer.status, answer.code()), (409, "last_administrator"));
}
