//! Routes behind the layer, for tokens that are bound to a key: what gets in, and what everybody else is told.

use axum::Router;
use axum::body::Body;
use axum::extract::OriginalUri;
use axum::http::{Request, Response, header as name};
use axum::routing::{get, put};
use http_body_util::BodyExt as _;
use relatch_verify::axum::{Authenticate, Permitted};
use relatch_verify::dpop::{Dpop, Nonces, ProofError, Request as About, TargetUri};
use relatch_verify::{Claims, ResourceServer, VerifyError, permission};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use wrong_tokens::{Prover, Target, proof_cases};

use crate::support::{NOW, claims, good, header, keys, sign, verifier, with};

const BASE: &str = "https://api.example.com";

permission! { DeleteNotes = "notes:delete"; }

async fn whoami(claims: Claims) -> String {
    claims.sub
}

async fn delete(_: Permitted<DeleteNotes>) -> &'static str {
    "gone"
}

fn server(dpop: Dpop) -> ResourceServer {
    ResourceServer::builder(verifier())
        .clock(|| NOW)
        .dpop(dpop)
        .keys(keys())
}

fn routes() -> Router {
    Router::new()
        .route("/whoami", get(whoami).put(whoami))
        .route("/delete", put(delete))
}

fn at_base() -> Dpop {
    Dpop::at(BASE).unwrap()
}

fn app() -> Router {
    app_with(at_base())
}

fn app_with(dpop: Dpop) -> Router {
    routes().layer(Authenticate::new(server(dpop)))
}

/// A token that is bound to this key.
fn bound(prover: &Prover) -> String {
    let cnf = json!({"jkt": prover.thumbprint()});
    sign(header(), with(claims(), "cnf", cnf))
}

fn proof(prover: &Prover, method: &str, path: &str, token: &str) -> String {
    prover.prove(Target {
        method,
        url: &format!("{BASE}{path}"),
        token: Some(token),
        now: NOW,
    })
}

