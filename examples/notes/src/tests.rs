//! The API with tokens that the test signs itself: how a service tests its authentication without any server.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http_body_util::BodyExt as _;
use relatch_verify::dpop::{Dpop, token_hash};
use relatch_verify::{Jwk, KeySet, ResourceServer, Verifier};
use serde_json::{Value, json};
use tower::ServiceExt as _;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://auth.example.com";

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

fn api() -> Router {
    let key = Jwk::ed25519("k", pair().public_key().as_ref().try_into().unwrap()).unwrap();
    let verifier = Verifier::new(ISSUER, ISSUER);
    let dpop = Dpop::at("https://notes.example.com").unwrap();
    let server = ResourceServer::builder(verifier).clock(|| NOW).dpop(dpop);
    let store = crate::store::Store::of(rusqlite::Connection::open_in_memory().unwrap());
    crate::app(server.keys(KeySet::new(vec![key]).unwrap()), store.unwrap())
}

fn token(user: &str, permissions: &[&str]) -> String {
    sign(&pair(), &token_header(), &claims(user, permissions))
}

fn token_header() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k"})
}

fn claims(user: &str, permissions: &[&str]) -> Value {
    json!({
        "iss": ISSUER, "aud": ISSUER, "sub": user, "client_id": "relatch", "jti": "1",
        "iat": NOW, "exp": NOW + 900, "permissions": permissions,
    })
}

fn sign(pair: &Ed25519KeyPair, header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = pair.sign(input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Status and body of the answer to a request with this token.
async fn send(api: &Router, token: &str, call: (Method, &str), body: Value) -> (u16, Value) {
    let request = Request::builder()
        .method(call.0)
        .uri(call.1)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(body.to_string()));
    let response = api.clone().oneshot(request.unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn a_note_from_its_beginning_to_its_end() {
    let api = api();
    let alice = token("alice", &["notes:*"]);
    let note = json!({"id": 1, "text": "milk", "owner": "alice"});
    let draft = json!({"text": "milk"});
    assert_eq!(
        send(&api, &alice, (Method::POST, "/notes"), draft).await,
        (201, note.clone())
    );
    assert_eq!(
        send(&api, &alice, (Method::GET, "/notes"), json!(null)).await,
        (200, json!([note]))
    );
    let other = json!({"id": 1, "text": "bread", "owner": "alice"});
    let draft = json!({"text": "bread"});
    assert_eq!(
        send(&api, &alice, (Method::PUT, "/notes/1"), draft).await,
        (200, other.clone())
    );
    assert_eq!(
        send(&api, &alice, (Method::GET, "/notes/1"), json!(null)).await,
        (200, other)
    );
    assert_eq!(
        send(&api, &alice, (Method::DELETE, "/notes/1"), json!(null))
            .await
            .0,
        204
    );
    assert_eq!(
        send(&api, &alice, (Method::GET, "/notes/1"), json!(null))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn notes_of_others_are_not_there() {
    let api = api();
    let draft = json!({"text": "secret"});
    send(
        &api,
        &token("alice", &["notes:*"]),
        (Method::POST, "/notes"),
        draft.clone(),
    )
    .await;
    let bob = token("bob", &["notes:*"]);
    assert_eq!(
        send(&api, &bob, (Method::GET, "/notes"), json!(null)).await,
        (200, json!([]))
    );
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        assert_eq!(
            send(&api, &bob, (method, "/notes/1"), draft.clone())
                .await
                .0,
            404
        );
    }
}

/// What somebody may do with all notes, the permission of that name says, each action by itself.
#[tokio::test]
async fn notes_of_others_are_there_for_whom_that_is_permitted() {
    let api = api();
    let alice = token("alice", &["notes:*"]);
    send(&api, &alice, (Method::POST, "/notes"), json!({"text": "x"})).await;
    let auditor = token("carol", &["notes:*", "all-notes:read"]);
    let all = send(&api, &auditor, (Method::GET, "/notes"), json!(null)).await;
    assert_eq!(
        all,
        (200, json!([{"id": 1, "text": "x", "owner": "alice"}]))
    );
    let delete = || (Method::DELETE, "/notes/1");
    assert_eq!(send(&api, &auditor, delete(), json!(null)).await.0, 404);
    let only_all = token("carol", &["all-notes:delete"]);
    assert_eq!(send(&api, &only_all, delete(), json!(null)).await.0, 403);
    let keeper = token("carol", &["notes:delete", "all-notes:delete"]);
    assert_eq!(send(&api, &keeper, delete(), json!(null)).await.0, 204);
}

/// Each route and the one permission that opens it.
#[tokio::test]
async fn each_route_wants_its_own_permission() {
    let api = api();
    let all = ["notes:create", "notes:read", "notes:update", "notes:delete"];
    let routes = [
        (Method::POST, "/notes", "notes:create"),
        (Method::GET, "/notes", "notes:read"),
        (Method::GET, "/notes/1", "notes:read"),
        (Method::PUT, "/notes/1", "notes:update"),
        (Method::DELETE, "/notes/1", "notes:delete"),
    ];
    for (method, path, permission) in routes {
        let call = || (method.clone(), path);
        let draft = || json!({"text": "x"});
        let others: Vec<_> = all
            .into_iter()
            .filter(|other| *other != permission)
            .collect();
        assert_eq!(
            send(&api, &token("alice", &others), call(), draft())
                .await
                .0,
            403
        );
        assert_eq!(send(&api, "no token", call(), draft()).await.0, 400);
        assert_eq!(send(&api, "x.y.z", call(), draft()).await.0, 401);
        assert!(
            send(&api, &token("alice", &[permission]), call(), draft())
                .await
                .0
                < 300,
            "{path}"
        );
    }
}

/// A token that is bound to a key of the client's, with a proof of it for this request.
#[tokio::test]
async fn a_bound_token_comes_with_a_proof_and_not_without() {
    let client = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
    let x = URL_SAFE_NO_PAD.encode(client.public_key().as_ref());
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
    let key: Jwk = serde_json::from_value(jwk.clone()).unwrap();
    let mut bound = claims("alice", &["notes:*"]);
    bound["cnf"] = json!({"jkt": key.thumbprint().to_string()});
    let token = sign(&pair(), &token_header(), &bound);
    let proof = sign(
        &client,
        &json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk}),
        &json!({
            "jti": "1", "htm": "GET", "htu": "https://notes.example.com/notes", "iat": NOW, "ath": token_hash(&token),
        }),
    );
    let api = api();
    let ask = async |scheme: &str| {
        let request = Request::get("/notes")
            .header(header::AUTHORIZATION, format!("{scheme} {token}"))
            .header("DPoP", &proof)
            .body(Body::empty());
        let answer = api.clone().oneshot(request.unwrap()).await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(ask("Bearer").await, 401);
    assert_eq!(ask("DPoP").await, 200);
    assert_eq!(ask("DPoP").await, 401, "a proof is good once");
}
