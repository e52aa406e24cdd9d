//! /admin/v1/sessions and /admin/v1/users/{id}/sessions

use insta::assert_snapshot;
use serde_json::Value;

use crate::server::Server;

fn ids(answer: &Value) -> Vec<String> {
    let sessions = answer["sessions"].as_array().unwrap().iter();
    sessions
        .map(|session| session["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn sessions_are_listed_in_pages_of_one_or_of_all() {
    let server = Server::start().await;
    let (root, ada) = (server.administrator().await, server.ada().await);
    let phone = server.ada_on("Phone").await;
    server.post_as(&phone.refresh, "/auth/logout", "").await;
    let tablet = server.ada_on("Tablet").await;
    let (mut seen, mut path) = (Vec::new(), "/admin/v1/sessions?limit=1".to_owned());
    loop {
        let page = server.get_as(&root.access, &path).await;
        seen.extend(ids(&page.json));
        let Some(next) = page.json["next"].as_str() else {
            break;
        };
        path = format!("/admin/v1/sessions?limit=1&cursor={next}");
    }
    seen.sort();
    let mut live = [
        root.session.clone(),
        ada.session.clone(),
        tablet.session.clone(),
    ];
    live.sort();
    assert_eq!(seen, live);
    let me = server.get_as(&ada.access, "/auth/me").await;
    let user = me.json["id"].as_str().unwrap();
    let all = format!("/admin/v1/users/{user}/sessions?ended=true");
    assert_eq!(ids(&server.get_as(&root.access, &all).await.json).len(), 3);
    let one = format!("/admin/v1/sessions?user={user}&limit=1");
    let page = server.get_as(&root.access, &one).await;
    assert_snapshot!(page, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "next": "[cursor]",
      "sessions": [
        {
          "created_at": "2026-11-22T12:00:00.000Z",
          "device": "Unknown device",
          "expires_at": "2026-11-27T12:00:00.000Z",
          "id": "[id 3]",
          "last_used_at": "2026-11-22T12:00:00.000Z",
          "remember_me": false,
          "state": "live",
          "user_id": "[id 4]"
        }
      ]
    }
    "#);
    let next = page.json["next"].as_str().unwrap();
    let other = format!("/admin/v1/sessions?cursor={next}");
    let answer = server.get_as(&root.access, &other).await;
    assert_eq!(answer.faults(), ["cursor: invalid_format"]);
}

#[tokio::test]
async fn what_the_list_does_not_take_is_named() {
    let server = Server::start().await;
    let root = server.administrator().await;
    for (query, fault) in [
        ("user=ada", "user: invalid_format"),
        ("ended=1", "ended: invalid_format"),
        ("limit=1000", "limit: out_of_range"),
        ("device=x", "device: unknown"),
    ] {
        let path = format!("/admin/v1/sessions?{query}");
        let answer = server.get_as(&root.access, &path).await;
        assert_eq!(answer.faults(), [fault]);
    }
}

#[tokio::test]
async fn a_session_is_ended_and_tells_its_story() {
    let server = Server::start().await;
    let (root, ada) = (server.administrator().await, server.ada().await);
    let path = format!("/admin/v1/sessions/{}", ada.session);
    for ended in [1, 0] {
        let answer = server.delete_as(&root.access, &path).await;
        assert_eq!((answer.status, &answer.json["ended"]), (200, &ended.into()));
    }
    let over = server.refresh(&ada.refresh).await;
    assert_eq!(over.json["reason"], "ended_by_administrator");
    let nothing = "/admin/v1/sessions/019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071";
    assert_eq!(
        server.get_as(&root.access, nothing).await.code(),
        "not_found"
    );
    assert_eq!(
        server.delete_as(&root.access, nothing).await.code(),
        "not_found"
    );
    let answer = server.delete_as(&root.access, "/admin/v1/sessions/1").await;
    assert_eq!(answer.faults(), ["id: invalid_format"]);
}

#[tokio::test]
async fn a_session_tells_its_story_and_who_ended_it() {
    let server = Server::start().await;
    let (root, ada) = (server.administrator().await, server.ada().await);
    let path = format!("/admin/v1/sessions/{}", ada.session);
    server.delete_as(&root.access, &path).await;
    let story = server.get_as(&root.access, &path).await;
    let me = server.get_as(&root.access, "/auth/me").await;
    assert_eq!(story.json["events"][2]["detail"]["by"], me.json["id"]);
    assert_snapshot!(story, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "around_end": [],
      "events": [
        {
          "at": "2026-11-22T12:00:00.000Z",
          "event": "user.registered",
          "session_id": "[id 3]"
        },
        {
          "at": "2026-11-22T12:00:00.000Z",
          "detail": {
            "reason": "ended_by_administrator"
          },
          "event": "session.ended",
          "session_id": "[id 3]"
        },
        {
          "at": "2026-11-22T12:00:00.000Z",
          "detail": {
            "by": "[id 2]"
          },
          "event": "session.end_ordered",
          "session_id": "[id 3]"
        }
      ],
      "session": {
        "created_at": "2026-11-22T12:00:00.000Z",
        "device": "Unknown device",
        "ended_at": "2026-11-22T12:00:00.000Z",
        "expires_at": "2026-11-27T12:00:00.000Z",
        "id": "[id 3]",
        "last_used_at": "2026-11-22T12:00:00.000Z",
        "reason": "ended_by_administrator",
        "remember_me": false,
        "state": "ended",
        "user_id": "[id 4]"
      },
      "user": {
        "created_at": "2026-11-22T12:00:00.000Z",
        "email": "ada@example.com",
        "id": "[id 4]",
        "state": "active",
        "username": "ada"
      }
    }
    "#);
}

#[tokio::test]
async fn all_sessions_of_a_user_end() {
    let server = Server::start().await;
    let (root, ada) = (server.administrator().await, server.ada().await);
    let phone = server.ada_on("Phone").await;
    let me = server.get_as(&ada.access, "/auth/me").await;
    let path = format!(
        "/admin/v1/users/{}/sessions",
        me.json["id"].as_str().unwrap()
    );
    for ended in [2, 0] {
        let answer = server.delete_as(&root.access, &path).await;
        assert_eq!(answer.json["ended"], ended);
    }
    for tokens in [ada, phone] {
        let over = server.refresh(&tokens.refresh).await;
        assert_eq!(over.json["reason"], "ended_by_administrator");
    }
    let nobody = "/admin/v1/users/019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071/sessions";
    assert_eq!(
        server.delete_as(&root.access, nobody).await.code(),
        "not_found"
    );
    assert_eq!(
        server.get_as(&root.access, nobody).await.code(),
        "not_found"
    );
}
