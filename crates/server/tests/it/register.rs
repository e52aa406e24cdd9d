//! POST /auth/register

use insta::assert_snapshot;

use crate::server::Server;

#[tokio::test]
async fn a_new_user_is_logged_in_at_once() {
    let server = Server::start().await;
    let body = r#"{"username":"Ada","email":"ada@example.com","password":"correct horse battery"}"#;
    assert_snapshot!(server.post("/auth/register", body).await, @r#"
    201 Created
    content-type: application/json
    cache-control: no-store

    {
      "access_token": "[access token]",
      "device_token": "[device token]",
      "expires_in": 900,
      "refresh_expires_in": 432000,
      "refresh_token": "[refresh token]",
      "session_id": "[id 1]",
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
async fn a_taken_name_is_refused_whatever_its_case() {
    let server = Server::start().await;
    server.ada().await;
    let body =
        r#"{"username":"ADA","email":"other@example.com","password":"another long password"}"#;
    assert_snapshot!(server.post("/auth/register", body).await, @r#"
    409 Conflict
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "username_taken",
      "request_id": "[request id]",
      "status": 409,
      "title": "Somebody has that username.",
      "type": "urn:relatch:error:username_taken"
    }
    "#);
}

#[tokio::test]
async fn one_address_may_belong_to_several_until_somebody_proves_it() {
    let server = Server::start().await;
    server.ada().await;
    let body = r#"{"username":"eve","email":"ada@example.com","password":"another long password"}"#;
    assert_eq!(server.post("/auth/register", body).await.status, 201);
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let server = Server::start().await;
    let body = r#"{"username":"a b","email":"nowhere","password":"1234567","remember_me":"yes","device_name":"","admin":true}"#;
    assert_snapshot!(server.post("/auth/register", body).await, @r#"
    400 Bad Request
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "invalid_request",
      "errors": [
        {
          "code": "invalid_characters",
          "detail": "Letters a to z, digits and . _ - + only, beginning with a letter or digit.",
          "field": "username"
        },
        {
          "code": "invalid_format",
          "detail": "Expected an address like name@example.com.",
          "field": "email"
        },
        {
          "code": "too_short",
          "detail": "At least 8 characters.",
          "field": "password"
        },
        {
          "code": "too_short",
          "detail": "Leave the field out, or write a name.",
          "field": "device_name"
        },
        {
          "code": "wrong_type",
          "detail": "Expected true or false, found a text.",
          "field": "remember_me"
        },
        {
          "code": "unknown",
          "detail": "There is no such field here.",
          "field": "admin"
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
async fn a_password_that_everybody_guesses_is_refused() {
    let server = Server::start().await;
    for (password, fault) in [
        ("password1", "too_common"),
        ("ada.lovelace", "matches_username"),
        ("ada@example.com", "matches_email"),
        ("short", "too_short"),
    ] {
        let body = format!(
            r#"{{"username":"ada.lovelace","email":"ada@example.com","password":"{password}"}}"#
        );
        let answer = server.post("/auth/register", &body).await;
        assert_eq!(
            answer.faults(),
            [format!("password: {fault}")],
            "{password}"
        );
    }
}

#[tokio::test]
async fn nobody_registers_where_that_is_closed() {
    let server =
        Server::with(|config| config.registration.mode = relatch::config::Registration::Closed)
            .await;
    let body = r#"{"username":"ada","email":"ada@example.com","password":"correct horse battery"}"#;
    assert_snapshot!(server.post("/auth/register", body).await, @r#"
    403 Forbidden
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "registration_closed",
      "request_id": "[request id]",
      "status": 403,
      "title": "Nobody can register here.",
      "type": "urn:relatch:error:registration_closed"
    }
    "#);
}
