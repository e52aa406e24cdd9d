//! /admin/v1/roles and /admin/v1/users/{id}/roles

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::server::Server;

const EDITOR: &str = "/admin/v1/roles/editor";

#[tokio::test]
async fn a_role_is_made_changed_and_deleted_by_who_saw_it() {
    let server = Server::start().await;
    let root = server.administrator().await;
    let put = async |permissions: Value, condition| {
        let body = json!({ "permissions": permissions });
        server
            .send_if(Method::PUT, &root.access, (EDITOR, &body), condition)
            .await
    };
    let absent = Some(("if-none-match", "*"));
    let present = Some(("if-match", "*"));
    assert_eq!(put(json!([]), present).await.code(), "changed_meanwhile");
    let made = put(json!(["notes:read", "notes:create"]), absent).await;
    assert_snapshot!(made, @r#"
    201 Created
    content-type: application/json
    cache-control: no-store
    etag: [etag]

    {
      "name": "editor",
      "permissions": [
        "notes:create",
        "notes:read"
      ]
    }
    "#);
    assert_eq!(put(json!([]), absent).await.code(), "changed_meanwhile");
    let first = made.headers["etag"].to_str().unwrap().to_owned();
    let same = put(json!(["notes:create", "notes:read"]), None).await;
    assert_eq!(
        (same.status, &same.headers["etag"]),
        (200, &made.headers["etag"])
    );
    let changed = put(json!(["notes:*"]), Some(("if-match", &first))).await;
    assert_eq!(
        (changed.status, &changed.json["permissions"]),
        (200, &json!(["notes:*"]))
    );
    let stale = put(json!([]), Some(("if-match", &first))).await;
    assert_eq!((stale.status, stale.code()), (412, "changed_meanwhile"));
    assert_eq!(
        put(json!([]), Some(("if-match", "\"x\""))).await.status,
        412
    );
    let shown = server.get_as(&root.access, EDITOR).await;
    assert_eq!(shown.headers["etag"], changed.headers["etag"]);
}

#[tokio::test]
async fn a_role_is_deleted_by_who_saw_it() {
    let server = Server::start().await;
    let root = server.administrator().await;
    server.put_role("editor", &["notes:*"]).await;
    let roles = server.get_as(&root.access, "/admin/v1/roles").await;
    assert_snapshot!(roles, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "roles": [
        {
          "name": "editor",
          "permissions": [
            "notes:*"
          ]
        },
        {
          "name": "root",
          "permissions": [
            "relatch:*"
          ]
        }
      ]
    }
    "#);
    let condition = Some(("if-match", "\"1\""));
    let stale = server
        .send_if(
            Method::DELETE,
            &root.access,
            (EDITOR, &Value::Null),
            condition,
        )
        .await;
    assert_eq!(stale.code(), "changed_meanwhile");
    let deleted = server.delete_as(&root.access, EDITOR).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    assert_eq!(
        server.delete_as(&root.access, EDITOR).await.code(),
        "not_found"
    );
    assert_eq!(
        server.get_as(&root.access, EDITOR).await.code(),
        "not_found"
    );
}

#[tokio::test]
async fn what_is_no_role_is_named() {
    let server = Server::start().await;
    let root = server.administrator().await;
    for (body, fault) in [
        (json!({}), "permissions: missing"),
        (
            json!({ "permissions": "notes:read" }),
            "permissions: wrong_type",
        ),
        (json!({ "permissions": [1] }), "permissions: wrong_type"),
        (
            json!({ "permissions": ["notes"] }),
            "permissions: invalid_format",
        ),
        (
            json!({ "permissions": [], "version": 1 }),
            "version: unknown",
        ),
    ] {
        let answer = server
            .send_as(Method::PUT, &root.access, EDITOR, &body)
            .await;
        assert_eq!(answer.faults(), [fault]);
    }
    let many: Vec<_> = (0..60).map(|n| format!("{}:{n}", "n".repeat(60))).collect();
    let body = json!({ "permissions": many });
    let answer = server
        .send_as(Method::PUT, &root.access, EDITOR, &body)
        .await;
    assert_eq!(answer.faults(), ["permissions: too_many"]);
    let none = json!({ "permissions": [] });
    let path = "/admin/v1/roles/Editor";
    let answer = server.send_as(Method::PUT, &root.access, path, &none).await;
    assert_eq!(answer.faults(), ["name: invalid_format"]);
    let condition = Some(("if-none-match", "\"1\""));
    let answer = server
        .send_if(Method::PUT, &root.access, (EDITOR, &none), condition)
        .await;
    assert_eq!(answer.faults(), ["If-None-Match: invalid_format"]);
}

#[tokio::test]
async fn a_user_is_given_roles_and_may_lose_his_sessions_with_them() {
    let server = Server::start().await;
    let (root, ada) = (server.administrator().await, server.ada().await);
    let me = server.get_as(&ada.access, "/auth/me").await;
    let path = format!("/admin/v1/users/{}/roles", me.json["id"].as_str().unwrap());
    let put = async |body: Value, condition| {
        server
            .send_if(Method::PUT, &root.access, (&path, &body), condition)
            .await
    };
    let unknown = put(json!({ "roles": ["editor"] }), None).await;
    assert_eq!(unknown.faults(), ["roles: not_there"]);
    let editor = json!({ "permissions": ["notes:*"] });
    server
        .send_as(Method::PUT, &root.access, EDITOR, &editor)
        .await;
    let none = server.get_as(&root.access, &path).await;
    assert_snapshot!(none, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store
    etag: [etag]

    {
      "permissions": [],
      "roles": []
    }
    "#);
    let seen = none.headers["etag"].to_str().unwrap().to_owned();
    let given = put(json!({ "roles": ["editor"] }), Some(("if-match", &seen))).await;
    assert_snapshot!(given, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store
    etag: [etag]

    {
      "ended": 0,
      "permissions": [
        "notes:*"
      ],
      "roles": [
        "editor"
      ]
    }
    "#);
    let stale = put(json!({ "roles": [] }), Some(("if-match", &seen))).await;
    assert_eq!((stale.status, stale.code()), (412, "changed_meanwhile"));
    let held = server.delete_as(&root.access, EDITOR).await;
    assert_eq!((held.status, held.code()), (409, "role_in_use"));
    let ada = server.refresh(&ada.refresh).await.tokens();
    let taken = put(json!({ "roles": [], "end_sessions": true }), None).await;
    assert_eq!(taken.json["ended"], 1);
    let over = server.refresh(&ada.refresh).await;
    assert_eq!(over.json["reason"], "ended_by_administrator");
}

#[tokio::test]
async fn what_is_no_list_of_roles_is_named() {
    let server = Server::start().await;
    let (root, ada) = (server.administrator().await, server.ada().await);
    let me = server.get_as(&ada.access, "/auth/me").await;
    let path = format!("/admin/v1/users/{}/roles", me.json["id"].as_str().unwrap());
    for (body, fault) in [
        (json!({}), "roles: missing"),
        (json!({ "roles": ["A"] }), "roles: invalid_format"),
        (
            json!({ "roles": [], "end_sessions": "yes" }),
            "end_sessions: wrong_type",
        ),
        (
            json!({ "roles": [], "permissions": ["relatch:*"] }),
            "permissions: unknown",
        ),
    ] {
        let answer = server
            .send_as(Method::PUT, &root.access, &path, &body)
            .await;
        assert_eq!(answer.faults(), [fault]);
    }
    let nobody = "/admin/v1/users/019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071/roles";
    let answer = server
        .send_as(Method::PUT, &root.access, nobody, &json!({ "roles": [] }))
        .await;
    assert_eq!(answer.code(), "not_found");
    assert_eq!(
        server.get_as(&root.access, nobody).await.code(),
        "not_found"
    );
}
