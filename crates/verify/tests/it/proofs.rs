//! Proofs of possession: the ones of RFC 9449, good ones in all their spellings, and those that are wrong in exactly one way.

use std::collections::HashSet;

use relatch_verify::Algorithm;
use relatch_verify::dpop::{
    Nonces, Proof, ProofError, ProofVerifier, Recall, ReplayMemory, Request, TargetUri,
};
use serde_json::{Value, json};
use wrong_tokens::{Prover, Target, proof_cases, with};

use crate::support::{NOW, P256_X, P256_Y, RSA_N, sign_rsa};

const URL: &str = "https://api.example.com/notes/1";

/// RFC 9449, figures 2 and 13.
const FOR_TOKEN_REQUEST: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
const FOR_RESOURCE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
/// Section 6.1.
const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

fn target() -> Target<'static> {
    Target {
        method: "PUT",
        url: URL,
        token: Some("a.b.c"),
        now: NOW,
    }
}

/// What the verifier of the tests says at [`NOW`].
fn verify(proof: &str) -> Result<Proof, ProofError> {
    verify_at(proof, NOW)
}

fn verify_at(proof: &str, now: i64) -> Result<Proof, ProofError> {
    let uri = TargetUri::parse(URL).unwrap();
    let request = Request::new("PUT", &uri).with_token("a.b.c");
    ProofVerifier::new().verify(proof, &request, now)
}

fn provers() -> [Prover; 2] {
    [Prover::ed25519(&[7; 32]), Prover::p256()]
}

