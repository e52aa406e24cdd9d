//! Checks access tokens in a service of yours: those of a [Relatch](https://github.com/relatch/relatch) server, and those of
//! other issuers that are told apart by configuration.
//!
//! # Five minutes
//!
//! A service in axum 0.8 that lets in who has a token, and to each handler who may:
//!
//! ```toml
//! [dependencies]
//! relatch-verify = { version = "0.1", features = ["axum", "feed"] }
//! ```
//!
//! ```
//! # #[cfg(all(feature = "axum", feature = "feed"))]
//! # mod example {
//! use axum::{Router, routing::{delete, get}};
//! use relatch_verify::axum::{Authenticate, Permitted};
//! use relatch_verify::{Claims, Feed, KeySource, ResourceServer, UrlError, Verifier, permission};
//!
//! permission! { pub DeleteNotes = "notes:delete"; }
//!
//! async fn whoami(claims: Claims) -> String {
//!     format!("{}, by {:?}", claims.sub, claims.amr)
//! }
//!
//! /// Runs only for tokens that carry `notes:delete` or `notes:*`.
//! async fn delete_notes(caller: Permitted<DeleteNotes>) -> String {
//!     format!("{} deleted them", caller.sub)
//! }
//!
//! /// Wants a tokio runtime.
//! fn app() -> Result<Router, UrlError> {
//!     let issuer = "https://auth.example.com";
//!     // Tokens of this issuer for this audience; clocks may differ by five seconds.
//!     let verifier = Verifier::new(issuer, "https://api.example.com").leeway(5);
//!     let server = ResourceServer::builder(verifier)
//!         .follow(Feed::of(issuer)) // sessions that ended are refused within a second
//!         .fetch(KeySource::of(issuer))?; // keys are fetched now, and kept fresh
//!     Ok(Router::new()
//!         .route("/whoami", get(whoami))
//!         .route("/notes", delete(delete_notes))
//!         .layer(Authenticate::new(server)))
//! }
//! # }
//! ```
//!
//! Without axum, `server.verify(token).await` is all there is to call; without a runtime, [`ResourceServer::check`] with keys
//! that you bring ([`Builder::keys`]); and at the very bottom [`Verifier::verify`], which takes token, keys and time and reads
//! no clock, file or socket.
//!
//! # What is in which feature
//!
//! | feature | what it adds | crates it brings |
//! |---|---|---|
//! | none | [`Verifier`], [`KeySet`], [`Claims`], [`Revocations`], [`dpop`], [`ResourceServer`] with keys that you bring | 18 |
//! | `axum` | [`axum`]: a layer, extractors, refusals by RFC 6750 and RFC 9449 | 29 |
//! | `jwks` | [`KeySource`]: keys over HTTP(S), cached and refreshed; [`transport`] to bring a client of your own | 48 |
//! | `feed` | [`Feed`]: revocations as they happen; implies `jwks` | 48 |
//!
//! All cryptography is aws-lc-rs. The minimum supported Rust is 1.95; a newer one comes with a minor version.
//!
//! # What is checked
//!
//! RFC 9068 (access tokens as JWTs) over RFC 7515 (JWS), by the advice of RFC 8725: asymmetric algorithms alone and one for
//! each key; `typ` says `at+jwt`; issuer and audience always; `exp`, `nbf` and `iat` with the leeway that you chose; no key from
//! a header; no member twice; one spelling of base64url; a token that is bound to a key is no bearer token. Each reason to
//! refuse is a variant of [`VerifyError`], and nothing of a token is in its text.
//!
//! A bound token comes with a proof where the server is told [`dpop`](Builder::dpop) (RFC 9449): signed by the key that the token is
//! bound to, for this very request, a moment ago, and not used before. [`dpop`] has the parts.
//!
//! A permission is `resource:action`; [`Claims::permits`] is the only place that says what one grants.
//!
//! # Other issuers
//!
//! Where they put things elsewhere, say where; what makes the check weaker is spelled `dangerous_`:
//!
//! ```
//! use relatch_verify::Verifier;
//!
//! // Keycloak 26, with a client `notes-api` whose roles are the permissions:
//! let keycloak = Verifier::new("https://id.example.com/realms/main", "https://api.example.com")
//!     .client_id_from("azp")
//!     .roles_at(["realm_access", "roles"])
//!     .permissions_at(["resource_access", "notes-api", "roles"])
//!     .dangerous_accept_type("JWT");
//!
//! // Auth0, whose tokens carry permissions in `permissions`; with its RFC 9068 profile no `dangerous_` is needed.
//! let auth0 = Verifier::new("https://example.eu.auth0.com/", "https://api.example.com")
//!     .client_id_from("azp")
//!     .dangerous_accept_type("JWT")
//!     .dangerous_accept_without_jti();
//! ```
//!
//! # What it costs
//!
//! A token that was never seen costs its signature and little more; one that was checked before is known by its SHA-256 and
//! costs less than a microsecond. It is refused no later than another: see [`Builder::cached_tokens`]. `cargo xtask bench verify`
//! in the repository measures both.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod algorithm;
#[cfg(feature = "axum")]
pub mod axum;
mod base64url;
mod cache;
#[cfg(feature = "jwks")]
mod chance;
mod claims;
mod clock;
pub mod dpop;
mod error;
#[cfg(feature = "feed")]
mod feed;
mod json;
mod jwk;
#[cfg(feature = "jwks")]
mod jwks;
pub mod jws;
mod resource_server;
mod revocations;
mod shape;
#[cfg(feature = "jwks")]
pub mod transport;
mod verifier;

pub use algorithm::Algorithm;
pub use claims::{Claims, Confirmation};
pub use clock::{Clock, SystemClock};
pub use error::{KeyError, VerifyError};
#[cfg(feature = "feed")]
pub use feed::Feed;
pub use jwk::{Jwk, KeySet, Thumbprint};
#[cfg(feature = "jwks")]
pub use jwks::KeySource;
pub use resource_server::{Builder, ResourceServer};
pub use revocations::{Revocation, Revocations, WhenStale};
#[cfg(feature = "jwks")]
pub use transport::{Client, UrlError};
pub use verifier::Verifier;
