//! Core mints, `relatch-verify` checks: the two must agree on every claim.

use relatch_core::{
    Entropy,
    key::Algorithm,
    session::Thumbprint,
    token::{AccessClaims, SigningKey, access::Confirmation},
};
use relatch_verify::{KeySet, Verifier, VerifyError};
use uuid::Uuid;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256];

/// The same byte always.
struct Seed(u8);

impl Entropy for Seed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn key(algorithm: Algorithm, seed: u8) -> SigningKey {
    let secret = SigningKey::generate(algorithm, &Seed(seed)).expect("a secret");
    SigningKey::open("k1", algorithm, &secret).expect("opens")
}

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
        scope: "notes:read tags:*",
        roles: &["editor"],
        permissions: &["notes:read", "tags:*"],
        cnf: None,
    }
}

#[test]
fn what_core_mints_the_verifier_reads_claim_by_claim() {
    ALGORITHMS.into_iter().for_each(reads_claim_by_claim);
}

fn reads_claim_by_claim(algorithm: Algorithm) {
    let key = key(algorithm, 7);
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
    assert_eq!(read.roles, ["editor"]);
    assert_eq!(read.scope.as_deref(), Some("notes:read tags:*"));
    assert_eq!(read.permissions, ["notes:read", "tags:*"]);
}

#[test]
fn a_bound_one_names_its_key_and_is_no_bearer_token() {
    let bound = Thumbprint::from_bytes([9; 32]);
    let key = key(Algorithm::EdDsa, 7);
    let keys = KeySet::new(vec![key.jwk().expect("a public key")]).expect("a set");
    let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
    let token = key.mint(&AccessClaims {
        cnf: Some(Confirmation::of(bound)),
        ..claims(1_900)
    });
    let refused = verifier.verify(token.expose(), &keys, 1_500).err();
    assert_eq!(refused, Some(VerifyError::ProofRequired));
    let read = verifier
        .dangerous_accept_bound_without_proof()
        .verify(token.expose(), &keys, 1_500)
        .expect("accepted");
    let jkt = read.cnf.and_then(|cnf| cnf.jkt);
    assert_eq!(jkt, Some(bound.to_string()));
}

#[test]
fn it_is_refused_once_it_has_ended_and_under_another_key() {
    for algorithm in ALGORITHMS {
        let (one, other) = (key(algorithm, 7), key(algorithm, 8));
        let keys =
            |key: &SigningKey| KeySet::new(vec![key.jwk().expect("a public key")]).expect("a set");
        let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
        let token = one.mint(&claims(1_900));
        let is_good = |keys, now| verifier.verify(token.expose(), &keys, now).is_ok();
        assert!(is_good(keys(&one), 1_899), "{algorithm}");
        assert!(!is_good(keys(&one), 1_900), "{algorithm}");
        assert!(!is_good(keys(&other), 1_500), "{algorithm}");
    }
}

#[test]
fn a_secret_of_another_algorithm_is_no_key() {
    for algorithm in ALGORITHMS {
        let secret = SigningKey::generate(algorithm, &Seed(7)).expect("a secret");
        for other in ALGORITHMS.into_iter().filter(|other| *other != algorithm) {
            assert!(
                SigningKey::open("k1", other, &secret).is_none(),
                "{algorithm} {other}"
            );
        }
    }
}
