//! Attacks on the running binary from outside, over TCP. Each test is named for the attack that it stops.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

mod ending;
mod forgery;
mod input;
mod keys;
mod race;
mod theft;
