//! POST /introspect (RFC 7662): good tokens tell what they are, and all others are alike.

use std::time::Duration;

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::json;

use crate::server::{Answer, Server, decode};

#[tokio::test]
async fn a_good_access_token_tells_what_it_is() {
    let server = Server::start().await;
    let credential = server.resource_server("notes").await;
    server.ada().await;
    server.give_ada("reader", &["notes:read"], false).await;
    let ada = server.ada_on("Phone").await;
    assert_snapshot!(server.introspect(&credential, &ada.access).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "active": true,
      "amr": [
        "pwd"
      ],
      "aud": [
        "https://api.example.com"
      ],
      "auth_time": 1795348800,
      "client_id": "relatch",
      "exp": 1795349700,
      "iat": 1795348800,
      "iss": "https://auth.example.com",
      "jti": "[jti]",
      "permissions": [
        "notes:read"
      ],
      "roles": [
        "reader"
      ],
      "scope": "notes:read",
      "sid": "[id 3]",
      "sub": "[id 2]",
      "token_type": "Bearer",
      "username": "ada"
    }
    "#);
}

#[tokio::test]
async fn a_good_refresh_token_is_told_to_be_none_for_resources() {
    let server = Server::start().await;
    let credential = server.resource_server("notes").await;
    let ada = server.ada().await;
    assert_snapshot!(server.introspect(&credential, &ada.refresh).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "active": true,
      "client_id": "relatch",
      "exp": 1795780800,
      "iat": 1795348800,
      "iss": "https://auth.example.com",
      "sid": "[id 1]",
      "sub": "[id 2]",
      "token_type": "refresh_token"
    }
    "#);
}

/// One answer for garbage, spent, expired, ended, revoked and foreign ones.
#[tokio::test]
async fn of_any_other_token_nothing_is_told() {
    let server = Server::start().await;
    let credential = server.resource_server("notes").await;
    let ada = server.ada().await;
    let turned = server.refresh(&ada.refresh).await.tokens();
    let ended = server.ada_on("Phone").await;
    server.post_as(&ended.refresh, "/auth/logout", "").await;
    let inactive = async |token: &str| {
        let answer = server.introspect(&credential, token).await;
        assert_eq!(
            (answer.status, &answer.json),
            (200, &json!({ "active": false })),
            "{token}"
        );
        assert_eq!(answer.headers["cache-control"], "no-store");
    };
    for token in [
        "x",
        "a.b.c",
        "relatch_rt_x",
        &ended.access,
        &ended.refresh,
        &credential,
        "%00",
    ] {
        inactive(token).await;
    }
    let forged = format!("{}A", &ada.access[..ada.access.len() - 1]);
    inactive(&forged).await;
    assert_eq!(
        server.introspect(&credential, &ada.refresh).await.json["active"],
        true,
        "a retry"
    );
    server.wait(Duration::from_secs(31));
    inactive(&ada.refresh).await;
    // Asking is not presenting: nothing has ended.
    assert_eq!(
        server.introspect(&credential, &turned.refresh).await.json["active"],
        true
    );
    assert_eq!(
        server.introspect(&credential, &turned.access).await.json["active"],
        true
    );
    server.give_ada("reader", &["notes:read"], true).await;
    inactive(&turned.access).await;
    let fresh = server.refresh(&turned.refresh).await.tokens();
    let told = server.introspect(&credential, &fresh.access).await.json;
    assert_eq!(
        (&told["active"], &told["roles"]),
        (&json!(true), &json!(["reader"]))
    );
    server.wait(Duration::from_mins(15));
    inactive(&fresh.access).await;
}

async fn ask(server: &Server, headers: &[(&str, &str)], body: &'static str) -> Answer {
    server
        .send(Method::POST, "/introspect", headers, body)
        .await
}

#[tokio::test]
async fn a_credential_and_a_form_are_wanted() {
    let server = Server::start().await;
    let bearer = format!("Bearer {}", server.resource_server("notes").await);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let good = ("authorization", bearer.as_str());
    assert_snapshot!(ask(&server, &[form], "token=x").await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store
    www-authenticate: Bearer realm="resource server", Basic realm="resource server"

    {
      "code": "invalid_client",
      "request_id": "[request id]",
      "status": 401,
      "title": "The credential of the resource server is missing or not known.",
      "type": "urn:relatch:error:invalid_client"
    }
    "#);
    let json = ("content-type", "application/json");
    assert_eq!(
        ask(&server, &[good, json], "{\"token\":\"x\"}")
            .await
            .code(),
        "unsupported_media_type"
    );
    assert_eq!(
        ask(&server, &[good, form], "").await.faults(),
        ["token: missing"]
    );
    assert_eq!(
        ask(&server, &[good, form], "token=x&token=y")
            .await
            .faults(),
        ["token: duplicate"]
    );
    // RFC 6749, section 3.2: what is not known is ignored.
    let more = "token=x&token_type_hint=access_token&resource=y";
    assert_eq!(ask(&server, &[good, form], more).await.status, 200);
}

#[tokio::test]
async fn an_answer_is_signed_for_whoever_asks_for_that() {
    let server = Server::start().await;
    let bearer = format!("Bearer {}", server.resource_server("notes").await);
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
        (
            "accept",
            "application/json;q=0.5, Application/token-introspection+jwt",
        ),
    ];
    let answer = ask(&server, &headers, "token=x").await;
    assert_eq!(
        answer.headers["content-type"],
        "application/token-introspection+jwt"
    );
    let parts: Vec<_> = answer.text.split('.').map(str::to_owned).collect();
    assert_eq!(decode(&parts[0])["typ"], "token-introspection+jwt");
    assert_eq!(
        decode(&parts[1]),
        json!({
            "iss": "https://auth.example.com",
            "aud": "notes",
            "iat": 1_795_348_800,
            "token_introspection": { "active": false },
        })
    );
}
