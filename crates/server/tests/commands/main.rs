//! The command line beside a running server, and between its runs: the real binary for both, and what each sees of the other.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod admin;
mod audit;
mod config;
mod db;
mod doctor;
mod explain;
mod followers;
mod key;
mod master_key;
mod migrate;
mod page;
mod resource_server;
mod restored;
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
mod user;

use support::tool;