#[test]
fn the_proofs_of_rfc_9449_are_accepted() {
    let uri = TargetUri::parse("https://server.example.com/token").unwrap();
    let verifier = ProofVerifier::new();
    let proof = verifier.verify(
        FOR_TOKEN_REQUEST,
        &Request::new("POST", &uri),
        1_562_262_616,
    );
    let proof = proof.unwrap();
    assert_eq!(proof.thumbprint().to_string(), THUMBPRINT);
    assert_eq!((proof.id(), proof.nonce()), ("-BwC3ESc6acc2lTc", None));
    let uri = TargetUri::parse("https://resource.example.org/protectedresource").unwrap();
    let request =
        Request::new("GET", &uri).with_token("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
    let proof = verifier
        .verify(FOR_RESOURCE, &request, 1_562_262_618)
        .unwrap();
    assert_eq!(proof.thumbprint().to_string(), THUMBPRINT);
    let other = Request::new("GET", &uri).with_token("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxV");
    let refused = verifier.verify(FOR_RESOURCE, &other, 1_562_262_618);
    assert_eq!(refused, Err(ProofError::TokenMismatch));
}

#[test]
fn each_wrong_proof_is_refused_for_its_own_reason() {
    for prover in provers() {
        let good = verify(&prover.prove(target())).unwrap();
        assert_eq!(good.thumbprint().to_string(), prover.thumbprint());
        let wrong = proof_cases(&prover, target(), 60)
            .into_iter()
            .filter_map(|case| {
                let answer = verify(&case.proof).err();
                let as_said = answer == Some(case.reason);
                (!as_said).then(|| format!("{}: {answer:?}, not {:?}", case.name, case.reason))
            });
        let wrong: Vec<_> = wrong.collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn each_wrong_proof_differs_from_every_other() {
    let cases = proof_cases(&Prover::p256(), target(), 60);
    let names: HashSet<_> = cases.iter().map(|case| case.name).collect();
    let proofs: HashSet<_> = cases.iter().map(|case| &case.proof).collect();
    assert_eq!((names.len(), proofs.len()), (cases.len(), cases.len()));
    assert!(cases.len() >= 80, "only {} cases", cases.len());
}

/// A reason that no proof can get is a reason that nobody checked. What is not here depends on what came before, or beside it.
#[test]
fn every_reason_is_given_to_some_proof() {
    let cases = proof_cases(&Prover::p256(), target(), 60);
    let given: HashSet<_> = cases.iter().map(|case| case.reason.code()).collect();
    let elsewhere = [
        ProofError::Missing,
        ProofError::Several,
        ProofError::KeyMismatch,
        ProofError::NonceMissing,
        ProofError::NonceInvalid,
        ProofError::Replayed,
        ProofError::MemoryFull,
    ];
    assert_eq!(given.len() + elsewhere.len(), 25, "{given:?}");
    assert!(elsewhere.iter().all(|one| !given.contains(one.code())));
}

#[test]
fn a_proof_is_good_within_its_window_and_not_a_second_longer() {
    let prover = Prover::p256();
    let proof = prover.prove(target());
    for (now, expected) in [
        (NOW - 61, Err(ProofError::InFuture)),
        (NOW - 60, Ok(NOW + 61)),
        (NOW + 60, Ok(NOW + 61)),
        (NOW + 61, Err(ProofError::TooOld)),
    ] {
        assert_eq!(
            verify_at(&proof, now).map(|proof| proof.ends_at()),
            expected
        );
    }
}

#[test]
fn what_says_the_same_in_another_way_is_accepted() {
    let prover = Prover::p256();
    let claims = || prover.claims(target());
    let header =
        |name: &str, value: Value| prover.sign(with(prover.header(), name, value), claims());
    let key = |name: &str, value: Value| header("jwk", with(prover.jwk(), name, value));
    let url = |url: &str| prover.sign(prover.header(), with(claims(), "htu", json!(url)));
    for (what, proof) in [
        (
            "the long form of typ",
            header("typ", json!("application/dpop+jwt")),
        ),
        ("an unknown member", header("x", json!(1))),
        ("another key elsewhere", header("x5c", json!(["MIIB"]))),
        (
            "an address of keys",
            header("jku", json!("https://evil.example/")),
        ),
        ("a kid", header("kid", json!("1"))),
        ("a key with its id", key("kid", json!("1"))),
        ("a key from a browser", key("ext", json!(true))),
        ("a key with a certificate", key("x5c", json!(["MIIB"]))),
        ("a key for verifying", key("key_ops", json!(["verify"]))),
        (
            "an unknown claim",
            prover.sign(prover.header(), with(claims(), "x", json!(1))),
        ),
        (
            "the longest jti",
            prover.sign(
                prover.header(),
                with(claims(), "jti", json!("j".repeat(128))),
            ),
        ),
        ("a query", url("https://api.example.com/notes/1?a=b")),
        ("a fragment", url("https://api.example.com/notes/1#a")),
        ("a port", url("https://api.example.com:443/notes/1")),
        ("capitals", url("HTTPS://API.example.COM/notes/1")),
        ("needless escapes", url("https://api.example.com/%6eotes/1")),
        ("dots", url("https://api.example.com/a/../notes/./1")),
    ] {
        let found = verify(&proof).map(|proof| proof.thumbprint().to_string());
        assert_eq!(found, Ok(prover.thumbprint()), "{what}");
    }
}

/// The name that newer browsers give it (RFC 9864).
#[test]
fn ed25519_goes_by_both_of_its_names() {
    let prover = Prover::ed25519(&[7; 32]);
    let header = with(prover.header(), "alg", json!("Ed25519"));
    assert!(verify(&prover.sign(header, prover.claims(target()))).is_ok());
}

#[test]
fn other_algorithms_are_a_choice() {
    let prover = Prover::p256();
    let jwk = json!({"kty": "RSA", "n": RSA_N, "e": "AQAB"});
    let header = json!({"typ": "dpop+jwt", "alg": "RS256", "jwk": jwk});
    let proof = sign_rsa(header, prover.claims(target()));
    assert_eq!(verify(&proof), Err(ProofError::AlgorithmUnsupported));
    let uri = TargetUri::parse(URL).unwrap();
    let request = Request::new("PUT", &uri).with_token("a.b.c");
    let verifier = ProofVerifier::new().algorithms([Algorithm::Rs256]);
    assert!(verifier.verify(&proof, &request, NOW).is_ok());
    let refused = verifier.verify(&prover.prove(target()), &request, NOW);
    assert_eq!(refused, Err(ProofError::AlgorithmUnsupported));
    assert_eq!(verifier.algorithm_names(), "RS256");
    assert_eq!(ProofVerifier::default().algorithm_names(), "ES256 EdDSA");
}

#[test]
fn a_proof_that_needs_no_token_may_have_the_hash_of_one() {
    let prover = Prover::p256();
    let uri = TargetUri::parse(URL).unwrap();
    let request = Request::new("PUT", &uri);
    let answer = ProofVerifier::new().verify(&prover.prove(target()), &request, NOW);
    assert!(answer.is_ok());
}

/// The point of RFC 7515, appendix A.3, with its halves exchanged.
#[test]
fn a_key_beside_the_curve_is_none() {
    let prover = Prover::p256();
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": P256_Y, "y": P256_X});
    let header = with(prover.header(), "jwk", jwk);
    let refused = verify(&prover.sign(header, prover.claims(target())));
    assert!(matches!(refused, Err(ProofError::KeyInvalid(_))));
}

fn proof_at(prover: &Prover, now: i64) -> Proof {
    let proof = prover.prove(Target { now, ..target() });
    verify_at(&proof, now).unwrap()
}

#[test]
fn a_memory_knows_a_proof_again_until_it_has_ended() {
    let (memory, prover) = (ReplayMemory::new(100), Prover::ed25519(&[7; 32]));
    let proof = proof_at(&prover, NOW);
    assert_eq!(memory.remember(&proof, NOW), Recall::New);
    for now in [NOW, NOW + 60, NOW - 60] {
        assert_eq!(memory.remember(&proof, now), Recall::Seen, "{now}");
    }
    assert_eq!(memory.remember(&proof_at(&prover, NOW), NOW), Recall::New);
    let same_id = with(prover.claims(target()), "jti", json!(proof.id()));
    let other = Prover::ed25519(&[8; 32]);
    let by_another = verify(&other.sign(other.header(), same_id)).unwrap();
    assert_eq!(memory.remember(&by_another, NOW), Recall::New);
    assert_eq!(memory.len(), 3);
    memory.remember(&proof_at(&prover, NOW + 70), NOW + 70);
    assert_eq!(memory.len(), 1, "what has ended is forgotten");
}

#[test]
fn a_full_memory_says_so_and_still_knows_what_it_knows() {
    let (memory, prover) = (ReplayMemory::new(2), Prover::ed25519(&[7; 32]));
    let proofs: Vec<_> = (0..3).map(|_| proof_at(&prover, NOW)).collect();
    let recalls = proofs.iter().map(|proof| memory.remember(proof, NOW));
    assert_eq!(
        recalls.collect::<Vec<_>>(),
        [Recall::New, Recall::New, Recall::Full]
    );
    assert_eq!(memory.remember(&proofs[0], NOW), Recall::Seen);
    assert_eq!(memory.remember(&proofs[2], NOW), Recall::Full);
    let later = proof_at(&prover, NOW + 70);
    assert_eq!(memory.remember(&later, NOW + 70), Recall::New);
}

/// However long it goes on, and whatever the clocks of those who send them say.
#[test]
fn a_memory_does_not_grow_with_time() {
    let (memory, prover) = (ReplayMemory::new(1_000_000), Prover::ed25519(&[7; 32]));
    let mut most = 0;
    for second in 0..400 {
        let now = NOW + second;
        let proof = prover.prove(Target {
            now: now + second % 60,
            ..target()
        });
        memory.remember(&verify_at(&proof, now).unwrap(), now);
        most = most.max(memory.len());
    }
    assert!((60..=130).contains(&most), "{most}");
}

#[test]
fn a_nonce_is_good_where_and_while_it_is() {
    let nonces = Nonces::new(&[7; 32]).lifetime(120);
    let nonce = nonces.issue(NOW);
    let at = |now| nonces.check(Some(&nonce), now);
    assert_eq!([at(NOW), at(NOW + 119), at(NOW - 60)], [Ok(()); 3]);
    for now in [NOW + 120, NOW - 61, i64::MAX, i64::MIN] {
        assert_eq!(at(now), Err(ProofError::NonceInvalid), "{now}");
    }
    assert_eq!(
        Nonces::new(&[8; 32]).check(Some(&nonce), NOW),
        Err(ProofError::NonceInvalid)
    );
    for bad in [
        "",
        "nonce",
        &nonce[1..],
        &format!("{nonce}A"),
        &format!("B{}", &nonce[1..]),
    ] {
        assert_eq!(
            nonces.check(Some(bad), NOW),
            Err(ProofError::NonceInvalid),
            "{bad}"
        );
    }
    assert_eq!(format!("{nonces:?}"), "Nonces");
}
