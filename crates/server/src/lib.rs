//! Relatch, an authentication server: users log in and get a short-lived signed access token and a refresh token that
//! turns at every use.
//!
//! This crate is the server around `relatch-core`: configuration, threads, HTTP. [`Relatch`] is a server that is ready;
//! [`serve()`] puts it on its listeners until it is told to stop.
//!
//! # Inside another program
//!
//! [`Relatch::router`] gives its routes to a router of yours, and [`Relatch::protect`] lets in only who logged in there:
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use relatch::{Config, Relatch};
//! use relatch_verify::Claims;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::in_folder("service-data").issued_by("https://app.example.com/auth-server");
//! let relatch = Relatch::open(config).await?;
//! let own = Router::new().route("/hello", get(async |caller: Claims| caller.sub));
//! let app = Router::new().nest("/auth-server", relatch.router()).merge(relatch.protect(own));
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app).with_graceful_shutdown(relatch::signal()).await?;
//! relatch.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! Anything else that is public serves the command `relatch` and its tests, and may change.

mod app;
mod attempts;
mod breached;
#[doc(hidden)]
pub mod cli;
pub mod clock;
pub mod config;
mod database;
mod doctor;
mod entropy;
mod feed;
mod hashing;
#[doc(hidden)]
pub mod http;
mod inside;
mod jobs;
mod key_order;
#[doc(hidden)]
pub mod keyring;
mod logging;
mod memory;
mod open_files;
mod places;
mod resource_servers;
mod serve;
mod tls;

pub use app::{Relatch, StartError};
pub use config::Config;
pub use database::DatabaseError;
pub use keyring::KeysError;
pub use serve::{ListenError, Listeners, serve, signal};
pub use tls::CertificateError;
