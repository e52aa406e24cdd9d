//! Routes behind the layer: who gets in, and what everybody else is told.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header as name};
use axum::routing::get;
use http_body_util::BodyExt as _;
use relatch_verify::axum::{Authenticate, Permission, Permitted, is_permission};
use relatch_verify::{Claims, ResourceServer, Revocation, VerifyError, WhenStale, permission};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{NOW, claims, good, header, issuer, keys, sign, verifier, with};

permission! {
    /// Writing notes, which the good token may.
    WriteNotes = "notes:write";
    DeleteNotes = "notes:delete";
}

async fn whoami(claims: Claims) -> String {
    claims.sub
}

async fn perhaps(claims: Option<Claims>) -> String {
    claims.map_or_else(|| "nobody".into(), |claims| claims.sub)
}

async fn write(caller: Permitted<WriteNotes>) -> String {
    format!("written by {}", caller.sub)
}

async fn delete(_: Permitted<DeleteNotes>) -> &'static str {
    "gone"
}

fn routes() -> Router {
    Router::new()
        .route("/whoami", get(whoami))
        .route("/perhaps", get(perhaps))
        .route("/write", get(write))
        .route("/delete", get(delete))
}

fn server() -> ResourceServer {
    ResourceServer::builder(verifier())
        .clock(|| NOW)
        .keys(keys())
}

fn app() -> Router {
    routes().layer(Authenticate::new(server()))
}

async fn send(app: Router, path: &str, authorization: &[&str]) -> Response<Body> {
    let mut request = Request::get(path);
    for value in authorization {
        request = request.header(name::AUTHORIZATION, *value);
    }
    app.oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap()
}

