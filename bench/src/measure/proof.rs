//! What checking a proof of possession takes: the signature and its key alone, the whole proof, and a request with a token that is
//! known. In this process, on one thread.

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, VerificationAlgorithm,
};
use relatch_verify::dpop::{Dpop, ProofVerifier, Request, TargetUri};
use relatch_verify::{Jwk, KeySet, ResourceServer, Verifier};
use serde_json::json;
use wrong_tokens::{Issuer, Key, Prover, Target, decode, with};

use crate::failure::{Failure, Result};
use crate::load::median;
use crate::report::Report;

const NOW: i64 = 1_800_000_000;
const URL: &str = "https://api.example.com/notes/1";
const ROUNDS: usize = 40;
/// How many things of a kind are done in one round.
const BATCH: usize = 250;

/// Measures, and writes it down.
///
/// # Errors
/// It could not be carried out.
pub(super) fn note(report: &mut Report) -> Result<()> {
    let p256 = Costs::of(&Prover::p256(), &ECDSA_P256_SHA256_FIXED)?;
    let ed25519 = Costs::of(&Prover::ed25519(&[7; 32]), &ED25519)?;
    let remark = "a known token, as bearer";
    report.remark("check_us", p256.bearer, remark);
    report.remark(
        "check_with_proof_us",
        p256.proven,
        "the same with a proof, ES256",
    );
    report.remark("check_with_ed25519_us", ed25519.proven, "the same, Ed25519");
    report.remark("proof_us", p256.proof, "the proof alone, ES256");
    report.remark("proof_bare_us", p256.bare, "its key and signature alone");
    report.remark(
        "proof_ed25519_us",
        ed25519.proof,
        "the proof alone, Ed25519",
    );
    let remark = "its key and signature alone";
    report.remark("proof_ed25519_bare_us", ed25519.bare, remark);
    report.remark("proof_to_bare", p256.proof / p256.bare, "ES256");
    Ok(())
}

/// Microseconds.
struct Costs {
    bare: f64,
    proof: f64,
    bearer: f64,
    proven: f64,
}

impl Costs {
    fn of(prover: &Prover, algorithm: &'static dyn VerificationAlgorithm) -> Result<Self> {
        let uri = TargetUri::parse(URL).map_err(|_| told("a URL"))?;
        let (server, unbound, bound) = server(prover)?;
        let point = point(prover);
        let verifier = ProofVerifier::new();
        let request = Request::new("GET", &uri).with_token(&bound);
        let mut rounds: [Vec<f64>; 4] = Default::default();
        for _ in 0..ROUNDS {
            let proofs: Vec<_> = (0..BATCH).map(|_| prover.prove(target(&bound))).collect();
            let signed: Vec<_> = proofs.iter().map(|proof| taken_apart(proof)).collect();
            let taken = [
                each(&signed, |(input, signature)| {
                    let key = ParsedPublicKey::new(algorithm, &point);
                    key.is_ok_and(|key| key.verify_sig(input.as_bytes(), signature).is_ok())
                })?,
                each(&proofs, |proof| {
                    verifier.verify(proof, &request, NOW).is_ok()
                })?,
                each(&proofs, |_| server.check(&unbound).is_ok())?,
                each(&proofs, |proof| {
                    server.check_with_proof(&bound, proof, &request).is_ok()
                })?,
            ];
            for (round, taken) in rounds.iter_mut().zip(taken) {
                round.push(taken);
            }
        }
        let [bare, proof, bearer, proven] = rounds.map(median);
        Ok(Self {
            bare,
            proof,
            bearer,
            proven,
        })
    }
}

fn target(token: &str) -> Target<'_> {
    Target {
        method: "GET",
        url: URL,
        token: Some(token),
        now: NOW,
    }
}

/// A server that knows both tokens: one that is bound to nothing, and one that is bound to this key.
fn server(prover: &Prover) -> Result<(ResourceServer, String, String)> {
    let claims = json!({
        "iss": "https://auth.example.com", "aud": "https://api.example.com", "sub": "0192f0c1-2e6b-7c7e-8000-000000000001",
        "client_id": "relatch", "iat": NOW, "exp": NOW + 900, "jti": "k3Jq0v1yTq2c8mY5x", "sid": "0192f0c1-2e6b-7c7e-9000-000000000001",
    });
    let issuer = |claims| Issuer::new(Key::ed25519("k", &[9; 32]), claims).good();
    let cnf = json!({ "jkt": prover.thumbprint() });
    let (unbound, bound) = (issuer(claims.clone()), issuer(with(claims, "cnf", cnf)));
    let key = Jwk::ed25519("k", &Key::public(&[9; 32])).map_err(|_| told("a key"))?;
    let keys = KeySet::new(vec![key]).map_err(|_| told("a set of keys"))?;
    let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
    let dpop = Dpop::at("https://api.example.com").map_err(|_| told("a base"))?;
    let server = ResourceServer::builder(verifier)
        .clock(|| NOW)
        .dpop(dpop)
        .keys(keys);
    Ok((server, unbound, bound))
}

/// The public key as the library takes it.
fn point(prover: &Prover) -> Vec<u8> {
    let jwk = prover.jwk();
    let number = |name: &str| jwk.get(name).and_then(|text| text.as_str()).map(decode);
    match (number("x"), number("y")) {
        (Some(x), Some(y)) => [vec![4], x, y].concat(),
        (x, _) => x.unwrap_or_default(),
    }
}

/// What is signed, and the signature.
fn taken_apart(proof: &str) -> (&str, Vec<u8>) {
    let (input, signature) = proof.rsplit_once('.').unwrap_or_default();
    (input, decode(signature))
}

/// Microseconds that `check` takes for one of them; all must be good.
fn each<T>(all: &[T], check: impl Fn(&T) -> bool) -> Result<f64> {
    let start = Instant::now();
    let good = all.iter().filter(|one| black_box(check(black_box(one))));
    if good.count() < all.len() {
        return Err(told("a good proof"));
    }
    let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
    Ok(start.elapsed().as_secs_f64() * 1e6 / f64::from(count))
}

fn told(what: &str) -> Failure {
    Failure::Told(format!("{what} could not be had"))
}
