//! Sessions with a [Relatch](https://github.com/relatch/relatch) server, for command-line and native apps in Rust: log in once, and
//! have a good access token whenever one is needed, in every process of the program, until the user logs out.
//!
//! # Five minutes
//!
//! ```no_run
//! use relatch_client::{Client, FileStore, Login};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let client = Client::builder("https://auth.example.com")
//!         .store(FileStore::new("/home/ada/.local/state/notes/session.json"))
//!         .build()?;
//!     client.login(Login::new("ada", "a long enough password").remember_me()).await?;
//!
//!     // In this process or another one, today or next week:
//!     let request = http::Request::get("https://api.example.com/notes").body(Vec::new())?;
//!     let answer = client.fetch(request).await?;
//!     println!("{}", String::from_utf8_lossy(answer.body()));
//!
//!     client.logout().await?;
//!     Ok(())
//! }
//! ```
//!
//! With an HTTP client of your own: [`Client::authorize`] gives the headers, [`Client::retry`] says what a refusal means.
//!
//! # What it does for you
//!
//! - **A session is bound to a key** (DPoP, RFC 9449). The key is made here, is kept apart from the tokens and never leaves; a refresh
//!   token is of no use without it. [`Builder::bearer`] is for servers that do not bind.
//! - **One refresh for all.** Tasks and processes that share a store take turns; whoever comes second finds the new token. It is
//!   refreshed ahead of its end.
//! - **Lost answers do no harm.** The same token is sent again until an answer comes. What came is kept durably before it is used, and
//!   only if the token that was sent is still the one that is kept.
//! - **An end has a reason.** [`Error::Ended`] says why the session is over and when it ended; it is told again until somebody logs in.
//! - **A wrong clock** is corrected by the server's. A laptop that wakes up refreshes.
//! - **Tokens travel by https**, or stay on this machine. No redirect is followed, and no other server than the one that they are from
//!   gets them.
//!
//! # Where the session is kept
//!
//! In a [`FileStore`], two files of mode 0600 and a lock; in a [`MemoryStore`], unless said otherwise; or in what you make of the trait
//! [`Store`], such as the platform's keychain.
//!
//! # What to do about errors
//!
//! ```
//! use relatch_client::{Client, Error};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let client = Client::builder("https://auth.example.com").build()?;
//! match client.user().await {
//!     Ok(user) => println!("{}", user.username),
//!     // Nobody is logged in, or not any more; what it shows says why.
//!     Err(error) if error.wants_login() => println!("{error}: log in first"),
//!     // The session is as good as it was.
//!     Err(Error::Unreachable(_)) => println!("no connection"),
//!     // The user did something wrong: the server's own words, and every field.
//!     Err(Error::Refused(problem)) => println!("{problem}"),
//!     Err(other) => return Err(other),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It wants a tokio runtime with its timers and I/O enabled. All cryptography is aws-lc-rs. The minimum supported Rust is 1.95; a newer
//! one comes with a minor version.

#![forbid(unsafe_code)]

mod address;
mod authorization;
mod chance;
mod client;
mod clock;
mod error;
mod held;
mod key;
mod record;
mod secret;
mod store;
mod transport;
mod turn;
mod wire;

pub use address::AddressError;
pub use authorization::Authorization;
pub use client::{Builder, Client, Login, Registration, State};
pub use clock::{Clock, SystemClock};
/// Requests and headers are this crate's types, which most HTTP clients share.
pub use http;

pub use error::{Ended, Error, Fault, Problem};
pub use secret::Secret;
pub use store::{FileStore, Lock, MemoryStore, Slot, Store, StoreError};
pub use transport::TransportError;
pub use wire::{Device, User};
