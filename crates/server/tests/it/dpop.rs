//! Sessions that are bound to a key (RFC 9449): what they want proven, and what is answered where it is not.

use std::time::Duration;

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};
use wrong_tokens::{Prover, Target, with};

use crate::{
    browser::{ADA, PAGE, listing},
    server::{Answer, Server, Tokens, decode},
};

const ISSUER: &str = "https://auth.example.com";
const LOGIN: &str = r#"{"username":"ada","password":"correct horse battery"}"#;

/// A client with a key, and what it sends.
pub(crate) struct Client {
    pub(crate) prover: Prover,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self {
            prover: Prover::p256(),
        }
    }

    /// A good proof for that route.
    pub(crate) fn proof(
        &self,
        server: &Server,
        method: &str,
        path: &str,
        token: Option<&str>,
    ) -> String {
        let url = format!("{ISSUER}{path}");
        self.prover.prove(Target {
            method,
            url: &url,
            token,
            now: server.now().as_seconds(),
        })
    }

    /// Registers Ada, bound to this key.
    pub(crate) async fn ada(&self, server: &Server) -> Tokens {
        let body =
            r#"{"username":"ada","email":"ada@example.com","password":"correct horse battery"}"#;
        self.post(server, "/auth/register", body).await.tokens()
    }

    /// A request with a proof and no access token.
    pub(crate) async fn post(&self, server: &Server, path: &str, body: &str) -> Answer {
        let proof = self.proof(server, "POST", path, None);
        post_with(server, path, body, &[&proof]).await
    }

    pub(crate) async fn refresh(&self, server: &Server, token: &str) -> Answer {
        let body = json!({ "refresh_token": token }).to_string();
        self.post(server, "/auth/refresh", &body).await
    }

    /// A request with an access token and a proof.
    pub(crate) async fn call(
        &self,
        server: &Server,
        (method, path): (Method, &str),
        token: &str,
        body: &str,
    ) -> Answer {
        let proof = self.proof(server, method.as_str(), path, Some(token));
        call_with(server, (method, path), (token, &[&proof]), body).await
    }

    pub(crate) async fn me(&self, server: &Server, token: &str) -> Answer {
        self.call(server, (Method::GET, "/auth/me"), token, "")
            .await
    }
}

/// A request with these proofs, whatever they are, and no access token.
async fn post_with(server: &Server, path: &str, body: &str, proofs: &[&str]) -> Answer {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(proofs.iter().map(|proof| ("dpop", *proof)));
    server
        .send(Method::POST, path, &headers, body.to_owned())
        .await
}

/// A request with an access token and these proofs, whatever they are.
async fn call_with(
    server: &Server,
    (method, path): (Method, &str),
    (token, proofs): (&str, &[&str]),
    body: &str,
) -> Answer {
    let authorization = format!("DPoP {token}");
    let mut headers = vec![("authorization", authorization.as_str())];
    headers.extend(proofs.iter().map(|proof| ("dpop", *proof)));
    if !body.is_empty() {
        headers.push(("content-type", "application/json"));
    }
    server.send(method, path, &headers, body.to_owned()).await
}

fn claims_of(access: &str) -> Value {
    decode(access.split('.').nth(1).unwrap())
}

#[tokio::test]
async fn a_login_with_a_proof_binds_the_session_to_its_key() {
    let server = Server::start().await;
    server.ada().await;
    let client = Client::new();
    let answer = client.post(&server, "/auth/login", LOGIN).await;
    assert_snapshot!(answer, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "access_token": "[access token]",
      "device_token": "[device token]",
      "expires_in": 900,
      "refresh_expires_in": 432000,
      "refresh_token": "[refresh token]",
      "session_id": "[id 3]",
      "token_type": "DPoP",
      "user": {
        "created_at": "2026-11-22T12:00:00.000Z",
        "email": "ada@example.com",
        "id": "[id 2]",
        "username": "ada"
      }
    }
    "#);
    let tokens = answer.tokens();
    let jkt = &claims_of(&tokens.access)["cnf"]["jkt"];
    assert_eq!(*jkt, client.prover.thumbprint());
    assert_snapshot!(client.me(&server, &tokens.access).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "created_at": "2026-11-22T12:00:00.000Z",
      "email": "ada@example.com",
      "id": "[id 2]",
      "username": "ada"
    }
    "#);
    let next = client.refresh(&server, &tokens.refresh).await;
    assert_eq!(next.json["token_type"], "DPoP");
    let next = next.tokens();
    assert_eq!(
        claims_of(&next.access)["cnf"]["jkt"],
        client.prover.thumbprint()
    );
    assert_eq!(client.me(&server, &next.access).await.status, 200);
}

