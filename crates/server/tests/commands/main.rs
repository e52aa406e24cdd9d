//! The command line beside the running binary, and between its runs.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod command;
mod db;

#[path = "../attacks/support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    clippy::expect_used,
    reason = "the attackers' tools, of which a few are needed here"
)]
mod support;
