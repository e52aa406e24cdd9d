//! Checks the access tokens of a Relatch server with its public keys alone.
//!
//! A resource server needs three things: the issuer's [`KeySet`], a [`Verifier`] that knows which issuer and
//! audience to expect, and the time. Nothing here reads a clock, a file or a socket, so that the same check
//! runs in a server, in a test and in a function at the edge; and nothing here signs.
//!
//! What is checked follows RFC 9068 (JWT profile for access tokens), RFC 7515 (JWS), RFC 7517 (JWK) and the
//! advice of RFC 8725: one algorithm a key, an explicit `typ`, issuer and audience always, no keys from headers.
//!
//! ```
//! use relatch_verify::{KeySet, Verifier, VerifyError};
//!
//! # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026-11","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
//! let keys: KeySet = serde_json::from_str(jwks)?; // the body of GET /.well-known/jwks.json
//! let verifier = Verifier::new("https://auth.example.com", "https://api.example.com").leeway(5);
//! let now = 1_800_000_000; // seconds since 1970
//! assert_eq!(verifier.verify("not a token", &keys, now), Err(VerifyError::TokenMalformed));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod algorithm;
#[cfg(feature = "axum")]
pub mod axum;
mod base64url;
mod cache;
#[cfg(feature = "jwks")]
mod chance;
mod claims;
mod clock;
mod error;
#[cfg(feature = "feed")]
mod feed;
mod json;
mod jwk;
#[cfg(feature = "jwks")]
mod jwks;
pub mod jws;
mod resource_server;
mod revocations;
mod shape;
#[cfg(feature = "jwks")]
pub mod transport;
mod verifier;

pub use algorithm::Algorithm;
pub use claims::{Claims, Confirmation};
pub use clock::{Clock, SystemClock};
pub use error::{KeyError, VerifyError};
#[cfg(feature = "feed")]
pub use feed::Feed;
pub use jwk::{Jwk, KeySet};
#[cfg(feature = "jwks")]
pub use jwks::KeySource;
pub use resource_server::{Builder, ResourceServer};
pub use revocations::{Revocation, Revocations, WhenStale};
#[cfg(feature = "jwks")]
pub use transport::{Client, UrlError};
pub use verifier::Verifier;