#[tokio::test]
async fn a_bound_refresh_token_is_nothing_without_the_key() {
    let server = Server::start().await;
    let client = Client::new();
    let tokens = client.ada(&server).await;
    assert_snapshot!(server.refresh(&tokens.refresh).await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store
    www-authenticate: DPoP algs="ES256 EdDSA"

    {
      "code": "proof_required",
      "request_id": "[request id]",
      "status": 401,
      "title": "The session is bound to a key; the request must prove that it holds it.",
      "type": "urn:relatch:error:proof_required"
    }
    "#);
    assert_snapshot!(Client::new().refresh(&server, &tokens.refresh).await, @r#"
    400 Bad Request
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "invalid_dpop_proof",
      "detail": "The proof is by another key than the session's.",
      "request_id": "[request id]",
      "status": 400,
      "title": "The proof of possession is not good for this request; `detail` says why.",
      "type": "urn:relatch:error:invalid_dpop_proof"
    }
    "#);
    assert_eq!(client.refresh(&server, &tokens.refresh).await.status, 200);
}

#[tokio::test]
async fn a_bound_access_token_wants_a_proof_for_this_very_request() {
    let server = Server::start().await;
    let client = Client::new();
    let tokens = client.ada(&server).await;
    assert_snapshot!(server.get_as(&tokens.access, "/auth/me").await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store
    www-authenticate: DPoP algs="ES256 EdDSA"

    {
      "code": "proof_required",
      "detail": "The access token is refused: the token is bound to a key and cannot be used as a bearer token.",
      "request_id": "[request id]",
      "status": 401,
      "title": "The session is bound to a key; the request must prove that it holds it.",
      "type": "urn:relatch:error:proof_required"
    }
    "#);
    let other = client.proof(&server, "GET", "/auth/sessions", Some(&tokens.access));
    let me = (Method::GET, "/auth/me");
    let answer = call_with(&server, me, (&tokens.access, &[&other]), "").await;
    assert_snapshot!(answer, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store
    www-authenticate: DPoP error="invalid_dpop_proof", algs="ES256 EdDSA"

    {
      "code": "invalid_dpop_proof",
      "detail": "The proof's htu is not the URL of this request: https://auth.example.com/auth/me",
      "request_id": "[request id]",
      "status": 401,
      "title": "The proof of possession is not good for this request; `detail` says why.",
      "type": "urn:relatch:error:invalid_dpop_proof"
    }
    "#);
}

/// A phone whose clock is off learns so, and that the answer has the time.
#[tokio::test]
async fn a_clock_that_is_off_is_told_apart() {
    let server = Server::start().await;
    let client = Client::new();
    let early = client.proof(&server, "POST", "/auth/register", None);
    server.wait(Duration::from_mins(2));
    let answer = post_with(&server, "/auth/register", "{}", &[&early]).await;
    assert_eq!(answer.faults().len(), 3, "fields come first: {answer}");
    let body = r#"{"username":"ada","email":"ada@example.com","password":"correct horse battery"}"#;
    let answer = post_with(&server, "/auth/register", body, &[&early]).await;
    assert_snapshot!(answer, @r#"
    400 Bad Request
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "invalid_dpop_proof",
      "detail": "The proof's iat is too long ago: the proof is old, or the clock of its sender is slow. The header Date of this answer has the time.",
      "request_id": "[request id]",
      "status": 400,
      "title": "The proof of possession is not good for this request; `detail` says why.",
      "type": "urn:relatch:error:invalid_dpop_proof"
    }
    "#);
    client.ada(&server).await;
}

#[tokio::test]
async fn how_old_a_proof_may_be_is_a_setting() {
    let server = Server::with(|config| config.dpop.max_age = Duration::from_secs(5)).await;
    let client = Client::new();
    let tokens = client.ada(&server).await;
    let proof = client.proof(&server, "GET", "/auth/me", Some(&tokens.access));
    let late = client.proof(&server, "GET", "/auth/me", Some(&tokens.access));
    let me = || (Method::GET, "/auth/me");
    server.wait(Duration::from_secs(5));
    let answer = call_with(&server, me(), (&tokens.access, &[&proof]), "").await;
    assert_eq!(answer.status, 200);
    server.wait(Duration::from_secs(1));
    let answer = call_with(&server, me(), (&tokens.access, &[&late]), "").await;
    assert_eq!((answer.status, answer.code()), (401, "invalid_dpop_proof"));
}

/// And each is good once, for as long as it is good at all.
#[tokio::test]
async fn a_proof_does_not_become_good_again_with_time() {
    let server = Server::start().await;
    let client = Client::new();
    let tokens = client.ada(&server).await;
    let proof = client.proof(&server, "GET", "/auth/me", Some(&tokens.access));
    for (wait, status) in [(0, 200), (0, 401), (59, 401), (1, 401), (1, 401)] {
        server.wait(Duration::from_secs(wait));
        let me = (Method::GET, "/auth/me");
        let answer = call_with(&server, me, (&tokens.access, &[&proof]), "").await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_route_is_in_its_proof_too() {
    let server = Server::start().await;
    let client = Client::new();
    let tokens = client.ada(&server).await;
    let me = (Method::GET, "/auth/me/");
    let answer = client.call(&server, me.clone(), &tokens.access, "").await;
    assert_eq!(answer.status, 200, "{answer}");
    let other = client.proof(&server, "GET", "/auth/me", Some(&tokens.access));
    let answer = call_with(&server, me, (&tokens.access, &[&other]), "").await;
    assert_eq!(answer.code(), "invalid_dpop_proof");
}

#[tokio::test]
async fn only_who_holds_the_key_logs_out() {
    let server = Server::start().await;
    let client = Client::new();
    let tokens = client.ada(&server).await;
    let body = json!({ "refresh_token": tokens.refresh }).to_string();
    let answer = server.post("/auth/logout", &body).await;
    assert_eq!((answer.status, answer.code()), (401, "proof_required"));
    assert_eq!(
        answer.headers["www-authenticate"],
        "DPoP algs=\"ES256 EdDSA\""
    );
    let answer = Client::new().post(&server, "/auth/logout", &body).await;
    assert_eq!((answer.status, answer.code()), (400, "invalid_dpop_proof"));
    for _ in 0..2 {
        let answer = client.post(&server, "/auth/logout", &body).await;
        assert_eq!(answer.status, 200, "{answer}");
    }
    let answer = client.refresh(&server, &tokens.refresh).await;
    assert_eq!(answer.json["reason"], "logout");
}

#[tokio::test]
async fn where_nonces_are_demanded_each_answer_to_a_proof_brings_one() {
    let server = Server::with(|config| config.dpop.nonce_required = true).await;
    let client = Client::new();
    let body = r#"{"username":"ada","email":"ada@example.com","password":"correct horse battery"}"#;
    let answer = client.post(&server, "/auth/register", body).await;
    assert_snapshot!(answer, @r#"
    400 Bad Request
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "use_dpop_nonce",
      "request_id": "[request id]",
      "status": 400,
      "title": "The proof of possession must have the nonce in `DPoP-Nonce`.",
      "type": "urn:relatch:error:use_dpop_nonce"
    }
    "#);
    let nonce = answer.headers["dpop-nonce"].to_str().unwrap().to_owned();
    let url = |path: &str| format!("{ISSUER}{path}");
    let with_nonce = |path: &str, method, token: Option<&str>| {
        let url = url(path);
        let now = server.now().as_seconds();
        let claims = client.prover.claims(Target {
            method,
            url: &url,
            token,
            now,
        });
        let claims = with(claims, "nonce", nonce.as_str().into());
        client.prover.sign(client.prover.header(), claims)
    };
    let proof = with_nonce("/auth/register", "POST", None);
    let answer = post_with(&server, "/auth/register", body, &[&proof]).await;
    assert_eq!(answer.status, 201, "{answer}");
    assert!(answer.headers.contains_key("dpop-nonce"));
    let tokens = answer.tokens();
    let me = || (Method::GET, "/auth/me");
    let answer = client.me(&server, &tokens.access).await;
    assert_eq!((answer.status, answer.code()), (401, "use_dpop_nonce"));
    assert_eq!(
        answer.headers["www-authenticate"],
        "DPoP error=\"use_dpop_nonce\", algs=\"ES256 EdDSA\""
    );
    let proof = with_nonce("/auth/me", "GET", Some(&tokens.access));
    let answer = call_with(&server, me(), (&tokens.access, &[&proof]), "").await;
    assert_eq!(answer.status, 200);
    server.wait(Duration::from_mins(5));
    let proof = with_nonce("/auth/me", "GET", Some(&tokens.access));
    let answer = call_with(&server, me(), (&tokens.access, &[&proof]), "").await;
    assert_eq!(answer.code(), "use_dpop_nonce");
    let answer = server.post("/auth/login", LOGIN).await;
    assert_eq!(
        answer.json["token_type"], "Bearer",
        "without a proof, none is wanted"
    );
    assert!(!answer.headers.contains_key("dpop-nonce"));
}

#[tokio::test]
async fn what_asks_about_a_bound_token_is_told_its_key() {
    let server = Server::start().await;
    let client = Client::new();
    let tokens = client.ada(&server).await;
    let credential = server.resource_server("notes").await;
    let told = server.introspect(&credential, &tokens.access).await;
    assert_eq!(told.json["token_type"], "DPoP");
    assert_eq!(told.json["cnf"]["jkt"], client.prover.thumbprint());
}

/// What our own client in browsers does: a cookie that no script reads, and a key that no script can take along.
#[tokio::test]
async fn a_session_in_a_cookie_may_be_bound_as_well() {
    let server = listing(&[PAGE]).await;
    let client = Client::new();
    let fetch = async |path: &str, cookie: &str, proof: Option<&str>, body: &str| {
        let mut headers = vec![
            ("origin", PAGE),
            ("content-type", "application/json"),
            ("cookie", cookie),
        ];
        headers.extend(proof.map(|proof| ("dpop", proof)));
        server
            .send(Method::POST, path, &headers, body.to_owned())
            .await
    };
    let prove = |path: &str| client.proof(&server, "POST", path, None);
    let proof = prove("/auth/register");
    let answer = fetch("/auth/register", "", Some(&proof), ADA).await;
    assert_eq!(answer.json["token_type"], "DPoP");
    assert!(answer.json["refresh_token"].is_null());
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap();
    for path in ["/auth/refresh", "/auth/logout"] {
        let without = fetch(path, cookie, None, "{}").await;
        assert_eq!((without.status, without.code()), (401, "proof_required"));
        assert!(!without.headers.contains_key("set-cookie"), "{path}");
    }
    let proof = prove("/auth/refresh");
    let next = fetch("/auth/refresh", cookie, Some(&proof), "{}").await;
    assert_eq!(
        (next.status, &next.json["token_type"]),
        (200, &"DPoP".into())
    );
    let proof = prove("/auth/logout");
    let out = fetch("/auth/logout", cookie, Some(&proof), "{}").await;
    assert_eq!(out.status, 200);
    assert!(
        out.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
}
