//! The API as a client sees it: the real router and a real SQLite file, a clock that the test moves, seeded chance.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod browser;
mod contract;
mod server;

mod access;
mod admin;
mod authorization;
mod body;
mod catalogue;
mod cookies;
mod cors;
mod docs;
mod dpop;
mod events;
mod inside;
mod introspect;
mod login;
mod logout;
mod openapi;
mod password;
mod refresh;
mod register;
mod revocations;
mod security;
mod sessions;
mod verify;
mod well_known;
