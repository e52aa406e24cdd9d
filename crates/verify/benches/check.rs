//! What checking a token costs, in full and when it comes again: `cargo bench -p relatch-verify`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement fails by panicking and tells by printing"
)]

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relatch_verify::{Jwk, KeySet, ResourceServer, Verifier};

const NOW: i64 = 1_800_000_000;

fn main() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let key = Jwk::ed25519("2026-11", pair.public_key().as_ref().try_into().unwrap()).unwrap();
    let tokens: Vec<_> = (0..1000).map(|n| token(&pair, n)).collect();
    println!(
        "a token of {} bytes, mean of 100,000",
        tokens.first().unwrap().len()
    );
    for (name, remembered) in [("in full", 0), ("again", 10_000)] {
        let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
        let builder = ResourceServer::builder(verifier).clock(|| NOW);
        let server = builder
            .cached_tokens(remembered)
            .keys(KeySet::new(vec![key.clone()]).unwrap());
        for token in &tokens {
            server.check(token).unwrap();
        }
        let start = Instant::now();
        for token in tokens.iter().cycle().take(100_000) {
            black_box(server.check(black_box(token)).unwrap());
        }
        let nanos = start.elapsed().as_nanos() / 100_000;
        println!("{name}: {nanos} ns");
    }
}

/// A token with all that the server writes.
fn token(pair: &Ed25519KeyPair, n: u32) -> String {
    let header = r#"{"alg":"EdDSA","typ":"at+jwt","kid":"2026-11"}"#;
    let claims = format!(
        r#"{{"iss":"https://auth.example.com","sub":"0192f0c1-2e6b-7c7e-8000-00000000{n:04}","aud":"https://api.example.com","client_id":"relatch","exp":{},"iat":{NOW},"jti":"k3Jq0v1yTq2c8mY5xW7bZg","sid":"0192f0c1-2e6b-7c7e-8000-000000000001","gen":7,"auth_time":{NOW},"amr":["pwd"],"scope":"openid","roles":["editor"],"permissions":["notes:create","notes:read","notes:update","notes:delete"]}}"#,
        NOW + 900
    );
    let input = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = pair.sign(input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}
