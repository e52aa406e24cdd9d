//! Relatch inside another program: its routes under a prefix, and what protects that program's own.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, StatusCode, header, response::Parts},
    routing::get,
};
use http_body_util::BodyExt as _;
use relatch::config::WebOrigin;
use relatch_verify::{Claims, VerifyError};
use serde_json::Value;
use tower::ServiceExt as _;
use wrong_tokens::{Prover, Target};

use crate::{browser::ADA, server::Server};

fn program(server: &Server) -> Router {
    let own = Router::new().route("/hello", get(async |caller: Claims| caller.sub));
    Router::new()
        .nest("/auth-server", server.relatch.router())
        .merge(server.relatch.protect(own))
}

async fn status(program: &Router, path: &str, token: &str) -> StatusCode {
    let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    let request = request.body(Body::empty()).unwrap();
    let answer = program.clone().oneshot(request).await.unwrap();
    answer.status()
}

#[tokio::test]
async fn a_session_that_is_over_is_over_for_the_program_too() {
    let server = Server::start().await;
    let program = program(&server);
    let (ada, other) = (server.ada().await, server.ada_on("Phone").await);
    for path in ["/hello", "/auth-server/auth/me", "/auth-server/auth/me/"] {
        assert_eq!(status(&program, path, &ada.access).await, 200, "{path}");
    }
    let path = "/auth/sessions?keep=current";
    server.delete_as(&other.access, path).await;
    assert_eq!(status(&program, "/hello", &ada.access).await, 401);
    assert_eq!(status(&program, "/hello", &other.access).await, 200);
    server.wait(Duration::from_mins(16));
    assert_eq!(status(&program, "/hello", &other.access).await, 401);
    let verifier = server.relatch.resource_server();
    assert_eq!(verifier.check(&other.access), Err(VerifyError::Expired));
}

#[tokio::test]
async fn rights_that_were_taken_at_once_are_gone_for_the_program_too() {
    let server = Server::start().await;
    let program = program(&server);
    let ada = server.ada().await;
    server.give_ada("reader", &["notes:read"], true).await;
    assert_eq!(status(&program, "/hello", &ada.access).await, 401);
    let ada = server.refresh(&ada.refresh).await.tokens();
    assert_eq!(status(&program, "/hello", &ada.access).await, 200);
}

#[tokio::test]
async fn what_was_made_is_where_the_answer_says() {
    let issuer = "https://app.example.com/auth-server".to_owned();
    let server = Server::with(|config| config.issuer.url = Some(issuer)).await;
    let (program, root) = (program(&server), server.administrator().await.access);
    let bearer = format!("Bearer {root}");
    let request = Request::post("/auth-server/admin/v1/users")
        .header(header::AUTHORIZATION, bearer)
        .header(header::CONTENT_TYPE, "application/json");
    let body = r#"{"username":"grace","email":"grace@example.com"}"#;
    let request = request.body(Body::from(body)).unwrap();
    let made = program.clone().oneshot(request).await.unwrap();
    assert_eq!(made.status(), 201);
    let place = made.headers()[header::LOCATION].to_str().unwrap();
    assert_eq!(status(&program, place, &root).await, 200, "{place}");
}

#[tokio::test]
async fn the_verifier_of_the_process_learns_of_new_keys() {
    let server = Server::with(|config| {
        config.keys.announce = Duration::ZERO;
        config.keys.jwks_max_age = Duration::ZERO;
    })
    .await;
    let verifier = server.relatch.resource_server();
    let mut key = head(&server.ada().await.access);
    // The next key is published while the first one signs: the second next is what nobody can have known.
    for _ in 0..2 {
        server.wait(Duration::from_hours(366 * 24));
        let begin = Instant::now();
        let access = loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let access = server.ada_on("Phone").await.access;
            if head(&access) != key {
                break access;
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "no new key");
        };
        key = head(&access);
        // Without an announcement it may sign before the verifier has looked.
        tokio::time::sleep(Duration::from_millis(600)).await;
        verifier.check(&access).unwrap();
    }
}

