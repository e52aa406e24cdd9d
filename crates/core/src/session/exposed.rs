//! What becomes of a session whose token others may have read.

use super::{
    EndReason, SessionId,
    store::{Ending, Which},
};
use crate::{Domain, StoreError, Timestamp, event::Origin, token::Genuine, user::UserId};

/// A token that came where anybody on its way could read it.
#[derive(Clone, Copy, Debug)]
pub enum Exposed<'a> {
    /// A refresh token, of whatever generation.
    Refresh(&'a Genuine),
    /// An access token that is still good.
    Access {
        /// Whose.
        user: UserId,
        /// Of which session.
        session: SessionId,
    },
}

/// Ends its session; which, if it was live and is over now. A bound session stays: without its key the token is of no
/// use to anybody.
///
/// # Errors
/// [`StoreError`].
pub async fn end(
    domain: &Domain,
    exposed: Exposed<'_>,
    origin: Origin,
    now: Timestamp,
) -> Result<Option<SessionId>, StoreError> {
    let id = match exposed {
        Exposed::Refresh(token) => token.session(),
        Exposed::Access { session, .. } => session,
    };
    // User, secret and binding of a session never change, so that they may be read before the row is locked.
    let Some(session) = domain.store.find_session(id).await? else {
        return Ok(None);
    };
    let genuine = match exposed {
        Exposed::Refresh(token) => token.proves(&session.secret),
        Exposed::Access { user, .. } => session.user == user,
    };
    if !genuine || session.life.bound {
        return Ok(None);
    }
    let ended = domain
        .store
        .end_sessions(Ending {
            user: session.user,
            which: Which::One(id),
            reason: EndReason::SeenInTheClear,
            origin,
            now,
        })
        .await?;
    Ok((ended > 0).then_some(id))
}
