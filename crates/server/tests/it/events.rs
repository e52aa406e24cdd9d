//! GET /auth/events

use axum::http::Method;
use insta::assert_snapshot;
use relatch_core::{
    event::{Actor, Administrator, Origin},
    session::{
        SessionId,
        administer::{self, EndedOne},
    },
    store::Changed,
    user::{UserId, UserState},
};
use serde_json::{Value, json};

use crate::server::{Server, Tokens};

/// Their names, the last first, page by page.
async fn pages(server: &Server, tokens: &Tokens, limit: usize) -> Vec<Vec<String>> {
    let (mut pages, mut query) = (Vec::new(), format!("?limit={limit}"));
    loop {
        let path = format!("/auth/events{query}");
        let answer = server.get_as(&tokens.access, &path).await;
        assert_eq!(answer.status, 200, "{answer}");
        let events = answer.json["events"].as_array().unwrap();
        let name = |event: &Value| event["event"].as_str().unwrap().to_owned();
        pages.push(events.iter().map(name).collect());
        let Some(next) = answer.json["next"].as_str() else {
            return pages;
        };
        query = format!("?cursor={next}&limit={limit}");
    }
}

#[tokio::test]
async fn a_user_sees_what_happened_to_him() {
    let server = Server::start().await;
    let mine = server.ada().await;
    let headers = [
        ("content-type", "application/json"),
        ("user-agent", "Firefox"),
    ];
    let body = r#"{"username":"ada","password":"correct horse battery"}"#.to_owned();
    let login = server.send(Method::POST, "/auth/login", &headers, body);
    let gone = login.await.tokens();
    server.post_as(&gone.refresh, "/auth/logout", "").await;
    assert_snapshot!(server.get_as(&mine.access, "/auth/events").await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "events": [
        {
          "at": "2026-11-22T12:00:00.000Z",
          "detail": {
            "reason": "logout"
          },
          "event": "session.ended",
          "session_id": "[id 3]"
        },
        {
          "agent": "Firefox",
          "at": "2026-11-22T12:00:00.000Z",
          "event": "session.opened",
          "session_id": "[id 3]"
        },
        {
          "at": "2026-11-22T12:00:00.000Z",
          "event": "user.registered",
          "session_id": "[id 1]"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn pages_follow_each_other() {
    let server = Server::start().await;
    let mine = server.ada().await;
    for device in ["one", "two", "three"] {
        server.ada_on(device).await;
    }
    let all = [
        "session.opened",
        "session.opened",
        "session.opened",
        "user.registered",
    ];
    for limit in [1, 3, 4, 5, 100] {
        let pages = pages(&server, &mine, limit).await;
        assert_eq!(pages.len(), 4_usize.div_ceil(limit), "{pages:?}");
        assert_eq!(pages.concat(), all);
    }
}

#[tokio::test]
async fn nobody_sees_what_is_another_users() {
    let server = Server::start().await;
    let ada = server.ada().await;
    server.ada_on("Phone").await;
    let body = r#"{"username":"eve","email":"eve@example.com","password":"an evil password"}"#;
    let eve = server.post("/auth/register", body).await.tokens();
    assert_eq!(pages(&server, &eve, 9).await, [["user.registered"]]);
    let page = server.get_as(&ada.access, "/auth/events?limit=1").await;
    let cursor = page.json["next"].as_str().unwrap();
    let path = format!("/auth/events?cursor={cursor}");
    let answer = server.get_as(&eve.access, &path).await;
    assert_eq!(
        (answer.status, answer.faults()),
        (400, vec!["cursor: invalid_format".to_owned()])
    );
}

/// His name, his address and his browser are not the user's to know, whatever he did.
#[tokio::test]
async fn an_administrator_is_not_shown() {
    let server = Server::start().await;
    let (ada, other) = (server.ada().await, server.ada_on("Phone").await);
    let me = server.get_as(&ada.access, "/auth/me").await;
    let user = UserId(me.json["id"].as_str().unwrap().parse().unwrap());
    let root = server.administrator().await;
    let root_id = server.get_as(&root.access, "/auth/me").await.json["id"].clone();
    let root_id = root_id.as_str().unwrap();
    let store = server.store();
    let session = |tokens: &Tokens| SessionId(tokens.session.parse().unwrap());
    let by = Administrator {
        actor: Actor::User(UserId(root_id.parse().unwrap()), session(&root)),
        origin: Origin {
            address: Some("203.0.113.99".parse().unwrap()),
            agent: Some("the administrator's browser".to_owned()),
        },
        now: server.now(),
    };
    let ended = administer::end(store, session(&other), by.clone()).await;
    assert!(matches!(ended, Ok(EndedOne::Ended)), "{ended:?}");
    for state in [UserState::Disabled, UserState::Active] {
        let changed = store.set_user_state(user, state, None, by.clone()).await;
        assert!(matches!(changed, Ok(Changed::Done(_))), "{changed:?}");
    }
    let again = server.ada_on("again").await;
    let answer = server.get_as(&again.access, "/auth/events").await;
    for secret in ["203.0.113.99", "browser", root_id, "command"] {
        assert!(!answer.text.contains(secret), "{secret}: {answer}");
    }
    let told = answer.json["events"].as_array().unwrap();
    let disabled = told.iter().find(|event| event["event"] == "user.disabled");
    assert_eq!(
        disabled.unwrap()["detail"],
        json!({ "by": "an administrator" })
    );
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let server = Server::start().await;
    let mine = server.ada().await;
    for (query, fault) in [
        ("limit=0", "limit: out_of_range"),
        ("limit=201", "limit: out_of_range"),
        ("limit=-1", "limit: out_of_range"),
        ("limit=", "limit: out_of_range"),
        ("limit=1&limit=2", "limit: duplicate"),
        ("cursor=", "cursor: invalid_format"),
        ("cursor=5", "cursor: invalid_format"),
        (
            "cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "cursor: invalid_format",
        ),
        ("user=eve", "user: unknown"),
    ] {
        let answer = server
            .get_as(&mine.access, &format!("/auth/events?{query}"))
            .await;
        assert_eq!(
            (answer.status, answer.faults()),
            (400, vec![fault.to_owned()]),
            "{query}"
        );
    }
    let answer = server.send(Method::GET, "/auth/events", &[], "").await;
    assert_eq!((answer.status, answer.code()), (401, "invalid_token"));
}
