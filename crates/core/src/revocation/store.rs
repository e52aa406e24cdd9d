//! What the store does for revocations. They are written by whatever revokes, in the same step: nobody adds one alone.

use std::time::Duration;

use async_trait::async_trait;

use super::{Position, Revocation};
use crate::{
    StoreError, Timestamp,
    session::{Generation, Session, SessionId},
    user::Username,
};

/// Revocations in their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Backlog {
    /// Up to where this tells everything, from where it was asked.
    pub last: Position,
    /// What is still kept of it, each with its sequence.
    pub entries: Vec<(u64, Revocation)>,
    /// Whether there was more than was asked for: then `last` is that of the last entry here.
    pub more: bool,
}

/// A session as whoever checks an access token must see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The session, over or not.
    pub session: Session,
    /// The name of its user.
    pub username: Option<Username>,
    /// The generation up to which its access tokens are revoked.
    pub revoked_through: Option<Generation>,
}

/// Where revocations are kept.
#[async_trait]
pub trait RevocationStore {
    /// At most `limit` revocations that come after the sequence `after`, in their order: none is left out that could still
    /// become visible with a smaller sequence than one that is told.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn revocations_after(&self, after: u64, limit: u32) -> Result<Backlog, StoreError>;

    /// Done when something may have been revoked since the last call; it only wakes, and looking may find nothing. What
    /// other processes revoke need not wake it.
    async fn revoked(&self);

    /// What there is to know of a session for whoever was shown an access token of it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn standing(&self, id: SessionId) -> Result<Option<Standing>, StoreError>;

    /// Notes that from `now` on access tokens are made to live for `access`, so that entries outlast those that were made
    /// to live longer. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn note_access_lifetime(
        &self,
        access: Duration,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Removes entries whose end has come by `now`, at most `limit`; how many went.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn sweep_revocations(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError>;
}
