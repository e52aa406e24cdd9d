//! Access tokens that are wrong in exactly one way, each with the reason for which it must be refused: for the tests of whoever
//! checks tokens, whatever the key, the issuer and the audience. Never published.
//!
//! ```
//! use relatch_verify::{Jwk, KeySet, Verifier};
//! use serde_json::json;
//! use wrong_tokens::{Issuer, Key};
//!
//! let claims = json!({"iss": "https://auth.example.com", "aud": "https://api.example.com", "sub": "alice",
//!     "client_id": "relatch", "iat": 1_800_000_000, "exp": 1_800_000_900, "jti": "1"});
//! let issuer = Issuer::new(Key::ed25519("k", &[7; 32]), claims);
//!
//! let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
//! let keys = KeySet::new(vec![Jwk::ed25519("k", &Key::public(&[7; 32])).unwrap()]).unwrap();
//! for case in wrong_tokens::cases(&issuer) {
//!     assert_eq!(verifier.verify(&case.token, &keys, 1_800_000_000), Err(case.reason), "{}", case.name);
//! }
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "it serves tests, which fail by panicking"
)]

mod header;
mod issuer;
mod key;
mod payload;
mod proof;
mod prover;
mod structure;

use relatch_verify::VerifyError;

pub use issuer::{Issuer, Key, decode, encode, signing_input, with};
pub use proof::{ProofCase, cases as proof_cases};
pub use prover::{Prover, Target};

/// A token that must be refused.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is wrong with it.
    pub name: &'static str,
    /// The whole of it.
    pub token: String,
    /// Why it must be refused.
    pub reason: VerifyError,
}

impl Case {
    /// Whether it can come as `Authorization: Bearer` at all, by the characters that are allowed there (RFC 6750, section 2.1).
    ///
    /// Over HTTP the others are malformed requests, and not tokens.
    pub fn is_bearer(&self) -> bool {
        let bare = self.token.trim_end_matches('=');
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        !bare.is_empty() && bare.bytes().all(good)
    }
}

/// All of them: each differs in one thing from [`Issuer::good`].
///
/// Those that need a P-256 or an RSA key are left out where the issuer has none.
pub fn cases(issuer: &Issuer) -> Vec<Case> {
    let groups = [
        structure::cases(issuer),
        header::cases(issuer),
        key::cases(issuer),
        payload::cases(issuer),
    ];
    let case = |(name, token, reason)| Case {
        name,
        token,
        reason,
    };
    groups.into_iter().flatten().map(case).collect()
}

/// What is wrong, the token, and the reason that must be given: one line of a table.
type Row = (&'static str, String, VerifyError);
