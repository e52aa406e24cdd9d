//! What a browser gets beside the API.

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use axum::{Router, routing::get};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{Metadata, origin, routes};

/// A site of two files, and what the name of a third one leads out to, beside an API of one route.
fn site() -> Router {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("app")).unwrap();
    std::fs::write(folder.join("app/index.html"), "<!doctype html>").unwrap();
    std::fs::write(folder.join("app/main.js"), "export {};").unwrap();
    std::fs::write(folder.join("secret.js"), "no").unwrap();
    let metadata = Metadata {
        resource: "http://127.0.0.1:3000".to_owned(),
        authorization_servers: ["http://127.0.0.1:8080/auth".to_owned()],
        scopes_supported: crate::notes::PERMISSIONS,
        bearer_methods_supported: ["header"],
    };
    let api = Router::new().route("/notes", get(|| async { "notes" }));
    api.merge(routes(&folder.join("app"), metadata).unwrap())
}

async fn ask(method: &str, path: &str) -> (u16, HeaderMap, String) {
    let request = Request::builder().method(method).uri(path);
    let response = site().oneshot(request.body(Body::empty()).unwrap()).await;
    let (head, body) = response.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    (
        head.status.as_u16(),
        head.headers,
        String::from_utf8(body).unwrap(),
    )
}

#[tokio::test]
async fn addresses_within_the_app_are_the_page_and_files_are_files() {
    for path in ["/", "/index.html", "/login", "/devices/", "/no/such/place"] {
        let (status, headers, body) = ask("GET", path).await;
        assert_eq!((status, body.as_str()), (200, "<!doctype html>"), "{path}");
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    }
    let (status, headers, body) = ask("GET", "/main.js").await;
    assert_eq!((status, body.as_str()), (200, "export {};"));
    assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(ask("GET", "/notes").await.2, "notes");
}

#[tokio::test]
async fn what_is_not_in_the_folder_is_not_there() {
    for path in [
        "/other.js",
        "/../secret.js",
        "/%2e%2e/secret.js",
        "//secret.js",
        "/app/../../secret.js",
    ] {
        assert_eq!(ask("GET", path).await.0, 404, "{path}");
    }
    assert_eq!(ask("POST", "/login").await.0, 404);
}

#[tokio::test]
async fn the_page_runs_and_loads_nothing_of_others() {
    let (_, headers, _) = ask("GET", "/").await;
    let policy = headers["content-security-policy"].to_str().unwrap();
    let directives: Vec<_> = policy.split("; ").collect();
    assert_eq!(
        directives,
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self' http://127.0.0.1:8080",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    );
    assert_eq!(headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn the_app_is_told_whom_the_api_trusts() {
    let (status, _, body) = ask("GET", "/.well-known/oauth-protected-resource").await;
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200);
    assert_eq!(
        told,
        json!({
            "resource": "http://127.0.0.1:3000",
            "authorization_servers": ["http://127.0.0.1:8080/auth"],
            "scopes_supported": ["notes:create", "notes:read", "notes:update", "notes:delete"],
            "bearer_methods_supported": ["header"],
        })
    );
}

#[test]
fn a_source_of_the_policy_is_an_origin() {
    assert_eq!(
        origin("https://auth.example.com"),
        "https://auth.example.com"
    );
    assert_eq!(
        origin("https://example.com:8443/auth/x"),
        "https://example.com:8443"
    );
}
