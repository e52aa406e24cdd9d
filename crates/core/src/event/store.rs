//! What the store keeps of events. It adds rows and never changes one.

use async_trait::async_trait;
use serde_json::Value;

use super::{Event, Origin, chain::Record, head::SignedHead};
use crate::{StoreError, Timestamp, session::SessionId, user::UserId};

/// A record as it is read back.
#[derive(Clone, PartialEq, Debug)]
pub struct EventRow {
    /// Its place in the record, from 1 on.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// The stable name of what happened.
    pub name: String,
    /// To whom.
    pub user: UserId,
    /// In which session.
    pub session: Option<SessionId>,
    /// The address of the peer.
    pub address: Option<String>,
    /// Its `User-Agent`.
    pub agent: Option<String>,
    /// What the name leaves open.
    pub detail: Option<Value>,
}

/// Which rows to look for; every part that is named must fit.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EventQuery {
    /// About this user.
    pub user: Option<UserId>,
    /// In this session.
    pub session: Option<SessionId>,
    /// Of a name that begins so.
    pub name: Option<String>,
    /// Not earlier.
    pub since: Option<Timestamp>,
    /// Earlier than that.
    pub until: Option<Timestamp>,
    /// Before this row of the record.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// What waits for the sealer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Unsealed {
    /// The newest head.
    pub head: Option<SignedHead>,
    /// The rows after it, in their order.
    pub records: Vec<Record>,
    /// The last row of all; 0 if there is none.
    pub last: i64,
}

/// What became of a head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Appended {
    /// It is the newest.
    Done,
    /// Another one is where it was to be.
    NotNext,
    /// The key that signed it is in wrong hands.
    KeyWithdrawn,
}

/// Where events are kept.
#[async_trait]
pub trait EventStore {
    /// Adds one.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn append_event(&self, event: Event) -> Result<(), StoreError>;

    /// Counts one more failed login, by hour, user (none for an unknown name) and address. Not awaited by a promise:
    /// a crash may forget it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn count_failed_login(
        &self,
        user: Option<UserId>,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// The events of a user, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn list_events(&self, user: UserId, limit: u32) -> Result<Vec<EventRow>, StoreError>;

    /// How often a login as this user (none: as an unknown name) failed since `since`, to the hour.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn failed_logins(
        &self,
        user: Option<UserId>,
        since: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Removes the counts of hours before `before`, at most `limit` rows; how many went.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn sweep_failed_logins(&self, before: Timestamp, limit: u32)
    -> Result<usize, StoreError>;

    /// The rows that fit, those that came last first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn search_events(&self, query: EventQuery) -> Result<Vec<EventRow>, StoreError>;

    /// Puts the failed logins of the hours before `before` on record, each hour once.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn record_failed_logins(&self, before: Timestamp) -> Result<usize, StoreError>;

    /// The newest head and at most `limit` rows after it, read at one moment.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn unsealed(&self, limit: u32) -> Result<Unsealed, StoreError>;

    /// Adds a head if the newest one covers the rows up to `expected` (0: if there is none), and its key is not withdrawn.
    /// Durable, so that no head is known anywhere whose rows a crash forgets.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn append_head(&self, expected: i64, head: SignedHead) -> Result<Appended, StoreError>;

    /// At most `limit` rows as they lie there, those after `after` (none: from the very first on) in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn records(&self, after: Option<i64>, limit: u32) -> Result<Vec<Record>, StoreError>;

    /// At most `limit` heads, likewise.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn heads(&self, after: Option<i64>, limit: u32) -> Result<Vec<SignedHead>, StoreError>;
}
