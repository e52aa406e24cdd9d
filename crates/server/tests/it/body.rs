//! Bodies that are not what they should be: a clear 4xx, and nothing happens.

use axum::http::Method;
use insta::assert_snapshot;

use crate::server::Server;

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[tokio::test]
async fn what_is_no_json_object_is_malformed() {
    let server = Server::start().await;
    let deep = format!(r#"{{"username":{}"#, "[".repeat(10_000));
    let bodies: [&[u8]; 12] = [
        b"{",
        b"[]",
        b"null",
        b"1",
        b"\"text\"",
        b"{}x",
        b"{\"a\" 1}",
        b"{\"username\":\"\\ud800\"}",
        b"{\"username\":\"\xff\"}",
        b"\xff\xfe",
        b"{\"username\":\"\0\"}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let answer = server
            .send(Method::POST, "/auth/login", &JSON, body.to_vec())
            .await;
        let shown = String::from_utf8_lossy(body.get(..40).unwrap_or(body)).into_owned();
        assert_eq!(
            (answer.status, answer.faults()),
            (400, vec!["body: malformed".to_owned()]),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn the_place_of_the_fault_is_told_and_never_what_stands_there() {
    let server = Server::start().await;
    let answer = server
        .post(
            "/auth/login",
            "{\"username\":\"ada\",\n\"password\": hunter2}",
        )
        .await;
    assert!(!answer.to_string().contains("hunter2"));
    assert_snapshot!(answer, @r#"
    400 Bad Request
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "invalid_request",
      "errors": [
        {
          "code": "malformed",
          "detail": "The body is not JSON: the fault is at line 2, column 13.",
          "field": "body"
        }
      ],
      "request_id": "[request id]",
      "status": 400,
      "title": "The request has faults; `errors` names each of them.",
      "type": "urn:relatch:error:invalid_request"
    }
    "#);
}

#[tokio::test]
async fn wrong_types_are_told_by_field() {
    let server = Server::start().await;
    let body = r#"{"username":["a"],"password":{"a":1},"remember_me":1,"device_name":null}"#;
    assert_snapshot!(server.post("/auth/login", body).await, @r#"
    400 Bad Request
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "invalid_request",
      "errors": [
        {
          "code": "wrong_type",
          "detail": "Expected a text, found a list.",
          "field": "username"
        },
        {
          "code": "wrong_type",
          "detail": "Expected a text, found an object.",
          "field": "password"
        },
        {
          "code": "wrong_type",
          "detail": "Expected a text, found null.",
          "field": "device_name"
        },
        {
          "code": "wrong_type",
          "detail": "Expected true or false, found a number.",
          "field": "remember_me"
        }
      ],
      "request_id": "[request id]",
      "status": 400,
      "title": "The request has faults; `errors` names each of them.",
      "type": "urn:relatch:error:invalid_request"
    }
    "#);
}

#[tokio::test]
async fn a_field_that_comes_twice_is_refused() {
    let server = Server::start().await;
    server.ada().await;
    let body = r#"{"username":"ada","username":"eve","password":"correct horse battery"}"#;
    assert_eq!(
        server.post("/auth/login", body).await.faults(),
        ["username: duplicate"]
    );
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = server
        .send(
            Method::POST,
            "/auth/refresh",
            &form,
            "refresh_token=a&refresh_token=b",
        )
        .await;
    assert_eq!(answer.faults(), ["refresh_token: duplicate"]);
}

#[tokio::test]
async fn another_type_of_body_is_not_understood() {
    let server = Server::start().await;
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/jsonx")],
    ] {
        let answer = server
            .send(Method::POST, "/auth/login", headers, "{}")
            .await;
        assert_eq!(
            (answer.status, answer.code()),
            (415, "unsupported_media_type"),
            "{headers:?}"
        );
    }
    let headers = [("content-type", "Application/JSON; charset=utf-8")];
    assert_eq!(
        server
            .send(Method::POST, "/auth/login", &headers, "{}")
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_one_that_just_fits_is_read() {
    let server = Server::start().await;
    let body = |length: usize| format!(r#"{{"username":"{}"}}"#, "a".repeat(length - 15));
    assert_eq!(
        server.post("/auth/login", &body(16 * 1024)).await.status,
        400
    );
    assert_snapshot!(server.post("/auth/login", &body(16 * 1024 + 1)).await, @r#"
    413 Payload Too Large
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "payload_too_large",
      "detail": "The body is larger than 16384 bytes.",
      "request_id": "[request id]",
      "status": 413,
      "title": "The body is too large.",
      "type": "urn:relatch:error:payload_too_large"
    }
    "#);
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_to_be_done() {
    let server = Server::start().await;
    assert_snapshot!(server.send(Method::GET, "/nothing/here", &[], "").await, @r#"
    404 Not Found
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "not_found",
      "request_id": "[request id]",
      "status": 404,
      "title": "There is nothing here.",
      "type": "urn:relatch:error:not_found"
    }
    "#);
    assert_snapshot!(server.send(Method::GET, "/auth/login", &[], "").await, @r#"
    405 Method Not Allowed
    content-type: application/problem+json
    cache-control: no-store
    allow: POST

    {
      "code": "method_not_allowed",
      "request_id": "[request id]",
      "status": 405,
      "title": "This is not to be done here; `Allow` lists what is.",
      "type": "urn:relatch:error:method_not_allowed"
    }
    "#);
}

#[tokio::test]
async fn a_slash_at_the_end_makes_no_difference() {
    let server = Server::start().await;
    let tokens = server.ada().await;
    assert_eq!(server.get_as(&tokens.access, "/auth/me/").await.status, 200);
    assert_eq!(
        server
            .post_as(&tokens.refresh, "/auth/refresh//", "")
            .await
            .status,
        200
    );
}
