//! What the crate promises, seen from outside: the vectors of the RFCs, tokens that are good, and tokens that
//! are wrong in exactly one way.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod accepted;
#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "axum")]
mod bound;
#[cfg(feature = "jwks")]
mod client;
#[cfg(feature = "feed")]
mod feed;
mod fuzz;
#[cfg(feature = "jwks")]
mod jwks;
mod keys;
mod others;
mod permissions;
mod proofs;
mod properties;
mod refused;
mod remembered;
mod support;
mod vectors;
#[cfg(feature = "jwks")]
mod wire;
mod wycheproof;
