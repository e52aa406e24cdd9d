//! Sessions that are bound to a key (RFC 9449): what they want proven, and what is answered where it is not.

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};
use wrong_tokens::{Prover, Target};

use crate::server::{Answer, Server, Tokens, decode};

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
