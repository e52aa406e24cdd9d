//! GET /.well-known/jwks.json, GET /health/…, and the tokens seen by a resource server.

use axum::http::Method;
use relatch_verify::{KeySet, Verifier};

use crate::server::Server;

#[tokio::test]
async fn a_resource_server_checks_a_token_with_the_public_keys_alone() {
    let server = Server::start().await;
    let tokens = server.ada().await;
    let answer = server
        .send(Method::GET, "/.well-known/jwks.json", &[], "")
        .await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    assert_eq!(answer.headers["content-type"], "application/jwk-set+json");
    assert!(
        !answer.json.to_string().contains("\"d\""),
        "a private member is published"
    );
    let keys: KeySet = serde_json::from_value(answer.json).unwrap();
    let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
    let claims = verifier
        .verify(&tokens.access, &keys, 1_795_348_800)
        .unwrap();
    assert_eq!(claims.sid.as_deref(), Some(tokens.session.as_str()));
    assert_eq!((claims.exp - claims.iat, claims.generation), (900, Some(0)));
    assert_eq!(
        (claims.client_id.as_str(), claims.amr),
        ("relatch", vec!["pwd".to_owned()])
    );
}

#[tokio::test]
async fn health_answers() {
    let server = Server::start().await;
    for path in ["/health/live", "/health/ready"] {
        let answer = server.send(Method::GET, path, &[], "").await;
        assert_eq!((answer.status, &answer.json["status"]), (200, &"ok".into()));
    }
    server.relatch.close();
    assert_eq!(
        server
            .send(Method::GET, "/health/live", &[], "")
            .await
            .status,
        200
    );
}
