//! POST /auth/password/change, POST /auth/reauthenticate

use std::time::Duration;

use insta::assert_snapshot;

use crate::server::Server;

const CHANGE: &str =
    r#"{"old_password":"correct horse battery","new_password":"an even better password"}"#;

#[tokio::test]
async fn a_new_password_ends_every_session_and_the_caller_gets_a_fresh_one() {
    let server = Server::start().await;
    let (mine, other) = (server.ada().await, server.ada_on("other").await);
    let answer = server
        .post_as(&mine.access, "/auth/password/change", CHANGE)
        .await;
    assert_snapshot!(answer, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "access_token": "[access token]",
      "device_token": "[device token]",
      "expires_in": 900,
      "refresh_expires_in": 432000,
      "refresh_token": "[refresh token]",
      "session_id": "[id 4]",
      "token_type": "Bearer"
    }
    "#);
    let fresh = answer.tokens();
    for old in [mine.refresh, other.refresh] {
        assert_eq!(
            server.refresh(&old).await.json["reason"],
            "password_changed"
        );
    }
    assert_eq!(
        server.get_as(&mine.access, "/auth/me").await.json["reason"],
        "password_changed"
    );
    assert_eq!(server.refresh(&fresh.refresh).await.status, 200);
    let login = |password: &str| format!(r#"{{"username":"ada","password":"{password}"}}"#);
    assert_eq!(
        server
            .post("/auth/login", &login("correct horse battery"))
            .await
            .status,
        401
    );
    assert_eq!(
        server
            .post("/auth/login", &login("an even better password"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_wrong_old_password_changes_nothing() {
    let server = Server::start().await;
    let tokens = server.ada().await;
    let body = r#"{"old_password":"wrong horse battery","new_password":"an even better password"}"#;
    assert_snapshot!(server.post_as(&tokens.access, "/auth/password/change", body).await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "invalid_credentials",
      "detail": "The password is wrong.",
      "request_id": "[request id]",
      "status": 401,
      "title": "The username or the password is wrong.",
      "type": "urn:relatch:error:invalid_credentials"
    }
    "#);
    assert_eq!(server.refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test]
async fn the_rules_hold_for_the_new_password_as_well() {
    let server = Server::start().await;
    let tokens = server.ada().await;
    let body = r#"{"old_password":"correct horse battery","new_password":"password"}"#;
    let answer = server
        .post_as(&tokens.access, "/auth/password/change", body)
        .await;
    assert_eq!(answer.faults(), ["new_password: too_common"]);
}

#[tokio::test]
async fn a_refresh_token_changes_no_password() {
    let server = Server::start().await;
    let tokens = server.ada().await;
    let answer = server
        .post_as(&tokens.refresh, "/auth/password/change", CHANGE)
        .await;
    assert_eq!((answer.status, answer.code()), (401, "invalid_token"));
}

#[tokio::test]
async fn proving_the_password_again_makes_an_access_token_new() {
    let server = Server::start().await;
    let tokens = server.ada().await;
    server.wait(Duration::from_mins(11));
    let body = r#"{"password":"correct horse battery"}"#;
    let answer = server
        .post_as(&tokens.access, "/auth/reauthenticate", body)
        .await;
    assert_snapshot!(answer, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "access_token": "[access token]",
      "expires_in": 900,
      "session_id": "[id 1]",
      "token_type": "Bearer"
    }
    "#);
    let wrong = server
        .post_as(
            &tokens.access,
            "/auth/reauthenticate",
            r#"{"password":"wrong"}"#,
        )
        .await;
    assert_eq!(wrong.code(), "invalid_credentials");
}
