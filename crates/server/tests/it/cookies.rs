//! Sessions whose refresh token is in a cookie: the routes that read it and those that set it.

use std::time::Duration;

use axum::http::Method;
use insta::assert_snapshot;

use crate::{
    browser::{ADA, Browser, LOGIN, PAGE, listing, set},
    server::Server,
};

const SET: &str = "__Host-relatch_refresh=…; Path=/; Secure; HttpOnly; SameSite=Strict";
const CLEARED: &str =
    "__Host-relatch_refresh=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0";

async fn access(browser: &Browser<'_>) -> String {
    let answer = browser.post("/auth/refresh", "{}").await;
    answer.json["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_page_logs_in_and_refreshes_without_ever_seeing_the_token() {
    let server = listing(&[PAGE]).await;
    let browser = Browser::new(&server);
    let registered = browser.post("/auth/register", ADA).await;
    assert_snapshot!(registered, @r#"
    201 Created
    content-type: application/json
    cache-control: no-store
    set-cookie: __Host-relatch_refresh=[refresh token]; Path=/; Secure; HttpOnly; SameSite=Strict
    access-control-allow-origin: https://app.example.com
    access-control-allow-credentials: true
    vary: Origin

    {
      "access_token": "[access token]",
      "expires_in": 900,
      "refresh_expires_in": 432000,
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
    let first = browser.token().unwrap();
    assert_snapshot!(browser.post("/auth/refresh", "{}").await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store
    set-cookie: __Host-relatch_refresh=[refresh token]; Path=/; Secure; HttpOnly; SameSite=Strict
    access-control-allow-origin: https://app.example.com
    access-control-allow-credentials: true
    vary: Origin

    {
      "access_token": "[access token]",
      "expires_in": 900,
      "refresh_expires_in": 432000,
      "session_id": "[id 1]",
      "token_type": "Bearer"
    }
    "#);
    assert_ne!(browser.token().unwrap(), first, "it turned");
}

#[tokio::test]
async fn after_a_logout_there_is_no_cookie_and_no_session() {
    let server = listing(&[PAGE]).await;
    let browser = Browser::new(&server);
    browser.post("/auth/register", ADA).await;
    assert_snapshot!(browser.post("/auth/logout", "{}").await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store
    set-cookie: __Host-relatch_refresh=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0
    access-control-allow-origin: https://app.example.com
    access-control-allow-credentials: true
    vary: Origin

    {
      "ended": true,
      "session_id": "[id 1]"
    }
    "#);
    assert_snapshot!(browser.post("/auth/refresh", "{}").await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store
    access-control-allow-origin: https://app.example.com
    access-control-allow-credentials: true
    vary: Origin

    {
      "code": "no_session",
      "request_id": "[request id]",
      "status": 401,
      "title": "There is no session: the request brought no refresh token.",
      "type": "urn:relatch:error:no_session"
    }
    "#);
}

#[tokio::test]
async fn the_cookie_lives_as_long_as_a_session_that_is_remembered_or_as_the_browser() {
    let server = listing(&[PAGE]).await;
    let browser = Browser::new(&server);
    let registered = browser.post("/auth/register", ADA).await;
    assert_eq!(set(&registered), [SET]);
    let remembered = LOGIN.replace('}', r#","remember_me":true}"#);
    let answer = browser.post("/auth/login", &remembered).await;
    assert_eq!(set(&answer), [format!("{SET}; Max-Age=2592000")]);
    assert_eq!(answer.json["refresh_expires_in"], 2_592_000);
    server.wait(Duration::from_hours(24 * 350));
    // 365 days in all: what is left of them is less than 30.
    let mut last = browser.post("/auth/refresh", "{}").await;
    assert_eq!(last.json["reason"], "idle");
    assert_eq!(set(&last), [""; 0], "a refusal never clears it");
    last = browser.post("/auth/login", &remembered).await;
    for _ in 0..12 {
        server.wait(Duration::from_hours(24 * 29));
        last = browser.post("/auth/refresh", "{}").await;
    }
    assert_eq!(set(&last), [format!("{SET}; Max-Age={}", 17 * 86_400)]);
    assert_eq!(last.json["refresh_expires_in"], 17 * 86_400);
}

#[tokio::test]
async fn logging_out_of_a_session_that_has_ended_clears_its_cookie() {
    let server = listing(&[PAGE]).await;
    let browser = Browser::new(&server);
    browser.post("/auth/register", ADA).await;
    let token = access(&browser).await;
    let kept = browser.token().unwrap();
    let path = "/auth/sessions?keep=none";
    server.delete_as(&token, path).await;
    let told = browser.post("/auth/refresh", "{}").await;
    assert_eq!(told.json["reason"], "logout_everywhere");
    assert_eq!(browser.token().unwrap(), kept, "a refusal never clears it");
    let out = browser.post("/auth/logout", "{}").await;
    assert_eq!((out.status, set(&out)), (200, vec![CLEARED.to_owned()]));
}

#[tokio::test]
async fn a_token_that_comes_another_way_than_its_session_has_it_is_refused_and_nothing_changes() {
    let server = listing(&[PAGE]).await;
    let browser = Browser::new(&server);
    browser.post("/auth/register", ADA).await;
    let (in_cookie, in_body) = (browser.token().unwrap(), server.ada_on("Phone").await);
    for path in ["/auth/refresh", "/auth/logout"] {
        let field = format!(r#"{{"refresh_token":"{in_cookie}"}}"#);
        for answer in [
            server.post_as(&in_cookie, path, "").await,
            server.post(path, &field).await,
            // Beside the cookie itself, too: whoever can send it so has read it.
            browser.post(path, &field).await,
        ] {
            assert_eq!((answer.status, answer.code()), (400, "wrong_delivery"));
            assert_eq!(set(&answer), [""; 0]);
        }
        let other = Browser::new(&server);
        other.plant(&in_body.refresh);
        let answer = other.post(path, "{}").await;
        assert_eq!((answer.status, answer.code()), (400, "wrong_delivery"));
    }
    server.wait(Duration::from_mins(2));
    assert_eq!(server.refresh(&in_body.refresh).await.status, 200);
    assert_eq!(browser.post("/auth/refresh", "{}").await.status, 200);
}

#[tokio::test]
async fn another_token_beside_the_cookie_is_a_conflict() {
    let server = listing(&[PAGE]).await;
    let browser = Browser::new(&server);
    browser.post("/auth/register", ADA).await;
    let other = server.ada_on("Phone").await.refresh;
    for path in ["/auth/refresh", "/auth/logout"] {
        let field = format!(r#"{{"refresh_token":"{other}"}}"#);
        let answer = browser.post(path, &field).await;
        assert_eq!(answer.faults(), ["refresh_token: conflicting"]);
        let answer = browser.fetch(Method::POST, path, Some(&other), "{}").await;
        assert_eq!(answer.faults(), ["refresh_token: conflicting"]);
    }
    assert_eq!(server.refresh(&other).await.status, 200);
    assert_eq!(browser.post("/auth/refresh", "{}").await.status, 200);
}

#[tokio::test]
async fn a_login_ends_the_session_whose_cookie_is_there_whoevers_it_is() {
    let server = listing(&[PAGE]).await;
    let browser = Browser::new(&server);
    browser.post("/auth/register", ADA).await;
    let (ada, eve) = (browser.token().unwrap(), ADA.replace("ada", "eve"));
    // By registering somebody else in the same browser.
    let answer = browser.post("/auth/register", &eve).await;
    assert_eq!(answer.status, 201);
    let eves = browser.token().unwrap();
    let old = Browser::new(&server);
    old.plant(&ada);
    let told = old.post("/auth/refresh", "{}").await;
    assert_eq!(told.json["reason"], "replaced");
    // A login that fails ends nothing.
    let wrong = LOGIN.replace("battery", "batteries");
    assert_eq!(browser.post("/auth/login", &wrong).await.status, 401);
    assert_eq!(browser.post("/auth/refresh", "{}").await.status, 200);
    // Nor does one in body mode, which leaves the cookie alone.
    server.ada_on("Phone").await;
    let body = LOGIN.replace("cookie", "body");
    assert_eq!(set(&browser.post("/auth/login", &body).await), [""; 0]);
    assert_eq!(browser.post("/auth/refresh", "{}").await.status, 200);
    assert_eq!(browser.post("/auth/login", LOGIN).await.status, 200);
    old.plant(&eves);
    let told = old.post("/auth/refresh", "{}").await;
    assert_eq!(told.json["reason"], "replaced");
}

#[tokio::test]
async fn a_cookie_without_a_token_of_ours_ends_nothing_and_hinders_no_login() {
    let server = listing(&[PAGE]).await;
    let phone = server.ada().await;
    let browser = Browser::new(&server);
    for garbage in ["", "garbage", "\"x\"", &"a".repeat(5000), &phone.refresh] {
        browser.plant(garbage);
        let answer = browser.post("/auth/login", LOGIN).await;
        assert_eq!((answer.status, set(&answer)), (200, vec![SET.to_owned()]));
    }
    assert_eq!(server.refresh(&phone.refresh).await.status, 200);
}

#[tokio::test]
async fn a_password_change_gives_the_browser_another_cookie() {
    let server = listing(&[PAGE]).await;
    let browser = Browser::new(&server);
    browser.post("/auth/register", ADA).await;
    let (old, token) = (browser.token().unwrap(), access(&browser).await);
    let body = r#"{"old_password":"correct horse battery","new_password":"battery horse correct"}"#;
    let path = "/auth/password/change";
    let without_page = server.post_as(&token, path, body).await;
    assert_eq!(
        (without_page.status, without_page.code()),
        (403, "origin_not_allowed")
    );
    let changed = browser.fetch(Method::POST, path, Some(&token), body).await;
    assert_eq!((changed.status, set(&changed)), (200, vec![SET.to_owned()]));
    assert_eq!(changed.json.get("refresh_token"), None);
    assert_ne!(browser.token().unwrap(), old);
    assert_eq!(browser.post("/auth/refresh", "{}").await.status, 200);
}

#[tokio::test]
async fn ending_the_session_of_the_cookie_clears_it_and_ending_others_does_not() {
    let server = listing(&[PAGE]).await;
    let browser = Browser::new(&server);
    browser.post("/auth/register", ADA).await;
    let phone = server.ada_on("Phone").await;
    let token = access(&browser).await;
    let delete = async |path: &str, token: &str| {
        let answer = browser.fetch(Method::DELETE, path, Some(token), "").await;
        assert_eq!(answer.status, 200, "{answer}");
        set(&answer)
    };
    let other = format!("/auth/sessions/{}", phone.session);
    assert_eq!(delete(&other, &token).await, [""; 0]);
    assert_eq!(delete("/auth/sessions", &token).await, [""; 0]);
    let mine = browser.post("/auth/refresh", "{}").await.json["session_id"].clone();
    let mine = format!("/auth/sessions/{}", mine.as_str().unwrap());
    assert_eq!(delete(&mine, &token).await, [CLEARED]);
    browser.post("/auth/login", LOGIN).await;
    let token = access(&browser).await;
    let all = "/auth/sessions?keep=none";
    assert_eq!(delete(all, &token).await, [CLEARED]);
}

#[tokio::test]
async fn cookie_mode_is_off_until_a_page_is_listed() {
    let server = Server::start().await;
    let browser = Browser::new(&server);
    for (path, body) in [("/auth/register", ADA), ("/auth/login", LOGIN)] {
        let answer = browser.post(path, body).await;
        assert_eq!((answer.status, answer.code()), (403, "origin_not_allowed"));
        let detail = answer.json["detail"].as_str().unwrap();
        assert!(detail.contains("browser.origins"), "{detail}");
    }
    assert_eq!(browser.post("/auth/login", LOGIN).await.status, 403);
    // Nobody was registered, and a cookie is as good as none.
    let tokens = server.ada().await;
    browser.plant(&tokens.refresh);
    let bare = browser.post("/auth/refresh", "{}").await;
    assert_eq!((bare.status, bare.code()), (403, "origin_not_allowed"));
    let field = format!(r#"{{"refresh_token":"{}"}}"#, tokens.refresh);
    assert_eq!(browser.post("/auth/refresh", &field).await.status, 200);
}
