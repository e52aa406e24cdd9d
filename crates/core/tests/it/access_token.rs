//! Core mints, `relatch-verify` checks: the two must agree on every claim.

use relatch_core::token::{AccessClaims, SigningKey};
use relatch_verify::{KeySet, Verifier};
use uuid::Uuid;

const SEED: [u8; 32] = [7; 32];

fn claims(exp: i64) -> AccessClaims<'static> {
    AccessClaims {
        iss: "https://auth.example.com",
        sub: Uuid::from_u128(1),
        aud: "https://api.example.com",
        client_id: "relatch",
        exp,
        iat: 1_000,
        jti: "a-name",
        sid: Uuid::from_u128(2),
        generation: 3,
        auth_time: 900,
        amr: &["pwd"],
    }
}

#[test]
fn what_core_mints_the_verifier_reads_claim_by_claim() {
    let key = SigningKey::from_seed("k1", &SEED).expect("a seed");
    let keys = KeySet::new(vec![key.jwk().expect("a public key")]).expect("a set");
    let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
    let token = key.mint(&claims(1_900));
    let read = verifier
        .verify(token.expose(), &keys, 1_500)
        .expect("accepted");
    assert_eq!(
        (read.iss.as_str(), read.sub),
        ("https://auth.example.com", Uuid::from_u128(1).to_string())
    );
    assert_eq!(
        (read.aud, read.client_id),
        (
            vec!["https://api.example.com".to_owned()],
            "relatch".to_owned()
        )
    );
    assert_eq!(
        (read.exp, read.iat, read.auth_time),
        (1_900, 1_000, Some(900))
    );
    assert_eq!(
        (read.jti.as_str(), read.sid),
        ("a-name", Some(Uuid::from_u128(2).to_string()))
    );
    assert_eq!(
        (read.generation, read.amr),
        (Some(3), vec!["pwd".to_owned()])
    );
}

#[test]
fn it_is_refused_once_it_has_ended_and_under_another_key() {
    let key = SigningKey::from_seed("k1", &SEED).expect("a seed");
    let other = SigningKey::from_seed("k1", &[8; 32]).expect("a seed");
    let keys =
        |key: &SigningKey| KeySet::new(vec![key.jwk().expect("a public key")]).expect("a set");
    let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
    let token = key.mint(&claims(1_900));
    assert!(verifier.verify(token.expose(), &keys(&key), 1_899).is_ok());
    assert!(verifier.verify(token.expose(), &keys(&key), 1_900).is_err());
    assert!(
        verifier
            .verify(token.expose(), &keys(&other), 1_500)
            .is_err()
    );
}
