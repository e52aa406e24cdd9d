//! What an administrator does with sessions that are not his own.

use super::{
    EndReason, SessionId,
    store::{Ending, Which},
};
use crate::{Store, StoreError, event::Administrator, user::UserId};

/// What became of an order to end one session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndedOne {
    /// It was live and is over.
    Ended,
    /// It was over before; nothing was written.
    WasOver,
}

/// Ends one session of anybody's; nothing if it is not there.
///
/// # Errors
/// [`StoreError`].
pub async fn end(
    store: &dyn Store,
    id: SessionId,
    by: Administrator,
) -> Result<Option<EndedOne>, StoreError> {
    // A session never changes its user, so that he may be read before the row is locked.
    let Some(session) = store.find_session(id).await? else {
        return Ok(None);
    };
    let ended = store
        .end_sessions(ending(session.user, Which::One(id), by))
        .await?;
    Ok(Some(match ended {
        0 => EndedOne::WasOver,
        _ => EndedOne::Ended,
    }))
}

/// Ends every session of a user, who may log in again at once; how many live ones that were.
///
/// # Errors
/// [`StoreError`].
pub async fn end_all(
    store: &dyn Store,
    user: UserId,
    by: Administrator,
) -> Result<usize, StoreError> {
    store.end_sessions(ending(user, Which::All, by)).await
}

fn ending(user: UserId, which: Which, by: Administrator) -> Ending {
    Ending {
        user,
        which,
        reason: EndReason::EndedByAdministrator,
        origin: by.origin,
        now: by.now,
    }
}
