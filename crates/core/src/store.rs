//! What the domain asks of a store: one trait a noun, each method one atomic step.

use crate::{
    event::EventStore,
    key::store::KeyStore,
    permission::{Refusal, store::RoleStore},
    resource_server::ResourceServerStore,
    revocation::RevocationStore,
    session::store::SessionStore,
    user::{reset::ResetStore, store::UserStore},
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

/// What became of an administrator's change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Changed<T> {
    /// It is so now.
    Done(T),
    /// There is no such thing.
    NotFound,
    /// Something else is there than was expected.
    Conflict,
    /// It is not for the one who gave the order.
    Refused(Refusal),
    /// So many users still hold the role.
    Held(u64),
    /// Nobody who may do everything would be left.
    LastAdministrator,
}

impl<T> Changed<T> {
    /// Goes on with what was done; any other outcome stays what it is.
    ///
    /// # Errors
    /// Those of `then`.
    pub fn and_then<U, E>(
        self,
        then: impl FnOnce(T) -> Result<Changed<U>, E>,
    ) -> Result<Changed<U>, E> {
        Ok(match self {
            Self::Done(what) => return then(what),
            Self::NotFound => Changed::NotFound,
            Self::Conflict => Changed::Conflict,
            Self::Refused(refusal) => Changed::Refused(refusal),
            Self::Held(users) => Changed::Held(users),
            Self::LastAdministrator => Changed::LastAdministrator,
        })
    }
}

/// Everything that a server needs kept.
pub trait Store:
    UserStore
    + ResetStore
    + SessionStore
    + KeyStore
    + RoleStore
    + EventStore
    + RevocationStore
    + ResourceServerStore
    + Send
    + Sync
{
}

impl<T> Store for T where
    T: UserStore
        + ResetStore
        + SessionStore
        + KeyStore
        + RoleStore
        + EventStore
        + RevocationStore
        + ResourceServerStore
        + Send
        + Sync
{
}
