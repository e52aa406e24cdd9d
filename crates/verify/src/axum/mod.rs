//! Authentication for axum 0.8: a layer that reads the token, extractors that say what a handler needs, refusals in the
//! form of RFC 6750. Decides nothing about tokens by itself.
//!
//! [`Authenticate`] stands around the routes; a handler that takes [`Claims`](crate::Claims) knows who
//! calls, and one that takes [`Permitted`] runs only for whom the token permits it.
//!
//! ```
//! use axum::{Router, routing::get};
//! use relatch_verify::axum::{Authenticate, Permitted};
//! use relatch_verify::{Claims, KeySet, ResourceServer, Verifier, permission};
//!
//! permission! {
//!     /// Reading notes.
//!     pub ReadNotes = "notes:read";
//! }
//!
//! async fn whoami(claims: Claims) -> String {
//!     claims.sub
//! }
//!
//! async fn list(caller: Permitted<ReadNotes>) -> String {
//!     format!("the notes of {}", caller.sub)
//! }
//!
//! # let keys = KeySet::default();
//! let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
//! let server = ResourceServer::builder(verifier).keys(keys);
//! let app: Router = Router::new()
//!     .route("/whoami", get(whoami))
//!     .route("/notes", get(list))
//!     .layer(Authenticate::new(server));
//! ```

mod extract;
mod header;
mod layer;
mod refusal;

pub use extract::{Permission, Permitted};
pub use layer::{Authenticate, Authenticated};
pub use refusal::Refusal;

#[doc(hidden)]
pub use extract::is_permission;

/// Who calls, as the layer leaves it in a request's extensions; `None` is nobody, on routes that let nobody in.
#[derive(Clone, Debug)]
struct Caller(Option<std::sync::Arc<crate::Claims>>);
