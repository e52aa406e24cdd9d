//! GET /auth/me, and who may call at all.

use std::time::Duration;

use axum::http::Method;
use insta::assert_snapshot;

use crate::server::Server;

#[tokio::test]
async fn the_user_sees_himself() {
    let server = Server::start().await;
    let tokens = server.ada().await;
    assert_snapshot!(server.get_as(&tokens.access, "/auth/me").await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "created_at": "2026-11-22T12:00:00.000Z",
      "email": "ada@example.com",
      "id": "[id 2]",
      "username": "ada"
    }
    "#);
}

#[tokio::test]
async fn without_a_token_one_is_asked_for() {
    let server = Server::start().await;
    assert_snapshot!(server.send(Method::GET, "/auth/me", &[], "").await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store
    www-authenticate: Bearer, DPoP algs="ES256 EdDSA"

    {
      "code": "invalid_token",
      "detail": "Send an access token: Authorization: Bearer …",
      "request_id": "[request id]",
      "status": 401,
      "title": "The token is missing, malformed, expired or not from here.",
      "type": "urn:relatch:error:invalid_token"
    }
    "#);
}

#[tokio::test]
async fn an_access_token_ends_after_a_quarter_of_an_hour() {
    let server = Server::start().await;
    let tokens = server.ada().await;
    server.wait(Duration::from_mins(15) - Duration::from_secs(1));
    assert_eq!(server.get_as(&tokens.access, "/auth/me").await.status, 200);
    server.wait(Duration::from_secs(1));
    assert_snapshot!(server.get_as(&tokens.access, "/auth/me").await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store
    www-authenticate: Bearer error="invalid_token"

    {
      "code": "invalid_token",
      "detail": "The access token is refused: the token has expired.",
      "request_id": "[request id]",
      "status": 401,
      "title": "The token is missing, malformed, expired or not from here.",
      "type": "urn:relatch:error:invalid_token"
    }
    "#);
}

#[tokio::test]
async fn a_refresh_token_opens_nothing() {
    let server = Server::start().await;
    let tokens = server.ada().await;
    assert_eq!(
        server.get_as(&tokens.refresh, "/auth/me").await.code(),
        "invalid_token"
    );
}

#[tokio::test]
async fn other_ways_to_authorize_are_named_as_wrong() {
    let server = Server::start().await;
    let tokens = server.ada().await;
    let bearer = format!("Bearer {}", tokens.access);
    for headers in [
        vec![("authorization", "Basic YWRhOmFkYQ==")],
        vec![("authorization", "Bearer")],
        vec![
            ("authorization", bearer.as_str()),
            ("authorization", bearer.as_str()),
        ],
    ] {
        let answer = server.send(Method::GET, "/auth/me", &headers, "").await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "invalid_request"),
            "{headers:?}"
        );
    }
    let path = format!("/auth/me?access_token={}", tokens.access);
    assert_eq!(server.send(Method::GET, &path, &[], "").await.status, 401);
}