async fn send(app: &Router, path: &str, authorization: &str, proofs: &[&str]) -> Response<Body> {
    let mut request = Request::put(path).header(name::AUTHORIZATION, authorization);
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    let request = request.body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

async fn send_bound(app: &Router, path: &str, token: &str, proofs: &[&str]) -> Response<Body> {
    send(app, path, &format!("DPoP {token}"), proofs).await
}

fn challenge(response: &Response<Body>) -> Option<&str> {
    let value = response.headers().get(name::WWW_AUTHENTICATE)?;
    value.to_str().ok()
}

/// Status, code and challenge of a refusal.
async fn refused(response: Response<Body>) -> (u16, String, Option<String>) {
    let told = challenge(&response).map(ToOwned::to_owned);
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let problem: Value = serde_json::from_slice(&body).unwrap();
    (status, problem["code"].as_str().unwrap().to_owned(), told)
}

#[tokio::test]
async fn a_bound_token_gets_in_with_a_proof_and_each_proof_once() {
    let (app, prover) = (app(), Prover::p256());
    let token = bound(&prover);
    let first = proof(&prover, "PUT", "/whoami", &token);
    let response = send_bound(&app, "/whoami?page=2", &token, &[&first]).await;
    assert_eq!(
        (response.status().as_u16(), challenge(&response)),
        (200, None)
    );
    assert!(!response.headers().contains_key("dpop-nonce"));
    let again = send_bound(&app, "/whoami", &token, &[&first]).await;
    let error = again.extensions().get::<VerifyError>().copied();
    assert_eq!(error, Some(VerifyError::Proof(ProofError::Replayed)));
    let (status, code, told) = refused(again).await;
    assert_eq!((status, code.as_str()), (401, "invalid_dpop_proof"));
    assert_eq!(
        told.as_deref(),
        Some(
            r#"DPoP error="invalid_dpop_proof", error_description="The DPoP proof is not valid for this request", algs="ES256 EdDSA""#
        )
    );
    let second = proof(&prover, "PUT", "/whoami", &token);
    for scheme in ["dpop", "DPOP"] {
        let proofs = [second.as_str()];
        let response = send(&app, "/whoami", &format!("{scheme} {token}"), &proofs).await;
        assert_eq!(response.status(), if scheme == "dpop" { 200 } else { 401 });
    }
}

#[tokio::test]
async fn a_token_that_is_not_bound_goes_on_as_bearer_and_never_with_a_proof() {
    let (app, prover) = (app(), Prover::p256());
    let token = good();
    let response = send(&app, "/whoami", &format!("Bearer {token}"), &[]).await;
    assert_eq!(response.status(), 200);
    let proof = proof(&prover, "PUT", "/whoami", &token);
    let response = send_bound(&app, "/whoami", &token, &[&proof]).await;
    let error = response.extensions().get::<VerifyError>().copied();
    assert_eq!(error, Some(VerifyError::NotBound));
    let (status, code, told) = refused(response).await;
    assert_eq!((status, code.as_str()), (401, "invalid_token"));
    assert!(told.unwrap().starts_with(r#"DPoP error="invalid_token""#));
}

/// Though it was let in with a proof a moment ago, and is remembered.
#[tokio::test]
async fn a_bound_token_is_never_a_bearer_token() {
    let (app, prover) = (app(), Prover::p256());
    let token = bound(&prover);
    let proof_now = proof(&prover, "PUT", "/whoami", &token);
    assert_eq!(
        send_bound(&app, "/whoami", &token, &[&proof_now])
            .await
            .status(),
        200
    );
    let more = proof(&prover, "PUT", "/whoami", &token);
    for proofs in [&[][..], &[more.as_str()]] {
        let response = send(&app, "/whoami", &format!("Bearer {token}"), proofs).await;
        let (status, code, told) = refused(response).await;
        assert_eq!((status, code.as_str()), (401, "invalid_token"));
        assert_eq!(
            told.as_deref(),
            Some(
                r#"DPoP error="invalid_token", error_description="The access token is bound to a key", algs="ES256 EdDSA""#
            )
        );
    }
}

#[tokio::test]
async fn no_wrong_proof_gets_in() {
    let (app, prover) = (app(), Prover::p256());
    let token = bound(&prover);
    let target = Target {
        method: "PUT",
        url: "https://api.example.com/whoami",
        token: Some(&token),
        now: NOW,
    };
    for case in proof_cases(&prover, target, 60) {
        let response = send_bound(&app, "/whoami", &token, &[&case.proof]).await;
        let error = response.extensions().get::<VerifyError>().copied();
        assert_eq!(
            error,
            Some(VerifyError::Proof(case.reason)),
            "{}",
            case.name
        );
        assert_eq!(response.status(), 401, "{}", case.name);
    }
    let thief = Prover::p256();
    let (good, thiefs) = (prover.prove(target), thief.prove(target));
    for (proofs, reason) in [
        (&[][..], ProofError::Missing),
        (&[good.as_str(), good.as_str()], ProofError::Several),
        (&[good.as_str(), thiefs.as_str()], ProofError::Several),
        (&[thiefs.as_str()], ProofError::KeyMismatch),
    ] {
        let response = send_bound(&app, "/whoami", &token, proofs).await;
        let error = response.extensions().get::<VerifyError>().copied();
        assert_eq!(error, Some(VerifyError::Proof(reason)));
        let (status, code, told) = refused(response).await;
        assert_eq!((status, code.as_str()), (401, "invalid_dpop_proof"));
        assert!(
            told.unwrap()
                .starts_with(r#"DPoP error="invalid_dpop_proof""#)
        );
    }
    assert_eq!(
        send_bound(&app, "/whoami", &token, &[&good]).await.status(),
        200
    );
}

#[tokio::test]
async fn a_token_bound_by_another_method_is_opened_by_no_proof() {
    let (app, prover) = (app(), Prover::p256());
    for cnf in [
        json!({"x5t#S256": prover.thumbprint()}),
        json!({}),
        json!({"jkt": "?"}),
    ] {
        let token = sign(header(), with(claims(), "cnf", cnf));
        let proof = proof(&prover, "PUT", "/whoami", &token);
        let response = send_bound(&app, "/whoami", &token, &[&proof]).await;
        let error = response.extensions().get::<VerifyError>().copied();
        assert_eq!(error, Some(VerifyError::Proof(ProofError::KeyMismatch)));
    }
}

#[tokio::test]
async fn whoever_has_nothing_is_told_both_ways() {
    let app = app();
    for authorization in ["", "Basic YTpi", "DPoPabc"] {
        let (status, _, told) = refused(send(&app, "/whoami", authorization, &[]).await).await;
        assert_eq!(status, 401);
        assert_eq!(told.as_deref(), Some(r#"Bearer, DPoP algs="ES256 EdDSA""#));
    }
    for authorization in ["DPoP", "DPoP ", "DPoP a b", "DPoP a, b"] {
        let (status, code, _) = refused(send(&app, "/whoami", authorization, &[]).await).await;
        assert_eq!((status, code.as_str()), (400, "invalid_request"));
    }
}

#[tokio::test]
async fn what_a_bound_token_does_not_permit_is_told_by_its_scheme() {
    let (app, prover) = (app(), Prover::p256());
    let token = bound(&prover);
    let proof = proof(&prover, "PUT", "/delete", &token);
    let response = send_bound(&app, "/delete", &token, &[&proof]).await;
    assert_eq!(response.status(), 403);
    assert_eq!(
        challenge(&response),
        Some(r#"DPoP error="insufficient_scope", scope="notes:delete", algs="ES256 EdDSA""#)
    );
    let response = send(&app, "/delete", &format!("Bearer {}", good()), &[]).await;
    assert_eq!(
        challenge(&response),
        Some(r#"Bearer error="insufficient_scope", scope="notes:delete""#)
    );
}

#[tokio::test]
async fn a_nonce_is_given_out_and_then_good() {
    let nonces = Nonces::new(&[7; 32]);
    let (app, prover) = (app_with(at_base().nonces(nonces)), Prover::p256());
    let token = bound(&prover);
    let target = |now| Target {
        method: "PUT",
        url: "https://api.example.com/whoami",
        token: Some(&token),
        now,
    };
    let without = prover.prove(target(NOW));
    let response = send_bound(&app, "/whoami", &token, &[&without]).await;
    let nonce = response.headers()["dpop-nonce"]
        .to_str()
        .unwrap()
        .to_owned();
    let (status, code, told) = refused(response).await;
    assert_eq!((status, code.as_str()), (401, "use_dpop_nonce"));
    assert!(told.unwrap().starts_with(r#"DPoP error="use_dpop_nonce""#));
    let elsewhere = Nonces::new(&[8; 32]).issue(NOW);
    let old = Nonces::new(&[7; 32]).issue(NOW - 300);
    for (nonce, status) in [(elsewhere, 401), (old, 401), (nonce, 200)] {
        let claims = with(prover.claims(target(NOW)), "nonce", nonce.into());
        let proof = prover.sign(prover.header(), claims);
        let response = send_bound(&app, "/whoami", &token, &[&proof]).await;
        assert_eq!(response.status(), status);
        assert!(response.headers().contains_key("dpop-nonce"));
    }
    let response = send(&app, "/whoami", &format!("Bearer {}", good()), &[]).await;
    assert!(!response.headers().contains_key("dpop-nonce"));
}

/// A proof that nobody can tell from a repeated one is not let in; bearer tokens are none the worse.
#[tokio::test]
async fn a_full_memory_refuses_bound_tokens_alone() {
    let (app, prover) = (app_with(at_base().remembered_proofs(1)), Prover::p256());
    let token = bound(&prover);
    let proofs: Vec<_> = (0..2)
        .map(|_| proof(&prover, "PUT", "/whoami", &token))
        .collect();
    assert_eq!(
        send_bound(&app, "/whoami", &token, &[&proofs[0]])
            .await
            .status(),
        200
    );
    let response = send_bound(&app, "/whoami", &token, &[&proofs[1]]).await;
    assert_eq!(response.headers()["retry-after"], "1");
    let (status, code, told) = refused(response).await;
    assert_eq!((status, code.as_str(), told), (503, "unavailable", None));
    let response = send(&app, "/whoami", &format!("Bearer {}", good()), &[]).await;
    assert_eq!(response.status(), 200);
}

/// Of strangers nothing is remembered: neither with a bad token, nor with the token of somebody else.
#[tokio::test]
async fn nobody_without_token_and_key_fills_the_memory() {
    let (app, prover) = (app_with(at_base().remembered_proofs(1)), Prover::p256());
    let (token, thief) = (bound(&prover), Prover::p256());
    for bad in ["garbage", &good(), &token] {
        let proof = proof(&thief, "PUT", "/whoami", bad);
        assert_eq!(
            send_bound(&app, "/whoami", bad, &[&proof]).await.status(),
            401
        );
    }
    let proof = proof(&prover, "PUT", "/whoami", &token);
    assert_eq!(
        send_bound(&app, "/whoami", &token, &[&proof])
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn the_url_is_the_configured_one_whatever_host_says() {
    let prover = Prover::p256();
    let token = bound(&prover);
    let ask = async |app: &Router, url: &str, host: &str| {
        let proof = prover.prove(Target {
            method: "GET",
            url,
            token: Some(&token),
            now: NOW,
        });
        let request = Request::get("/whoami")
            .header("host", host)
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof);
        let request = request.body(Body::empty()).unwrap();
        app.clone()
            .oneshot(request)
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let (mine, evil) = (
        "https://api.example.com/whoami",
        "https://evil.example/whoami",
    );
    let fixed = app();
    assert_eq!(ask(&fixed, mine, "evil.example").await, 200);
    assert_eq!(ask(&fixed, evil, "evil.example").await, 401);
    let open = app_with(Dpop::dangerous_at_host_of_request());
    assert_eq!(ask(&open, mine, "api.example.com").await, 200);
    assert_eq!(ask(&open, evil, "evil.example").await, 200);
    assert_eq!(ask(&open, mine, "evil.example").await, 401);
    assert_eq!(
        ask(&open, "http://api.example.com/whoami", "api.example.com").await,
        401
    );
}

#[tokio::test]
async fn below_a_prefix_the_base_has_it_or_the_path_does() {
    let prover = Prover::p256();
    let token = bound(&prover);
    let below = Dpop::at("https://api.example.com/v1/").unwrap();
    let by_base = Authenticate::new(server(below));
    let by_path = Authenticate::new(server(at_base())).path_from(|request| {
        let original = request.extensions.get::<OriginalUri>();
        original.map_or(request.uri.path(), |OriginalUri(uri)| uri.path())
    });
    for layer in [by_base, by_path] {
        let app = Router::new().nest("/v1", routes().layer(layer));
        let good = proof(&prover, "PUT", "/v1/whoami", &token);
        assert_eq!(
            send_bound(&app, "/v1/whoami", &token, &[&good])
                .await
                .status(),
            200
        );
        let other = proof(&prover, "PUT", "/whoami", &token);
        assert_eq!(
            send_bound(&app, "/v1/whoami", &token, &[&other])
                .await
                .status(),
            401
        );
    }
}

#[test]
fn a_base_that_is_no_url_is_refused() {
    for bad in [
        "",
        "api.example.com",
        "ftp://api.example.com",
        "https://me@api.example.com",
    ] {
        assert!(Dpop::at(bad).is_err(), "{bad}");
    }
}

/// Without axum, and without anything said of proofs.
#[tokio::test]
async fn a_server_that_knows_no_proofs_takes_none() {
    let prover = Prover::p256();
    let token = bound(&prover);
    let server = ResourceServer::builder(verifier())
        .clock(|| NOW)
        .keys(keys());
    let uri = TargetUri::parse("https://api.example.com/whoami").unwrap();
    let proof = proof(&prover, "GET", "/whoami", &token);
    let answer = server
        .verify_with_proof(&token, &proof, &About::new("GET", &uri))
        .await;
    assert_eq!(answer.err(), Some(VerifyError::ProofRequired));
    let layer = Authenticate::new(server);
    let response = send_bound(&routes().layer(layer), "/whoami", &token, &[&proof]).await;
    assert_eq!(challenge(&response), Some("Bearer"));
}
