//! POST /auth/login

use insta::assert_snapshot;

use crate::server::Server;

#[tokio::test]
async fn the_right_password_begins_a_session_of_its_own() {
    let server = Server::start().await;
    let first = server.ada().await;
    let body = r#"{"username":"ADA","password":"correct horse battery","device_name":"Phone","remember_me":true}"#;
    let answer = server.post("/auth/login", body).await;
    assert_ne!(answer.tokens().session, first.session);
    assert_snapshot!(answer, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "access_token": "[access token]",
      "device_token": "[device token]",
      "expires_in": 900,
      "refresh_expires_in": 2592000,
      "refresh_token": "[refresh token]",
      "session_id": "[id 3]",
      "token_type": "Bearer",
      "user": {
        "created_at": "2026-11-22T12:00:00.000Z",
        "email": "ada@example.com",
        "id": "[id 2]",
        "username": "ada"
      }
    }
    "#);
}

#[tokio::test]
async fn nobody_is_told_whether_name_or_password_was_wrong() {
    let server = Server::start().await;
    server.ada().await;
    let wrong = server
        .post(
            "/auth/login",
            r#"{"username":"ada","password":"wrong horse"}"#,
        )
        .await;
    assert_snapshot!(wrong, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "invalid_credentials",
      "request_id": "[request id]",
      "status": 401,
      "title": "The username or the password is wrong.",
      "type": "urn:relatch:error:invalid_credentials"
    }
    "#);
    for name in ["bob", "not a name", "ada@example.com", ""] {
        let body = format!(r#"{{"username":"{name}","password":"correct horse battery"}}"#);
        assert_eq!(
            server.post("/auth/login", &body).await.to_string(),
            wrong.to_string(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn two_spellings_of_a_password_are_one() {
    let server = Server::start().await;
    let body = r#"{"username":"zoe","email":"zoe@example.com","password":"Zo\u00eb likes tea"}"#;
    assert_eq!(server.post("/auth/register", body).await.status, 201);
    let body = r#"{"username":"zoe","password":"Zoe\u0308 likes tea"}"#;
    assert_eq!(server.post("/auth/login", body).await.status, 200);
}

#[tokio::test]
async fn past_the_limit_the_longest_unused_session_ends() {
    let server = Server::with(|config| config.session.max_per_user = 2).await;
    let first = server.ada().await;
    server.wait(std::time::Duration::from_secs(1));
    let second = server.ada_on("second").await;
    server.wait(std::time::Duration::from_secs(1));
    let first = server.refresh(&first.refresh).await.tokens();
    server.ada_on("third").await;
    assert_eq!(server.refresh(&first.refresh).await.status, 200);
    let ended = server.refresh(&second.refresh).await;
    assert_eq!(
        (ended.code(), ended.json["reason"].as_str()),
        ("session_ended", Some("session_limit"))
    );
}
