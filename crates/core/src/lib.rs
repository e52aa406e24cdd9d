//! The domain of Relatch: users, sessions, tokens and keys.
//!
//! Owns every rule about the life of a session. Knows nothing of HTTP, SQL or threads: storage, hashing, time and
//! chance come in as arguments and traits, so that each decision is a function that a test or a model can call.

pub mod attempt;
pub mod chance;
pub mod domain;
pub mod event;
pub mod key;
pub mod password;
pub mod permission;
pub mod resource_server;
pub mod revocation;
pub mod session;
pub mod store;
pub mod tag;
pub mod time;
pub mod token;
pub mod user;

pub use chance::Entropy;
pub use domain::Domain;
pub use store::{Store, StoreError};
pub use tag::Tag;
pub use time::Timestamp;
