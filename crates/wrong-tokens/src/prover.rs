//! Who proves to hold a key (RFC 9449): a key, its good proof for any request, and tools to say something else.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::Key;
use crate::issuer::{encode, with};

/// The request that a proof is for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'t> {
    /// The method.
    pub method: &'t str,
    /// The whole URL.
    pub url: &'t str,
    /// The access token that goes with it.
    pub token: Option<&'t str>,
    /// The time, in seconds since 1970.
    pub now: i64,
}

/// A client with a key.
pub struct Prover {
    pub(crate) key: Key,
    algorithm: &'static str,
    jwk: Value,
    count: AtomicU64,
}

impl Prover {
    /// One with the Ed25519 key of this seed.
    ///
    /// # Panics
    /// If the seed is none.
    pub fn ed25519(seed: &[u8; 32]) -> Self {
        let x = encode(Key::public(seed));
        Self::new(
            Key::ed25519("", seed),
            "EdDSA",
            json!({"kty": "OKP", "crv": "Ed25519", "x": x}),
        )
    }

    /// One with a P-256 key that nobody had before.
    ///
    /// # Panics
    /// If there is no chance to be had.
    pub fn p256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)});
        let key = Key::new("", move |message| {
            let signature = pair.sign(&SystemRandom::new(), message);
            signature.unwrap().as_ref().to_vec()
        });
        Self::new(key, "ES256", jwk)
    }

    fn new(key: Key, algorithm: &'static str, jwk: Value) -> Self {
        Self {
            key,
            algorithm,
            jwk,
            count: AtomicU64::new(0),
        }
    }

    /// The public key.
    pub fn jwk(&self) -> Value {
        self.jwk.clone()
    }

    /// The thumbprint of the key (RFC 7638).
    ///
    /// # Panics
    /// Never: the members of the key are texts.
    pub fn thumbprint(&self) -> String {
        // A map of JSON is sorted by name, as the thumbprint wants it.
        encode(digest(&SHA256, self.jwk.to_string().as_bytes()))
    }

    /// The header of the good proof.
    pub fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.jwk})
    }

    /// The claims of the good proof for this request, each time with another `jti`.
    pub fn claims(&self, target: Target<'_>) -> Value {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let url = target.url.split(['?', '#']).next();
        let claims = json!({"jti": format!("proof-{count}"), "htm": target.method, "htu": url, "iat": target.now});
        match target.token {
            Some(token) => with(
                claims,
                "ath",
                encode(digest(&SHA256, token.as_bytes())).into(),
            ),
            None => claims,
        }
    }

    /// The good proof for this request, another one each time.
    pub fn prove(&self, target: Target<'_>) -> String {
        self.sign(self.header(), self.claims(target))
    }

    /// A proof that says this, rightly signed.
    pub fn sign(&self, header: impl ToString, claims: impl ToString) -> String {
        self.key.token(header, claims)
    }
}