#[tokio::test]
async fn the_verifier_of_the_process_hears_of_sessions_that_ended_before_it_was_there_and_since() {
    let server = Server::start().await;
    let (before, since) = (server.ada().await, server.ada_on("Phone").await);
    let staying = server.ada_on("Tablet").await;
    server.post_as(&before.refresh, "/auth/logout", "").await;
    let verifier = server.relatch.resource_server();
    for ended in [&before, &since] {
        server.post_as(&ended.refresh, "/auth/logout", "").await;
        let begin = Instant::now();
        while verifier.check(&ended.access) != Err(VerifyError::Revoked) {
            assert!(begin.elapsed() < Duration::from_secs(5), "still good");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    verifier.check(&staying.access).unwrap();
}

/// What a page of this origin gets that fetches from a client at this address; the body is JSON.
async fn fetch(program: &Router, origin: &str, cookie: &str, (path, body): (&str, &str)) -> Parts {
    let client: SocketAddr = "127.0.0.1:40000".parse().unwrap();
    let request = Request::post(format!("/auth-server{path}"))
        .extension(ConnectInfo(client))
        .header(header::ORIGIN, origin)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::COOKIE, cookie);
    let request = request.body(Body::from(body.to_owned())).unwrap();
    program
        .clone()
        .oneshot(request)
        .await
        .unwrap()
        .into_parts()
        .0
}

#[tokio::test]
async fn a_page_of_the_program_keeps_its_session_in_a_cookie_of_the_whole_host() {
    for (issuer, page, expected) in [
        (
            "https://app.example.com/auth-server",
            "https://app.example.com",
            ("__Host-relatch_refresh=", "; Path=/; Secure; "),
        ),
        (
            "http://localhost:3000/auth-server",
            "http://localhost:3000",
            ("relatch_refresh_dev=", "; Path=/; HttpOnly; "),
        ),
        // Development, and a page from elsewhere: it is not known what carries it here.
        (
            "http://localhost:3000/auth-server",
            "https://app.example.com",
            ("__Host-relatch_refresh=", "; Path=/; Secure; "),
        ),
    ] {
        let server = Server::with(|config| {
            config.issuer.url = Some(issuer.to_owned());
            config.browser.origins = vec![WebOrigin::parse(page).unwrap()];
        })
        .await;
        let program = program(&server);
        let registered = fetch(&program, page, "", ("/auth/register", ADA)).await;
        assert_eq!(registered.status, 201, "{issuer} {page}");
        assert_eq!(registered.headers["access-control-allow-origin"], page);
        let cookie = registered.headers["set-cookie"].to_str().unwrap();
        let (pair, _) = cookie.split_once(';').unwrap();
        assert!(cookie.starts_with(expected.0), "{cookie}");
        assert!(cookie.contains(expected.1), "{cookie}");
        let refreshed = fetch(&program, page, pair, ("/auth/refresh", "{}")).await;
        assert_eq!(refreshed.status, 200, "{issuer} {page}");
        let foreign = fetch(&program, "https://evil.test", pair, ("/auth/refresh", "{}")).await;
        assert_eq!(foreign.status, 403);
    }
}

/// The header of a token, which names its key.
fn head(access: &str) -> String {
    access.split('.').next().unwrap().to_owned()
}

/// Wherever the program puts them.
#[tokio::test]
async fn a_session_that_is_bound_to_a_key_opens_the_programs_own_routes() {
    let issuer = "https://app.example.com/auth-server".to_owned();
    let server = Server::with(|config| config.issuer.url = Some(issuer)).await;
    let hello = || Router::new().route("/hello", get(async |caller: Claims| caller.sub));
    let program = Router::new()
        .nest("/auth-server", server.relatch.router())
        .nest("/v1", server.relatch.protect(hello()))
        .merge(server.relatch.protect(hello()));
    let prover = Prover::p256();
    let prove = |method, path: &str, token| {
        let url = format!("https://app.example.com{path}");
        prover.prove(Target {
            method,
            url: &url,
            token,
            now: server.now().as_seconds(),
        })
    };
    let request = Request::post("/auth-server/auth/register")
        .header(header::CONTENT_TYPE, "application/json")
        .header("dpop", prove("POST", "/auth-server/auth/register", None));
    let body = r#"{"username":"ada","email":"ada@example.com","password":"correct horse battery"}"#;
    let answer = program
        .clone()
        .oneshot(request.body(Body::from(body)).unwrap());
    let answer = answer.await.unwrap().into_body().collect().await.unwrap();
    let tokens: Value = serde_json::from_slice(&answer.to_bytes()).unwrap();
    assert_eq!(tokens["token_type"], "DPoP");
    let access = tokens["access_token"].as_str().unwrap();
    for path in [
        "/hello",
        "/v1/hello",
        "/auth-server/auth/me",
        "/auth-server/auth/me/",
    ] {
        assert_eq!(
            status(&program, path, access).await,
            401,
            "{path}, as bearer"
        );
        let proof = prove("GET", path, Some(access));
        for expected in [200, 401] {
            let request = Request::get(path)
                .header(header::AUTHORIZATION, format!("DPoP {access}"))
                .header("dpop", &proof);
            let request = request.body(Body::empty()).unwrap();
            let answer = program.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), expected, "{path}");
        }
    }
}
