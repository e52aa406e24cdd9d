//! What the domain asks of a store: one trait a noun, each method one atomic step.

use crate::{
    event::EventStore, key::store::KeyStore, session::store::SessionStore, user::store::UserStore,
};

/// Why a store did not answer. Says nothing of SQL: the adapter logs that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// More work is queued than may be.
    #[error("the store has too much queued")]
    Overloaded,
    /// It cannot be reached, or whether a commit happened is unknown. Asking again is right.
    #[error("the store is unavailable")]
    Unavailable,
    /// It holds something that cannot be.
    #[error("the store holds a row that cannot be: {0}")]
    Corrupt(&'static str),
}

/// Everything that a server needs kept.
pub trait Store: UserStore + SessionStore + KeyStore + EventStore + Send + Sync {}

impl<T: UserStore + SessionStore + KeyStore + EventStore + Send + Sync> Store for T {}
