//! The Rust client against the real binary: what its users count on, over connections that lose what they carry, in many processes,
//! and when somebody steals or copies what it keeps.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod account;
mod clock;
mod crash;
mod lost_answers;
mod other_servers;
mod processes;
mod proxy;
mod scene;
#[expect(
    dead_code,
    unused_imports,
    clippy::expect_used,
    reason = "shared with the attacks, which need more of it"
)]
#[path = "../attacks/support/mod.rs"]
mod support;
mod theft;
