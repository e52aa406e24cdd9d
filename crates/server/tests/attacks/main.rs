//! Attacks on the running binary from outside, over TCP. Each test is named for the attack that it stops.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod address;
mod admin;
mod body;
mod bound;
mod cookie;
mod crowd;
mod csrf;
mod device;
mod docs;
mod documented;
mod ending;
mod enumeration;
mod feed;
mod forged_access;
mod forged_refresh;
mod guessing;
mod headers;
mod http2;
mod key_turning;
mod keys;
mod limits;
mod misplaced;
mod nodes;
mod plain_http;
mod process;
mod program;
mod proof_of_work;
mod proxies;
mod proxy;
mod race;
mod scan;
mod secrecy;
mod support;
mod theft;
mod tls;
mod value;
mod wire;
