//! How often a password or a code may be tried, and by whom.

use std::time::Duration;

use axum::http::Method;
use insta::assert_snapshot;
use relatch_core::attempt::Quota;
use serde_json::{Value, json};

use crate::{
    browser::{ADA, Browser, LOGIN, PAGE, listing, set_for_the_device},
    server::{Answer, Server},
};

const PASSWORD: &str = "correct horse battery";

/// A login, from the device of that token if there is one.
async fn log_in(server: &Server, name: &str, password: &str, device: &Value) -> Answer {
    let mut body = json!({ "username": name, "password": password });
    if !device.is_null() {
        body["device_token"] = device.clone();
    }
    server.post("/auth/login", &body.to_string()).await
}

/// Wrong passwords until there is no room for one more.
async fn guess(server: &Server, name: &str) -> Answer {
    for _ in 0..100 {
        let answer = log_in(server, name, "wrong horse", &Value::Null).await;
        if answer.status != 401 {
            return answer;
        }
    }
    panic!("a hundred guesses");
}

#[tokio::test]
async fn past_ten_wrong_passwords_strangers_wait_whether_there_is_such_a_user_or_not() {
    let server = Server::start().await;
    server.ada().await;
    let refused = guess(&server, "ada").await;
    assert_snapshot!(refused, @r#"
    429 Too Many Requests
    content-type: application/problem+json
    cache-control: no-store
    retry-after: 60
    ratelimit: "account";r=0;t=60
    ratelimit-policy: "account";q=10;w=600

    {
      "code": "rate_limited",
      "request_id": "[request id]",
      "status": 429,
      "title": "Too many attempts; `Retry-After` says when the next one is good.",
      "type": "urn:relatch:error:rate_limited"
    }
    "#);
    for name in ["bob", "ada@example.com", "no name!", ""] {
        let other = guess(&server, name).await;
        assert_eq!(other.to_string(), refused.to_string(), "{name}");
    }
    // Not even the right one is tried.
    let right = log_in(&server, "ADA", PASSWORD, &Value::Null).await;
    assert_eq!(right.to_string(), refused.to_string());
    server.wait(Duration::from_mins(1));
    let right = log_in(&server, "ada", PASSWORD, &Value::Null).await;
    assert_eq!(right.status, 200);
}

#[tokio::test]
async fn the_pauses_grow_with_the_number_of_wrong_ones() {
    let server = Server::start().await;
    let mut pauses = Vec::new();
    for _ in 0..120 {
        let answer = log_in(&server, "ada", "wrong horse", &Value::Null).await;
        if let Some(pause) = answer.headers.get("retry-after") {
            let pause = pause.to_str().unwrap().parse().unwrap();
            server.wait(Duration::from_secs(pause));
            pauses.push(pause);
        }
    }
    pauses.dedup();
    assert_eq!(pauses.first(), Some(&60));
    assert!(
        pauses.is_sorted() && pauses.last() > Some(&600),
        "{pauses:?}"
    );
}

#[tokio::test]
async fn a_device_that_logged_in_before_is_let_in_while_strangers_wait() {
    let server = Server::start().await;
    server.ada().await;
    let first = log_in(&server, "ada", PASSWORD, &Value::Null).await;
    let device = &first.json["device_token"];
    assert_eq!(guess(&server, "ada").await.status, 429);
    let again = log_in(&server, "ada", PASSWORD, device).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.json["device_token"], *device, "it is the same device");
    for _ in 0..10 {
        let wrong = log_in(&server, "ada", "wrong horse", device).await;
        assert_eq!(wrong.code(), "invalid_credentials");
    }
    let refused = log_in(&server, "ada", PASSWORD, device).await;
    assert_snapshot!(refused, @r#"
    429 Too Many Requests
    content-type: application/problem+json
    cache-control: no-store
    retry-after: 60
    ratelimit: "device";r=0;t=60
    ratelimit-policy: "device";q=10;w=600

    {
      "code": "rate_limited",
      "request_id": "[request id]",
      "status": 429,
      "title": "Too many attempts; `Retry-After` says when the next one is good.",
      "type": "urn:relatch:error:rate_limited"
    }
    "#);
}

#[tokio::test]
async fn a_changed_password_makes_devices_strangers_but_the_one_that_changed_it() {
    let server = Server::start().await;
    let tokens = server.ada().await;
    let old = log_in(&server, "ada", PASSWORD, &Value::Null).await;
    let body = json!({ "old_password": PASSWORD, "new_password": "battery horse" });
    let path = "/auth/password/change";
    let changed = server
        .post_as(&tokens.access, path, &body.to_string())
        .await;
    assert_eq!(guess(&server, "ada").await.status, 429);
    let stale = log_in(&server, "ada", "battery horse", &old.json["device_token"]).await;
    assert_eq!(stale.code(), "rate_limited");
    let fresh = &changed.json["device_token"];
    let known = log_in(&server, "ada", "battery horse", fresh).await;
    assert_eq!(known.status, 200);
}

#[tokio::test]
async fn in_cookie_mode_the_device_is_known_by_a_cookie_that_outlives_the_session() {
    let server = listing(&[PAGE]).await;
    let browser = Browser::new(&server);
    let cookie =
        "__Host-relatch_device=…; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=31536000";
    let registered = browser.post("/auth/register", ADA).await;
    assert_eq!(set_for_the_device(&registered), [cookie]);
    assert_eq!(registered.json.get("device_token"), None);
    let refreshed = browser.post("/auth/refresh", "{}").await;
    assert_eq!(set_for_the_device(&refreshed), [""; 0]);
    browser.post("/auth/logout", "{}").await;
    assert_eq!(guess(&server, "ada").await.status, 429);
    let stranger = Browser::new(&server);
    assert_eq!(stranger.post("/auth/login", LOGIN).await.status, 429);
    let again = browser.post("/auth/login", LOGIN).await;
    assert_eq!(
        (again.status, set_for_the_device(&again)),
        (200, vec![cookie.to_owned()])
    );
    for garbage in ["", "garbage", "\"x\"", "relatch_dt_"] {
        stranger.plant_as("__Host-relatch_device", garbage);
        assert_eq!(
            stranger.post("/auth/login", LOGIN).await.status,
            429,
            "{garbage}"
        );
    }
}

#[tokio::test]
async fn within_a_session_there_is_an_allowance_for_proving_and_changing_the_password() {
    let server = Server::start().await;
    let (ada, phone) = (server.ada().await, server.ada_on("Phone").await);
    let wrong = r#"{"password":"wrong horse"}"#;
    let change = r#"{"old_password":"wrong horse","new_password":"battery horse"}"#;
    for _ in 0..5 {
        let proven = server
            .post_as(&ada.access, "/auth/reauthenticate", wrong)
            .await;
        assert_eq!(proven.code(), "invalid_credentials");
        let changed = server
            .post_as(&ada.access, "/auth/password/change", change)
            .await;
        assert_eq!(changed.code(), "invalid_credentials");
    }
    for (path, body) in [
        ("/auth/reauthenticate", wrong),
        ("/auth/password/change", change),
    ] {
        let refused = server.post_as(&ada.access, path, body).await;
        assert_eq!(refused.code(), "rate_limited", "{path}");
        assert_eq!(refused.headers["ratelimit"], "\"device\";r=0;t=60");
    }
    let right = json!({ "password": PASSWORD }).to_string();
    for _ in 0..20 {
        let proven = server
            .post_as(&phone.access, "/auth/reauthenticate", &right)
            .await;
        assert_eq!(
            proven.status, 200,
            "another session, and a right one is given back"
        );
    }
    assert_eq!(
        log_in(&server, "ada", PASSWORD, &Value::Null).await.status,
        200
    );
}

#[tokio::test]
async fn codes_are_counted_apart_from_passwords_and_not_by_account() {
    let server = Server::start().await;
    server.ada().await;
    let reset = async |name: &str| {
        let body = json!({ "username": name, "code": "00000-00000-00000-00000", "new_password": "battery horse" });
        server.post("/auth/password/reset", &body.to_string()).await
    };
    for name in ["ada", "bob"] {
        for _ in 0..30 {
            assert_eq!(reset(name).await.code(), "invalid_reset_code");
        }
    }
    assert_eq!(
        log_in(&server, "ada", PASSWORD, &Value::Null).await.status,
        200
    );
}

#[tokio::test]
async fn what_is_no_guess_is_given_back() {
    let server = Server::start().await;
    let ada = server.ada().await;
    let change = json!({ "old_password": PASSWORD, "new_password": "ada" }).to_string();
    for _ in 0..20 {
        let refused = server
            .post_as(&ada.access, "/auth/password/change", &change)
            .await;
        assert_eq!(refused.faults(), ["new_password: too_short"]);
        assert_eq!(
            log_in(&server, "ada", PASSWORD, &Value::Null).await.status,
            200
        );
    }
}

#[tokio::test]
async fn an_operator_sets_the_numbers_or_none() {
    let few = Server::with(|config| {
        let quota = Quota::new(2, Duration::from_hours(1)).unwrap();
        config.attempts.policy.account = vec![quota];
    })
    .await;
    let refused = guess(&few, "ada").await;
    assert_eq!(
        refused.headers["ratelimit-policy"],
        "\"account\";q=2;w=7200"
    );
    let none = Server::with(|config| config.attempts.enabled = false).await;
    for _ in 0..200 {
        assert_eq!(
            log_in(&none, "ada", "wrong horse", &Value::Null)
                .await
                .status,
            401
        );
    }
}

#[tokio::test]
async fn a_breached_password_is_refused_wherever_one_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let (list, filter) = (folder.path().join("list"), folder.path().join("filter"));
    std::fs::write(&list, "correct horse\nbattery staple\n").unwrap();
    let made = std::process::Command::new(env!("CARGO_BIN_EXE_relatch"))
        .args(["passwords", "build-filter", "--from"])
        .arg(&list)
        .arg("--to")
        .arg(&filter)
        .output();
    assert!(made.unwrap().status.success());
    let server = Server::with(|config| config.password.breached_filter = Some(filter)).await;
    let ada = server.ada().await;
    let eve = json!({ "username": "eve", "email": "eve@example.com", "password": "correct horse" });
    let answer = server.post("/auth/register", &eve.to_string()).await;
    assert_snapshot!(answer, @r#"
    400 Bad Request
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "invalid_request",
      "errors": [
        {
          "code": "breached",
          "detail": "This password has been in a breach, and is in lists that are tried.",
          "field": "password"
        }
      ],
      "request_id": "[request id]",
      "status": 400,
      "title": "The request has faults; `errors` names each of them.",
      "type": "urn:relatch:error:invalid_request"
    }
    "#);
    let change = json!({ "old_password": PASSWORD, "new_password": "battery staple" });
    let changed = server
        .send_as(Method::POST, &ada.access, "/auth/password/change", &change)
        .await;
    assert_eq!(changed.faults(), ["new_password: breached"]);
    let reset = json!({ "username": "ada", "code": "x", "new_password": "battery staple" });
    let reset = server
        .post("/auth/password/reset", &reset.to_string())
        .await;
    assert_eq!(reset.faults(), ["new_password: breached"]);
}
