//! GET /auth/sessions, DELETE /auth/sessions/{id}, DELETE /auth/sessions

use std::time::Duration;

use insta::assert_snapshot;

use crate::server::Server;

#[tokio::test]
async fn the_list_shows_every_live_session_the_latest_first() {
    let server = Server::start().await;
    server.ada().await;
    server.wait(Duration::from_mins(1));
    let phone = server.ada_on("Phone").await;
    let gone = server.ada_on("gone").await;
    server.post_as(&gone.refresh, "/auth/logout", "").await;
    assert_snapshot!(server.get_as(&phone.access, "/auth/sessions").await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "sessions": [
        {
          "created_at": "2026-11-22T12:01:00.000Z",
          "current": true,
          "device": "Phone",
          "expires_at": "2026-11-27T12:01:00.000Z",
          "id": "[id 3]",
          "last_used_at": "2026-11-22T12:01:00.000Z",
          "remember_me": false
        },
        {
          "created_at": "2026-11-22T12:00:00.000Z",
          "current": false,
          "device": "Unknown device",
          "expires_at": "2026-11-27T12:00:00.000Z",
          "id": "[id 1]",
          "last_used_at": "2026-11-22T12:00:00.000Z",
          "remember_me": false
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn one_device_is_ended_from_another() {
    let server = Server::start().await;
    let (mine, lost) = (server.ada().await, server.ada_on("lost phone").await);
    let path = format!("/auth/sessions/{}", lost.session);
    assert_eq!(server.delete_as(&mine.access, &path).await.json["ended"], 1);
    assert_eq!(
        server.refresh(&lost.refresh).await.json["reason"],
        "ended_by_user"
    );
    assert_eq!(
        server.delete_as(&mine.access, &path).await.code(),
        "not_found"
    );
    assert_eq!(server.refresh(&mine.refresh).await.status, 200);
}

#[tokio::test]
async fn nobody_ends_the_session_of_another_user() {
    let server = Server::start().await;
    let ada = server.ada().await;
    let body = r#"{"username":"eve","email":"eve@example.com","password":"an evil password"}"#;
    let eve = server.post("/auth/register", body).await.tokens();
    let path = format!("/auth/sessions/{}", ada.session);
    assert_eq!(
        server.delete_as(&eve.access, &path).await.code(),
        "not_found"
    );
    assert_eq!(server.refresh(&ada.refresh).await.status, 200);
}

#[tokio::test]
async fn all_others_or_all_are_ended() {
    let server = Server::start().await;
    let (mine, other) = (server.ada().await, server.ada_on("other").await);
    assert_eq!(
        server.delete_as(&mine.access, "/auth/sessions").await.json["ended"],
        1
    );
    assert_eq!(
        server.refresh(&other.refresh).await.json["reason"],
        "logout_everywhere"
    );
    let mine = server.refresh(&mine.refresh).await.tokens();
    assert_eq!(
        server
            .delete_as(&mine.access, "/auth/sessions?keep=none")
            .await
            .json["ended"],
        1
    );
    assert_eq!(
        server.refresh(&mine.refresh).await.json["reason"],
        "logout_everywhere"
    );
}

#[tokio::test]
async fn ending_devices_wants_a_recent_password() {
    let server = Server::start().await;
    let mine = server.ada().await;
    server.wait(Duration::from_mins(11));
    let mine = server.refresh(&mine.refresh).await.tokens();
    assert_snapshot!(server.delete_as(&mine.access, "/auth/sessions").await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store
    www-authenticate: Bearer error="insufficient_user_authentication"

    {
      "code": "reauthentication_required",
      "request_id": "[request id]",
      "status": 401,
      "title": "The password must be proved again first: POST /auth/reauthenticate.",
      "type": "urn:relatch:error:reauthentication_required"
    }
    "#);
    let body = r#"{"password":"correct horse battery"}"#;
    let answer = server
        .post_as(&mine.access, "/auth/reauthenticate", body)
        .await;
    let fresh = answer.json["access_token"].as_str().unwrap();
    assert_eq!(server.delete_as(fresh, "/auth/sessions").await.status, 200);
}

#[tokio::test]
async fn what_is_no_id_or_no_parameter_is_named() {
    let server = Server::start().await;
    let mine = server.ada().await;
    let answer = server.delete_as(&mine.access, "/auth/sessions/1").await;
    assert_eq!(
        (answer.status, answer.faults()),
        (400, vec!["id: invalid_format".to_owned()])
    );
    for query in ["keep=all", "keep=none&keep=current", "x=1", "keep"] {
        let answer = server
            .delete_as(&mine.access, &format!("/auth/sessions?{query}"))
            .await;
        assert_eq!(
            (answer.status, answer.faults()),
            (400, vec!["keep: invalid_format".to_owned()]),
            "{query}"
        );
    }
}
