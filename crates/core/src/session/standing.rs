//! Whether a token that somebody else was shown is still good: for resource servers that ask, and proxies that do.

use super::{
    Ended, Generation, Session, SessionId,
    refresh::{Outcome, Proof, Request, Turn, turn},
};
use crate::{
    Domain, StoreError, Timestamp, event::Origin, revocation::store::Standing, token::Genuine,
    user::UserId,
};

/// What a verified access token says of whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown {
    /// The user.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// The session's generation when it was made.
    pub generation: Generation,
}

/// Why an access token with a good signature is not good.
#[derive(Debug, thiserror::Error)]
pub enum StandingError {
    /// Nobody remembers its session.
    #[error("the session of this access token is not known here")]
    UnknownSession,
    /// The session has ended since it was made.
    #[error("the session has ended")]
    Over(Ended),
    /// It was revoked, and the session was not: the next one is good.
    #[error("the access token has been revoked")]
    Revoked,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The session behind an access token, as of this moment.
///
/// # Errors
/// [`StandingError`].
pub async fn of_access(
    domain: &Domain,
    shown: Shown,
    now: Timestamp,
) -> Result<Standing, StandingError> {
    let found = domain.store.standing(shown.session).await?;
    let found = found
        .filter(|found| found.session.user == shown.user)
        .ok_or(StandingError::UnknownSession)?;
    if let Some(ended) = found.session.life.over(&domain.policy, now) {
        return Err(StandingError::Over(ended));
    }
    let revoked = |through| shown.generation <= through;
    if found.revoked_through.is_some_and(revoked) {
        return Err(StandingError::Revoked);
    }
    Ok(found)
}

/// The session behind a refresh token, if turning it now would be answered with another one. Nothing is turned, and a spent
/// one ends nothing: whoever asks is not the one who was given it.
///
/// # Errors
/// [`StoreError`].
pub async fn of_refresh(
    domain: &Domain,
    token: Genuine,
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    let found = domain.store.find_session(token.session()).await?;
    // Whoever asks was shown the token alone.
    let key = found.as_ref().and_then(|session| session.key);
    let delivery = found.as_ref().map(|session| session.delivery);
    let request = Request {
        token,
        delivery: delivery.unwrap_or_default(),
        proof: key.map_or(Proof::NotShown, Proof::By),
        origin: Origin::default(),
        now,
    };
    Ok(match turn(found.clone(), &request, &domain.policy) {
        Outcome::Turned(turned) => match turned.turn {
            Turn::Rotate { .. } | Turn::Retry { .. } => found,
            Turn::Over(_) | Turn::Unproven(_) | Turn::End(_) => None,
        },
        Outcome::Unknown | Outcome::Forged | Outcome::WrongDelivery => None,
    })
}
