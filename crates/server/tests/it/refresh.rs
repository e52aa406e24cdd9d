//! POST /auth/refresh

use std::time::Duration;

use axum::http::Method;
use insta::assert_snapshot;
use relatch_core::{
    session::{Generation, ReuseScope, SessionId, SessionSecret},
    token::TokenKey,
};

use crate::server::Server;

#[tokio::test]
async fn a_refresh_answers_the_next_pair() {
    let server = Server::start().await;
    let first = server.ada().await;
    let answer = server.refresh(&first.refresh).await;
    let second = answer.tokens();
    assert_eq!(second.session, first.session);
    assert_ne!(second.refresh, first.refresh);
    assert_snapshot!(answer, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "access_token": "[access token]",
      "expires_in": 900,
      "refresh_expires_in": 432000,
      "refresh_token": "[refresh token]",
      "session_id": "[id 1]",
      "token_type": "Bearer"
    }
    "#);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let server = Server::start().await;
    let first = server.ada().await;
    let lost = server.refresh(&first.refresh).await.tokens();
    server.wait(Duration::from_secs(29));
    let again = server.refresh(&first.refresh).await.tokens();
    assert_eq!(again.refresh, lost.refresh);
    assert_eq!(server.refresh(&again.refresh).await.status, 200);
}

#[tokio::test]
async fn a_spent_token_after_the_window_ends_the_session_and_everybody_is_told_why() {
    let server = Server::start().await;
    let first = server.ada().await;
    let second = server.refresh(&first.refresh).await.tokens();
    server.wait(Duration::from_secs(30));
    assert_snapshot!(server.refresh(&first.refresh).await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store
    www-authenticate: Bearer error="invalid_token"

    {
      "code": "session_ended",
      "ended_at": "2026-11-22T12:00:30.000Z",
      "reason": "reuse",
      "request_id": "[request id]",
      "status": 401,
      "title": "The session has ended; `reason` and `ended_at` say why and when.",
      "type": "urn:relatch:error:session_ended"
    }
    "#);
    server.wait(Duration::from_hours(1));
    let told = server.refresh(&second.refresh).await;
    assert_eq!(told.json["reason"], "reuse");
    assert_eq!(told.json["ended_at"], "2026-11-22T12:00:30.000Z");
}

#[tokio::test]
async fn reuse_ends_every_session_where_that_is_configured() {
    let server = Server::with(|config| config.session.on_reuse = ReuseScope::User).await;
    let (first, other) = (server.ada().await, server.ada_on("other").await);
    server.refresh(&first.refresh).await;
    server.wait(Duration::from_secs(31));
    server.refresh(&first.refresh).await;
    assert_eq!(server.refresh(&other.refresh).await.json["reason"], "reuse");
}

#[tokio::test]
async fn a_session_outlives_months_of_refreshes_and_no_longer() {
    let server = Server::start().await;
    let mut tokens = server.ada().await;
    for _ in 0..22 {
        server.wait(Duration::from_hours(4 * 24));
        tokens = server.refresh(&tokens.refresh).await.tokens();
    }
    server.wait(Duration::from_hours(48) - Duration::from_mins(5));
    let last = server.refresh(&tokens.refresh).await;
    assert_eq!(
        (&last.json["expires_in"], &last.json["refresh_expires_in"]),
        (&300.into(), &300.into())
    );
    server.wait(Duration::from_mins(5));
    let over = server.refresh(&last.tokens().refresh).await;
    assert_eq!(over.json["reason"], "expired");
    assert_eq!(over.json["ended_at"], "2027-02-20T12:00:00.000Z");
    assert_eq!(
        server
            .get_as(&last.tokens().access, "/auth/me")
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends() {
    let server = Server::start().await;
    let tokens = server.ada().await;
    server.wait(Duration::from_hours(5 * 24) + Duration::from_mins(59));
    let tokens = server.refresh(&tokens.refresh).await.tokens();
    server.wait(Duration::from_hours(5 * 24 + 1));
    let over = server.refresh(&tokens.refresh).await;
    assert_eq!(
        (over.code(), &over.json["reason"]),
        ("session_ended", &"idle".into())
    );
}

#[tokio::test]
async fn garbage_is_told_nothing() {
    let server = Server::start().await;
    server.ada().await;
    assert_snapshot!(server.refresh("relatch_rt_garbage").await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store
    www-authenticate: Bearer error="invalid_token"

    {
      "code": "invalid_token",
      "detail": "The refresh token is not one of this server's.",
      "request_id": "[request id]",
      "status": 401,
      "title": "The token is missing, malformed, expired or not from here.",
      "type": "urn:relatch:error:invalid_token"
    }
    "#);
}

#[tokio::test]
async fn the_token_comes_as_bearer_or_as_json_or_as_a_form() {
    let server = Server::start().await;
    let first = server.ada().await;
    let body = format!(r#"{{"refresh_token":"{}"}}"#, first.refresh);
    let second = server.post("/auth/refresh", &body).await.tokens();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("refresh_token={}", second.refresh);
    let third = server
        .send(Method::POST, "/auth/refresh", &form, body)
        .await
        .tokens();
    let body = format!(r#"{{"refresh_token":"{}"}}"#, third.refresh);
    assert_eq!(
        server
            .post_as(&third.refresh, "/auth/refresh", &body)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn two_tokens_that_differ_are_an_error_and_spend_neither() {
    let server = Server::start().await;
    let (one, two) = (server.ada().await, server.ada_on("other").await);
    let body = format!(r#"{{"refresh_token":"{}"}}"#, two.refresh);
    assert_snapshot!(server.post_as(&one.refresh, "/auth/refresh", &body).await, @r#"
    400 Bad Request
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "invalid_request",
      "errors": [
        {
          "code": "conflicting",
          "detail": "Another token is in the Authorization header; send one of them.",
          "field": "refresh_token"
        }
      ],
      "request_id": "[request id]",
      "status": 400,
      "title": "The request has faults; `errors` names each of them.",
      "type": "urn:relatch:error:invalid_request"
    }
    "#);
    let before = server.refresh(&one.refresh).await.tokens();
    assert_ne!(before.refresh, one.refresh);
}

#[tokio::test]
async fn no_token_is_an_error_that_says_where_to_put_it() {
    let server = Server::start().await;
    assert_snapshot!(server.post("/auth/refresh", "{}").await, @r#"
    400 Bad Request
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "invalid_request",
      "errors": [
        {
          "code": "missing",
          "detail": "Send the refresh token as Authorization: Bearer … or as this field.",
          "field": "refresh_token"
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
async fn a_token_of_a_key_not_seen_yet_is_unavailable_while_the_database_is_away() {
    let key = TokenKey::new(9, &[1; 32]);
    let session = SessionId(uuid::Uuid::from_u128(1));
    let token = key.issue(session, &SessionSecret::from_bytes([2; 32]), Generation(0));
    let server = Server::start().await;
    server.relatch.close();
    for _ in 0..2 {
        let answer = server.refresh(token.expose()).await;
        assert_eq!((answer.status, answer.code()), (503, "unavailable"));
    }
    let server = Server::start().await;
    assert_eq!(server.refresh(token.expose()).await.code(), "invalid_token");
}
