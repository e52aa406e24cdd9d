//! /admin/v1/resource-servers

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::server::{Answer, Server, Tokens};

const PATH: &str = "/admin/v1/resource-servers";

async fn add(server: &Server, by: &Tokens, name: &str) -> Answer {
    let body = json!({ "name": name });
    server.send_as(Method::POST, &by.access, PATH, &body).await
}

#[tokio::test]
async fn one_that_is_added_may_ask_until_it_is_removed() {
    let server = Server::start().await;
    let root = server.administrator().await;
    let added = add(&server, &root, "notes").await;
    assert_eq!(added.status, 201, "{added}");
    let credential = added.json["credential"].as_str().unwrap().to_owned();
    assert!(credential.starts_with("relatch_rs_"));
    assert_eq!(server.introspect(&credential, "x").await.status, 200);
    assert_snapshot!(server.get_as(&root.access, PATH).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "resource_servers": [
        {
          "created_at": "2026-11-22T12:00:00.000Z",
          "name": "notes"
        }
      ]
    }
    "#);
    let again = add(&server, &root, "notes").await;
    assert_eq!((again.status, again.code()), (409, "name_taken"));
    assert_eq!(server.introspect(&credential, "x").await.status, 200);
    let path = format!("{PATH}/notes");
    let removed = server.delete_as(&root.access, &path).await;
    assert_eq!((removed.status, removed.text.as_str()), (204, ""));
    assert_eq!(server.delete_as(&root.access, &path).await.status, 404);
    // What is known in memory is looked at twice a second.
    let patience = std::time::Instant::now();
    while server.introspect(&credential, "x").await.status == 200 {
        assert!(patience.elapsed().as_secs() < 5);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_is_no_name_is_refused() {
    let server = Server::start().await;
    let root = server.administrator().await;
    for (body, fault) in [
        (json!({}), "name: missing"),
        (json!({ "name": "a b" }), "name: invalid_format"),
        (json!({ "name": "Notes" }), "name: invalid_format"),
        (json!({ "name": "" }), "name: invalid_format"),
        (json!({ "name": 7 }), "name: wrong_type"),
        (
            json!({ "name": "notes", "credential": "relatch_rs_mine" }),
            "credential: unknown",
        ),
    ] {
        let answer = server
            .send_as(Method::POST, &root.access, PATH, &body)
            .await;
        assert_eq!(answer.faults(), [fault], "{body}");
    }
    let listed = server.get_as(&root.access, PATH).await;
    assert_eq!(listed.json["resource_servers"], Value::Array(Vec::new()));
    let odd = format!("{PATH}/a%20b");
    assert_eq!(
        server.delete_as(&root.access, &odd).await.faults(),
        ["name: invalid_format"]
    );
}

/// Whoever may ask about tokens learns names and rights of everybody who logs in: handing that out is nobody else's.
#[tokio::test]
async fn no_other_permission_hands_out_credentials() {
    let server = Server::start().await;
    server.administrator().await;
    let all_but = [
        "relatch:read",
        "relatch:users",
        "relatch:sessions",
        "relatch:keys",
        "relatch:grant",
        "relatch:audit",
    ];
    let eve = server.holder("eve", &all_but).await;
    let answer = add(&server, &eve, "notes").await;
    assert_eq!((answer.status, answer.code()), (403, "permission_required"));
    let answer = server
        .delete_as(&eve.access, &format!("{PATH}/notes"))
        .await;
    assert_eq!((answer.status, answer.code()), (403, "permission_required"));
}
