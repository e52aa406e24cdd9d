//! The proof of work that strangers bring before a password is tried or an account made.

use std::{num::NonZeroU32, time::Duration};

use insta::assert_snapshot;
use relatch::{Config, config::Wanted};
use relatch_core::attempt::{Quota, proof::Challenge};
use serde_json::{Value, json};

use crate::server::{Answer, Server};

fn little_work(config: &mut Config) {
    config.proof_of_work.work.zeros = 1;
    config.proof_of_work.work.cost = NonZeroU32::MIN;
}

async fn always() -> Server {
    Server::with(|config| {
        little_work(config);
        config.proof_of_work.when = Wanted::Always;
    })
    .await
}

/// What solves the challenge of an answer.
fn solved(answer: &Answer) -> Value {
    assert_eq!(
        (answer.status, answer.code()),
        (401, "proof_of_work_required")
    );
    let challenge: Challenge = serde_json::from_value(answer.json["challenge"].clone()).unwrap();
    challenge.solve().unwrap().into()
}

async fn send(server: &Server, path: &str, body: &Value, proof: Value) -> Answer {
    let mut body = body.clone();
    if !proof.is_null() {
        body["proof_of_work"] = proof;
    }
    server.post(path, &body.to_string()).await
}

fn ada() -> (Value, Value) {
    let login = json!({ "username": "ada", "password": "correct horse battery" });
    let mut registration = login.clone();
    registration["email"] = "ada@example.com".into();
    (registration, login)
}

#[tokio::test]
async fn a_stranger_solves_a_challenge_for_each_attempt_and_a_known_device_none() {
    let server = always().await;
    let (registration, login) = ada();
    let asked = send(&server, "/auth/register", &registration, Value::Null).await;
    assert_snapshot!(asked, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store

    {
      "challenge": "[challenge]",
      "code": "proof_of_work_required",
      "request_id": "[request id]",
      "status": 401,
      "title": "A proof of work must come along; `challenge` says which.",
      "type": "urn:relatch:error:proof_of_work_required"
    }
    "#);
    let registered = send(&server, "/auth/register", &registration, solved(&asked)).await;
    assert_eq!(registered.status, 201);
    let asked = send(&server, "/auth/login", &login, Value::Null).await;
    let proof = solved(&asked);
    let mut wrong = login.clone();
    wrong["password"] = "wrong horse".into();
    assert_eq!(
        send(&server, "/auth/login", &wrong, proof.clone())
            .await
            .code(),
        "invalid_credentials"
    );
    let spent = send(&server, "/auth/login", &login, proof).await;
    assert!(spent.json["detail"].is_string(), "{spent}");
    let logged_in = send(&server, "/auth/login", &login, solved(&spent)).await;
    assert_eq!(logged_in.status, 200);
    let mut known = login.clone();
    known["device_token"] = logged_in.json["device_token"].clone();
    assert_eq!(
        send(&server, "/auth/login", &known, Value::Null)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn what_is_no_proof_is_a_fault_of_its_field() {
    let server = always().await;
    for wrong in [json!("nonsense"), json!(""), json!("e30="), json!(1)] {
        let answer = send(&server, "/auth/login", &ada().1, wrong.clone()).await;
        let code = if wrong.is_number() {
            "wrong_type"
        } else {
            "invalid_format"
        };
        assert_eq!(
            answer.faults(),
            [format!("proof_of_work: {code}")],
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn under_strain_it_is_asked_of_strangers_and_else_of_nobody() {
    let server = Server::with(|config| {
        let quota = Quota::new(8, Duration::from_hours(1)).unwrap();
        config.attempts.policy.whole = vec![quota];
        little_work(config);
        config.proof_of_work.when = Wanted::Strained;
    })
    .await;
    let (registration, login) = ada();
    let registered = send(&server, "/auth/register", &registration, Value::Null).await;
    assert_eq!(registered.status, 201);
    for number in 0..5 {
        let guess = json!({ "username": format!("user{number}"), "password": "wrong horse" });
        let answer = send(&server, "/auth/login", &guess, Value::Null).await;
        assert_eq!(answer.code(), "invalid_credentials");
    }
    let asked = send(&server, "/auth/login", &login, Value::Null).await;
    let proof = solved(&asked);
    assert_eq!(
        send(&server, "/auth/login", &login, proof).await.status,
        200
    );
    let mut known = login.clone();
    known["device_token"] = registered.json["device_token"].clone();
    assert_eq!(
        send(&server, "/auth/login", &known, Value::Null)
            .await
            .status,
        200
    );
}
