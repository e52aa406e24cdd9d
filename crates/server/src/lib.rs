//! Relatch, an authentication server: users log in and get a short-lived signed access token and a refresh token that
//! turns at every use.
//!
//! This crate is the server around `relatch-core`: configuration, threads, HTTP. [`Relatch`] is a server that is ready;
//! [`serve()`] puts it on its listeners until it is told to stop.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod hashing;
pub mod http;
mod jobs;
pub mod keyring;
pub mod logging;
pub mod serve;
pub mod tls;

pub use app::{Relatch, StartError};
pub use config::Config;
pub use serve::{Listeners, serve};
