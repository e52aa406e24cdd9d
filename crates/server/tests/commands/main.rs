//! The command line beside a running server, and between its runs: the real binary for both, and what each sees of the other.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod command;
mod config;
mod db;
mod explain;
mod page;
mod role;
mod secrecy;
mod session;
#[expect(
    dead_code,
    unused_imports,
    clippy::expect_used,
    reason = "shared with the attacks, which need more of it"
)]
#[path = "../attacks/support/mod.rs"]
mod support;
mod tls;
mod token;
mod tool;
mod user;
