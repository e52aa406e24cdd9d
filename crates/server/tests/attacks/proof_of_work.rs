//! Proofs of work that were made once and are used again, for somebody else, too late, or not at all.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use relatch_core::attempt::proof::Challenge;
use serde_json::{Value, json};

use crate::support::{
    Reply, Server,
    account::{PASSWORD, registration},
    at_once, pause, post,
};

fn start(lifetime: &str) -> Server {
    Server::start(&[
        ("proof_of_work.when", "always"),
        ("proof_of_work.zeros", "1"),
        ("proof_of_work.cost", "10"),
        ("proof_of_work.lifetime", lifetime),
    ])
}

fn log_in(server: &Server, name: &str, proof: Option<&str>) -> Reply {
    let mut body = json!({ "username": name, "password": PASSWORD });
    if let Some(proof) = proof {
        body["proof_of_work"] = proof.into();
    }
    post("/auth/login").json(&body).send(server.address)
}

fn solved(asked: &Reply) -> String {
    asked.is(401, "proof_of_work_required");
    let challenge: Challenge = serde_json::from_value(asked.json()["challenge"].clone()).unwrap();
    challenge.solve().unwrap()
}

/// A proof for a login as Ada. Nobody has that name: what counts is whether the password is looked at.
fn proof(server: &Server) -> String {
    solved(&log_in(server, "ada", None))
}

#[track_caller]
fn is_let_in(reply: &Reply) {
    reply.is(401, "invalid_credentials");
}

#[track_caller]
fn is_asked_again(reply: &Reply) {
    reply.is(401, "proof_of_work_required");
    assert!(!reply.string("detail").is_empty());
}

/// The proof with something changed in it.
fn changed(proof: &str, change: impl Fn(&mut Value)) -> String {
    let mut json = serde_json::from_slice(&STANDARD.decode(proof).unwrap()).unwrap();
    change(&mut json);
    STANDARD.encode(json.to_string())
}

#[test]
fn a_solved_challenge_replayed_is_asked_again() {
    let server = start("5m");
    let proof = proof(&server);
    is_let_in(&log_in(&server, "ada", Some(&proof)));
    for _ in 0..3 {
        is_asked_again(&log_in(&server, "ada", Some(&proof)));
    }
    // Nor in other clothes.
    let spaced = changed(&proof, |json| json["solution"]["time"] = json!(1.5));
    is_asked_again(&log_in(&server, "ada", Some(&spaced)));
    is_asked_again(&log_in(&server, "ada", Some(proof.trim_end_matches('='))));
}

#[test]
fn a_solved_challenge_at_one_moment_in_many_requests_lets_one_of_them_in() {
    let server = start("5m");
    let proof = proof(&server);
    let replies = at_once(32, |_| log_in(&server, "ada", Some(&proof)));
    let let_in = replies
        .iter()
        .filter(|reply| reply.string("code") == "invalid_credentials");
    assert_eq!(let_in.count(), 1);
}

#[test]
fn a_challenge_of_another_account_or_another_route_is_asked_again() {
    let server = start("5m");
    let adas = proof(&server);
    for name in ["bob", "ada2", "ad", "", "ADA\u{0}"] {
        is_asked_again(&log_in(&server, name, Some(&adas)));
    }
    let mut body = registration("ada");
    body["proof_of_work"] = adas.clone().into();
    is_asked_again(&post("/auth/register").json(&body).send(server.address));
    is_let_in(&log_in(&server, "ADA", Some(&adas)));
}

#[test]
fn an_expired_challenge_is_asked_again() {
    let server = start("1s");
    let proof = proof(&server);
    pause(2_100);
    is_asked_again(&log_in(&server, "ada", Some(&proof)));
}

#[test]
fn nobody_makes_his_own_challenge_or_an_easier_one() {
    let server = start("5m");
    let good = proof(&server);
    for change in [
        (|json: &mut Value| json["challenge"]["parameters"]["keyPrefix"] = json!(""))
            as fn(&mut Value),
        |json| json["challenge"]["parameters"]["cost"] = json!(1),
        |json| json["challenge"]["parameters"]["expiresAt"] = json!(9_999_999_999_i64),
        |json| json["challenge"]["parameters"]["nonce"] = json!("00".repeat(16)),
        |json| json["challenge"]["parameters"]["keyLength"] = json!(1),
        |json| json["challenge"]["parameters"]["algorithm"] = json!("SHA-256"),
        |json| json["challenge"]["signature"] = json!(""),
        |json| json["challenge"]["signature"] = json!("00".repeat(32)),
    ] {
        is_asked_again(&log_in(&server, "ada", Some(&changed(&good, change))));
    }
    let of_another_server = proof(&start("5m"));
    is_asked_again(&log_in(&server, "ada", Some(&of_another_server)));
    is_let_in(&log_in(&server, "ada", Some(&good)));
}

#[test]
fn an_unsolved_challenge_is_asked_again() {
    let server = start("5m");
    let mut refused = 0;
    for step in 1..20 {
        let wrong = changed(&proof(&server), |json| {
            let counter = json["solution"]["counter"].as_u64().unwrap();
            json["solution"]["counter"] = json!(counter + step);
        });
        let reply = log_in(&server, "ada", Some(&wrong));
        refused += usize::from(reply.string("code") == "proof_of_work_required");
    }
    // One number in sixteen is right by chance.
    assert!(refused > 10, "{refused} of 19");
}

#[test]
fn a_challenge_tells_nothing_of_whether_there_is_such_a_user() {
    let server = Server::start(&[]);
    server.register("ada");
    let server = server.stop().start(&[("proof_of_work.when", "always")]);
    let shape = |name: &str| {
        let reply = log_in(&server, name, None);
        reply.is(401, "proof_of_work_required");
        let mut json = reply.json();
        for part in ["nonce", "salt", "expiresAt"] {
            json["challenge"]["parameters"][part] = Value::Null;
        }
        json["challenge"]["signature"] = Value::Null;
        json["request_id"] = Value::Null;
        json
    };
    assert_eq!(shape("ada"), shape("bob"));
}
