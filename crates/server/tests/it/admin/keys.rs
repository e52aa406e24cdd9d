//! /admin/v1/keys

use axum::http::Method;
use serde_json::{Value, json};

use crate::server::{Answer, Server};

const KEYS: &str = "/admin/v1/keys";

fn key(answer: &Answer, purpose: &str, state: &str) -> Value {
    let keys = answer.json["keys"].as_array().unwrap().iter();
    let mut fitting = keys.filter(|key| key["purpose"] == purpose && key["state"] == state);
    fitting.next().cloned().unwrap_or_default()
}

#[tokio::test]
async fn keys_are_listed_without_their_secrets() {
    let server = Server::start().await;
    let root = server.administrator().await;
    let answer = server.get_as(&root.access, KEYS).await;
    let names: Vec<_> = key(&answer, "signing", "active")
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let told = [
        "algorithm",
        "id",
        "purpose",
        "replacement_wanted",
        "since",
        "state",
    ];
    assert_eq!(names, told);
    assert_eq!(answer.json["keys"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn keys_are_turned_by_order() {
    let server = Server::start().await;
    let root = server.administrator().await;
    let path = format!("{KEYS}/rotate");
    let order = async |body: Value| {
        server
            .send_as(Method::POST, &root.access, &path, &body)
            .await
    };
    let answer = order(json!({ "purpose": "signing" })).await;
    let wanted =
        |answer: &Answer, purpose| key(answer, purpose, "active")["replacement_wanted"].clone();
    assert_eq!(wanted(&answer, "signing"), true);
    assert_eq!(wanted(&answer, "refresh_tag"), false);
    assert_eq!(wanted(&order(Value::Null).await, "refresh_tag"), true);
    let answer = order(json!({ "purpose": "master" })).await;
    assert_eq!(answer.faults(), ["purpose: invalid_format"]);
}

#[tokio::test]
async fn a_key_in_wrong_hands_is_withdrawn_at_once() {
    let server = Server::start().await;
    let (root, ada) = (server.administrator().await, server.ada().await);
    let before = server.get_as(&root.access, KEYS).await;
    let tag = key(&before, "refresh_tag", "active");
    let path = format!("{KEYS}/{}/compromise", tag["id"].as_str().unwrap());
    let order = async |path: &str, body: Value| {
        server
            .send_as(Method::POST, &root.access, path, &body)
            .await
    };
    let answer = order(&path, json!({})).await;
    assert_eq!(answer.faults(), ["log_out: missing"]);
    assert_eq!(server.refresh(&ada.refresh).await.status, 200);
    let answer = order(&path, json!({ "log_out": true })).await;
    assert_eq!(key(&answer, "refresh_tag", "compromised")["id"], tag["id"]);
    assert_ne!(key(&answer, "refresh_tag", "active"), Value::Null);
    let again = order(&path, json!({ "log_out": true })).await;
    assert_eq!(again.json, answer.json);
    assert_eq!(server.refresh(&ada.refresh).await.code(), "invalid_token");
    let signing = key(&before, "signing", "active");
    let path = format!("{KEYS}/{}/compromise", signing["id"].as_str().unwrap());
    let answer = order(&path, Value::Null).await;
    assert_eq!(key(&answer, "signing", "compromised")["id"], signing["id"]);
    let refused = server.get_as(&root.access, KEYS).await;
    assert_eq!((refused.status, refused.code()), (401, "invalid_token"));
    let body = r#"{"username":"root","password":"correct horse battery"}"#;
    let root = server.post("/auth/login", body).await.tokens();
    let path = format!("{KEYS}/nothing/compromise");
    let answer = server.post_as(&root.access, &path, "").await;
    assert_eq!(answer.code(), "not_found");
}

/// A server that is killed a moment later comes back without that key, and must not take its own head for somebody else's.
#[tokio::test]
async fn the_record_is_sealed_with_the_next_key_before_the_answer_comes() {
    let server = Server::start().await;
    let root = server.administrator().await;
    let listed = server.get_as(&root.access, KEYS).await;
    let withdrawn = key(&listed, "signing", "active")["id"].clone();
    let path = format!("{KEYS}/{}/compromise", withdrawn.as_str().unwrap());
    let answer = server.post_as(&root.access, &path, "{}").await;
    assert_eq!(answer.status, 200);
    let sealed = server.store().unsealed(1).await.unwrap();
    assert_eq!(sealed.records, []);
    let next = key(&answer, "signing", "active")["id"].clone();
    assert_eq!(json!(sealed.head.unwrap().kid), next);
}