async fn text(response: Response<Body>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// Status, challenge and body of a refusal.
async fn refused(response: Response<Body>) -> (u16, Option<String>, Value) {
    let header = |name| {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(
        header(name::CONTENT_TYPE).as_deref(),
        Some("application/problem+json")
    );
    assert_eq!(header(name::CACHE_CONTROL).as_deref(), Some("no-store"));
    let (status, challenge) = (response.status().as_u16(), header(name::WWW_AUTHENTICATE));
    (
        status,
        challenge,
        serde_json::from_str(&text(response).await).unwrap(),
    )
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn a_good_token_gets_in() {
    let token = good();
    for authorization in [
        bearer(&token),
        format!("bearer {token}"),
        format!("BEARER  {token} "),
    ] {
        let response = send(app(), "/whoami", &[&authorization]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(text(response).await, "alice");
    }
    let response = send(app(), "/write", &[&bearer(&token)]).await;
    assert_eq!(text(response).await, "written by alice");
}

#[tokio::test]
async fn without_credentials_there_is_only_a_challenge() {
    for authorization in [&[][..], &["Basic YTpi"], &["DPoP abc"], &["Bearerabc"]] {
        let (status, challenge, body) = refused(send(app(), "/whoami", authorization).await).await;
        assert_eq!((status, challenge.as_deref()), (401, Some("Bearer")));
        assert_eq!(
            body,
            json!({"type": "about:blank", "title": "Send an access token: Authorization: Bearer …", "status": 401, "code": "token_required"})
        );
    }
}

#[tokio::test]
async fn a_malformed_header_is_a_bad_request() {
    let token = bearer(&good());
    for authorization in [
        &[&*token, &token][..],
        &["Bearer"],
        &["Bearer a b"],
        &["Bearer a,b"],
    ] {
        let (status, challenge, body) = refused(send(app(), "/whoami", authorization).await).await;
        assert_eq!(
            (status, challenge.as_deref()),
            (400, Some(r#"Bearer error="invalid_request""#))
        );
        assert_eq!(body["code"], "invalid_request");
    }
}

/// Whoever tries out tokens learns nothing from what comes back.
#[tokio::test]
async fn every_bad_token_gets_the_same_answer() {
    let forged = format!("{}A", &good()[..good().len() - 1]);
    let tokens = [
        "x".to_owned(),
        forged,
        sign(with(header(), "kid", json!("other")), claims()),
        sign(with(header(), "typ", json!("JWT")), claims()),
        sign(
            header(),
            with(claims(), "iss", json!("https://evil.example")),
        ),
        sign(
            header(),
            with(claims(), "aud", json!("https://other.example")),
        ),
    ];
    let expected =
        r#"Bearer error="invalid_token", error_description="The access token is not valid here""#;
    for token in tokens {
        let response = send(app(), "/whoami", &[&bearer(&token)]).await;
        assert!(response.extensions().get::<VerifyError>().is_some());
        let (status, challenge, body) = refused(response).await;
        assert_eq!((status, challenge.as_deref()), (401, Some(expected)));
        assert_eq!(
            body,
            json!({"type": "about:blank", "title": "The access token is not valid here.", "status": 401, "code": "invalid_token"})
        );
    }
}

/// The whole list through the layer: refused for the reason that was said, or no token at all by the characters of a header.
#[tokio::test]
async fn every_wrong_token_is_refused_for_its_own_reason() {
    let app = app();
    let mut told = 0;
    for case in wrong_tokens::cases(&issuer()) {
        let Ok(value) = HeaderValue::from_str(&bearer(&case.token)) else {
            assert!(!case.is_bearer(), "{}", case.name);
            continue;
        };
        let request = Request::get("/whoami").header(name::AUTHORIZATION, value);
        let request = request.body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let reason = response.extensions().get::<VerifyError>().copied();
        let status = response.status().as_u16();
        if case.is_bearer() {
            assert_eq!((status, reason), (401, Some(case.reason)), "{}", case.name);
            told += 1;
        } else if case.token.trim() != good() {
            assert!(status == 400 || status == 401, "{}: {status}", case.name);
        }
    }
    assert!(told >= 170, "only {told} of them are what a header takes");
}

#[tokio::test]
async fn an_expired_token_is_told_so() {
    let token = sign(header(), with(claims(), "exp", json!(NOW)));
    let response = send(app(), "/whoami", &[&bearer(&token)]).await;
    assert_eq!(response.extensions().get(), Some(&VerifyError::Expired));
    let (status, challenge, _) = refused(response).await;
    let expected =
        r#"Bearer error="invalid_token", error_description="The access token has expired""#;
    assert_eq!((status, challenge.as_deref()), (401, Some(expected)));
}

#[tokio::test]
async fn a_revoked_token_is_just_not_valid() {
    let server = server();
    server.revoke(Revocation::session("0193", NOW + 900));
    let app = routes().layer(Authenticate::new(server));
    let response = send(app, "/whoami", &[&bearer(&good())]).await;
    assert_eq!(response.extensions().get(), Some(&VerifyError::Revoked));
    assert_eq!(
        refused(response).await.2["title"],
        "The access token is not valid here."
    );
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let (status, challenge, body) =
        refused(send(app(), "/delete", &[&bearer(&good())]).await).await;
    let expected = r#"Bearer error="insufficient_scope", scope="notes:delete""#;
    assert_eq!((status, challenge.as_deref()), (403, Some(expected)));
    assert_eq!(body["code"], "insufficient_scope");

    let token = sign(header(), with(claims(), "permissions", json!(["notes:*"])));
    let response = send(app(), "/delete", &[&bearer(&token)]).await;
    assert_eq!(text(response).await, "gone");
}

#[tokio::test]
async fn where_too_little_is_known_it_is_not_the_callers_fault() {
    let builder = ResourceServer::builder(verifier()).clock(|| NOW);
    let server = builder
        .when_stale(WhenStale::FailClosed { after: 10 })
        .keys(keys());
    let app = routes().layer(Authenticate::new(server));
    let response = send(app, "/whoami", &[&bearer(&good())]).await;
    assert_eq!(response.headers()[name::RETRY_AFTER], "1");
    let (status, challenge, body) = refused(response).await;
    assert_eq!(
        (status, challenge, &body["code"]),
        (503, None, &json!("unavailable"))
    );
}

#[tokio::test]
async fn an_optional_token_may_be_absent_but_not_bad() {
    let app = || routes().layer(Authenticate::new(server()).optional());
    assert_eq!(text(send(app(), "/perhaps", &[]).await).await, "nobody");
    assert_eq!(
        text(send(app(), "/perhaps", &[&bearer(&good())]).await).await,
        "alice"
    );
    assert_eq!(send(app(), "/perhaps", &[&bearer("x")]).await.status(), 401);
    assert_eq!(send(app(), "/whoami", &[]).await.status(), 401);
    assert_eq!(send(app(), "/write", &[]).await.status(), 401);
}

#[tokio::test]
async fn without_the_layer_nobody_gets_in() {
    for path in ["/whoami", "/perhaps", "/write"] {
        let response = send(routes(), path, &[&bearer(&good())]).await;
        assert_eq!(
            response.status(),
            StatusCode::INTERNAL_SERVER_ERROR,
            "{path}"
        );
    }
}

#[test]
fn a_permission_is_a_resource_and_an_action() {
    assert_eq!(
        (WriteNotes::NAME, DeleteNotes::NAME),
        ("notes:write", "notes:delete")
    );
    for good in ["notes:read", "a:b:c", "a:b.c/d-e_f"] {
        assert!(is_permission(good), "{good}");
    }
    for bad in [
        "",
        ":",
        "notes",
        "notes:",
        ":read",
        "notes:*",
        "notes:a b",
        "notes:\"",
        "notes:\\",
        "notés:read",
        "a:\n",
    ] {
        assert!(!is_permission(bad), "{bad}");
    }
}
