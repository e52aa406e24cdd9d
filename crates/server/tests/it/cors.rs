//! Which pages may read answers.

use axum::http::Method;
use insta::assert_snapshot;

use crate::{
    browser::{PAGE, listing},
    contract::DOCUMENT,
    server::{Answer, Server},
};

/// What only a page that may read an answer is told.
const TOLD: [&str; 6] = [
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
    "access-control-expose-headers",
];

async fn asks(server: &Server, path: &str, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "authorization,content-type,dpop",
        ),
    ];
    server.send(Method::OPTIONS, path, &headers, "").await
}

fn told(answer: &Answer) -> Vec<&'static str> {
    let headers = &answer.headers;
    let told = TOLD.into_iter();
    told.filter(|name| headers.contains_key(*name)).collect()
}

#[tokio::test]
async fn a_listed_page_is_told_what_it_may_send() {
    let server = listing(&["https://other.example.com", PAGE]).await;
    let answer = asks(&server, "/auth/login", PAGE).await;
    assert_snapshot!(answer, @r"
    204 No Content
    cache-control: no-store
    allow: POST
    access-control-allow-origin: https://app.example.com
    access-control-allow-credentials: true
    access-control-allow-methods: GET, POST, PUT, PATCH, DELETE
    access-control-allow-headers: Authorization, Content-Type, DPoP, If-Match, If-None-Match
    access-control-max-age: 600
    vary: Origin
    ");
}

#[tokio::test]
async fn every_route_but_the_one_for_proxies_answers_preflights() {
    let server = listing(&[PAGE]).await;
    let paths = DOCUMENT["paths"].as_object().unwrap();
    for (path, item) in paths {
        let path = path
            .replace("{id}", "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")
            .replace("{name}", "editor")
            .replace("{file}", "app.js");
        let answer = asks(&server, &path, PAGE).await;
        let is_for_proxies = item["get"]["x-any-method"] == true;
        let expected = if is_for_proxies { 401 } else { 204 };
        assert_eq!(answer.status, expected, "{path}");
    }
    // A page is to read that there is nothing.
    assert_eq!(asks(&server, "/nothing", PAGE).await.status, 204);
    let without = [("origin", PAGE)];
    let answer = server
        .send(Method::OPTIONS, "/auth/login", &without, "")
        .await;
    assert_eq!(answer.code(), "method_not_allowed", "it asks for nothing");
}

#[tokio::test]
async fn no_other_page_is_told_anything() {
    let server = listing(&[PAGE, "http://localhost:5173"]).await;
    for origin in [
        "null",
        "",
        "*",
        "https://app.example.com.evil.test",
        "https://app.example.comevil.test",
        "https://evil.test/https://app.example.com",
        "https://evilapp.example.com",
        "https://sub.app.example.com",
        "https://api.example.com",
        "https://example.com",
        "https://app.example.com:8443",
        "https://app.example.com:443",
        "http://app.example.com",
        "https://app.example.com/",
        "https://App.example.com",
        "HTTPS://app.example.com",
        "app.example.com",
        "https://app.example.com, https://evil.test",
        "https://app.example.com https://evil.test",
        "https://app_example.com",
        "http://localhost:5174",
        "http://localhost",
        "https://localhost:5173",
        "http://127.0.0.1:5173",
    ] {
        let headers = [("origin", origin)];
        let answer = server.send(Method::GET, "/auth/me", &headers, "").await;
        assert_eq!((answer.status, told(&answer)), (401, vec![]), "{origin}");
        assert_eq!(answer.headers["vary"], "Origin");
        let answer = asks(&server, "/auth/login", origin).await;
        assert_eq!((answer.status, told(&answer)), (405, vec![]), "{origin}");
    }
    let twice = [("origin", PAGE), ("origin", PAGE)];
    let answer = server.send(Method::GET, "/auth/me", &twice, "").await;
    assert_eq!(told(&answer), [""; 0]);
}

#[tokio::test]
async fn a_listed_page_reads_good_answers_and_bad_ones() {
    let server = listing(&[PAGE]).await;
    let tokens = server.ada().await;
    let bearer = format!("Bearer {}", tokens.access);
    let page = [("origin", PAGE), ("authorization", &bearer)];
    let readable = [TOLD[0], TOLD[1], TOLD[5]];
    let ask = async |method: Method, path: &str, status: u16| {
        let answer = server.send(method, path, &page, "").await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(told(&answer), readable, "{path}");
        assert_eq!(answer.headers["access-control-allow-origin"], PAGE);
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        assert_eq!(vary, ["Origin"], "{path}");
    };
    ask(Method::GET, "/auth/me", 200).await;
    ask(Method::GET, "/.well-known/jwks.json", 200).await;
    ask(Method::GET, "/nothing", 404).await;
    ask(Method::DELETE, "/auth/me", 405).await;
    ask(Method::POST, "/auth/login", 400).await;
    ask(Method::GET, "/admin/v1/users", 404).await;
    ask(Method::GET, "/revocations", 401).await;
    server.relatch.close();
    ask(Method::GET, "/auth/me", 503).await;
}

#[tokio::test]
async fn where_pages_are_listed_caches_keep_answers_apart_and_else_nothing_is_said() {
    let server = listing(&[PAGE]).await;
    let path = "/.well-known/jwks.json";
    let answer = server.send(Method::GET, path, &[], "").await;
    assert_eq!(answer.headers["vary"], "Origin", "whoever asked");
    assert_eq!(told(&answer), [""; 0]);
    let server = Server::start().await;
    for origin in [PAGE, "null"] {
        let answer = server
            .send(Method::GET, path, &[("origin", origin)], "")
            .await;
        assert_eq!(told(&answer), [""; 0]);
        assert_eq!(answer.headers.get("vary"), None);
        let answer = asks(&server, "/auth/login", origin).await;
        assert_eq!((answer.status, told(&answer)), (405, vec![]));
    }
}
