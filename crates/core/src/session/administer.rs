//! What an administrator does with sessions that are not his own.

use super::{SessionId, store::Which};
use crate::{
    Store, StoreError, event::Administrator, permission::Refusal, store::Changed, user::UserId,
};

/// What became of an order to end one session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndedOne {
    /// It was live and is over.
    Ended,
    /// It was over before; nothing was written.
    WasOver,
}

/// Why no session was ended.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// There is no such session or user.
    #[error("there is no such session or user")]
    NotFound,
    /// It is not for the one who gave the order.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Ends one session of anybody's.
///
/// # Errors
/// [`EndError`].
pub async fn end(
    store: &dyn Store,
    id: SessionId,
    by: Administrator,
) -> Result<EndedOne, EndError> {
    // A session never changes its user, so that he may be read before the row is locked.
    let session = store.find_session(id).await?.ok_or(EndError::NotFound)?;
    let order = store.end_sessions_of(session.user, Which::One(id), by);
    Ok(match done(order.await?)? {
        0 => EndedOne::WasOver,
        _ => EndedOne::Ended,
    })
}

/// Ends every session of a user, who may log in again at once; how many live ones that were.
///
/// # Errors
/// [`EndError`].
pub async fn end_all(
    store: &dyn Store,
    user: UserId,
    by: Administrator,
) -> Result<usize, EndError> {
    done(store.end_sessions_of(user, Which::All, by).await?)
}

fn done(changed: Changed<usize>) -> Result<usize, EndError> {
    match changed {
        Changed::Done(ended) => Ok(ended),
        Changed::Refused(refusal) => Err(refusal.into()),
        Changed::NotFound | Changed::Conflict | Changed::Held(_) | Changed::LastAdministrator => {
            Err(EndError::NotFound)
        }
    }
}
