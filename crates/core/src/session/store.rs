//! What the store does for sessions.

use async_trait::async_trait;

use super::{EndReason, Session, SessionId, open::Opening, refresh};
use crate::{
    StoreError, Timestamp,
    event::{Administrator, EventRow, Origin},
    store::Changed,
    user::{User, UserId},
};

/// Which sessions to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// This one.
    One(SessionId),
    /// All of the user's.
    All,
    /// All of the user's but this one.
    AllBut(SessionId),
}

/// An order to end sessions of one user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ending {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub which: Which,
    /// Why.
    pub reason: EndReason,
    /// Who asked.
    pub origin: Origin,
    /// When.
    pub now: Timestamp,
}

/// What became of a login that was verified.
#[derive(Clone, Debug)]
pub enum Opened {
    /// The session stands.
    Session(Box<Session>),
    /// The credentials that were verified are no longer the user's, or the user is gone.
    CredentialsChanged,
    /// An administrator disabled the user.
    UserDisabled,
}

/// Which sessions to list, of anybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionQuery {
    /// Of this user, the newest login first; else everybody's, in the order of their ids.
    pub user: Option<UserId>,
    /// Also those that somebody ended.
    pub ended: bool,
    /// Those that come after this one.
    pub after: Option<SessionId>,
    /// At most so many.
    pub limit: u32,
}

/// All that is known of a session. Its row may be gone, and its user, while its events are still there.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct History {
    /// The row.
    pub session: Option<Session>,
    /// Whose it is.
    pub user: Option<User>,
    /// Its own events, the oldest first.
    pub events: Vec<EventRow>,
    /// What else happened to its user at the very moment that it ended, for what ends many sessions is on record once.
    pub around_end: Vec<EventRow>,
}

/// Where sessions are kept.
#[async_trait]
pub trait SessionStore {
    /// Begins a session if the verified credentials are still the user's, under the user's lock; ends the one whose place
    /// it takes, then the longest unused ones past the limit, and keeps a new hash if there is one. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn open_session(&self, opening: Opening) -> Result<Opened, StoreError>;

    /// Locks the session's row, calls [`refresh::turn`], writes what it changed. As durable as
    /// [`refresh::durability`] says.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn refresh(&self, request: refresh::Request) -> Result<refresh::Outcome, StoreError>;

    /// One session, over or not.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn find_session(&self, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// The sessions of a user that nobody ended, in no order; some may have run out.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn list_sessions(&self, user: UserId) -> Result<Vec<Session>, StoreError>;

    /// Ends those that are not over yet, each with an event; how many that were. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn end_sessions(&self, ending: Ending) -> Result<usize, StoreError>;

    /// Ends those sessions of the user that are not over yet, if whoever wants it may; how many that were. The order is on
    /// record once, unless it changed nothing. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn end_sessions_of(
        &self,
        user: UserId,
        which: Which,
        by: Administrator,
    ) -> Result<Changed<usize>, StoreError>;

    /// Removes rows that nobody asks about any more, walking the key from `after` over at most `limit` rows. Answers
    /// where to go on, or nothing at the end, and how many rows went.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn sweep_sessions(
        &self,
        after: Option<SessionId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Option<SessionId>, usize), StoreError>;

    /// Sessions of anybody, ended or not; some that nobody ended may have run out.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn browse_sessions(&self, query: SessionQuery) -> Result<Vec<Session>, StoreError>;

    /// All that is known of one session, with its `limit` newest events.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn session_history(&self, id: SessionId, limit: u32) -> Result<History, StoreError>;
}
