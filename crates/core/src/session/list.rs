//! What a caller with an access token may see and end of his own sessions.

use super::{
    Delivery, EndReason, Ended, Session, SessionId,
    refresh::{Possession, Proof},
    store::{Ending, Which},
};
use crate::{Domain, StoreError, Timestamp, event::Origin, token::Genuine, user::UserId};

/// Who calls: what a verified access token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// When the user last proved who he is.
    pub auth_time: Timestamp,
    /// Where the request came from.
    pub origin: Origin,
    /// When it came.
    pub now: Timestamp,
}

/// Why a caller is refused.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// The token is good and nobody remembers its session.
    #[error("the session of this access token is not known here")]
    UnknownSession,
    /// The session has ended since the token was made.
    #[error("the session has ended")]
    Over(Ended),
    /// The user must prove the password again first (RFC 9470).
    #[error("the user must authenticate again")]
    Reauthenticate,
    /// No such session among the caller's.
    #[error("no such session")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The caller's session, if it is still good: an access token alone is not enough for our own routes.
///
/// # Errors
/// [`CallerError::UnknownSession`], [`CallerError::Over`], [`CallerError::Store`].
pub async fn current(domain: &Domain, caller: &Caller) -> Result<Session, CallerError> {
    let session = domain.store.find_session(caller.session).await?;
    let session = session
        .filter(|session| session.user == caller.user)
        .ok_or(CallerError::UnknownSession)?;
    match session.life.over(&domain.policy, caller.now) {
        Some(ended) => Err(CallerError::Over(ended)),
        None => Ok(session),
    }
}

/// The caller's live sessions, the most recently used first.
///
/// # Errors
/// As [`current`].
pub async fn list(domain: &Domain, caller: &Caller) -> Result<Vec<Session>, CallerError> {
    current(domain, caller).await?;
    let mut sessions = domain.store.list_sessions(caller.user).await?;
    sessions.retain(|session| !session.is_over(&domain.policy, caller.now));
    sessions.sort_by_key(|session| (std::cmp::Reverse(session.life.rotated_at), session.id));
    Ok(sessions)
}

/// Ends sessions of the caller's and says how many. Wants a recent proof of the password (RFC 9470).
///
/// # Errors
/// As [`current`], [`CallerError::Reauthenticate`], and [`CallerError::NotFound`] when a single one is not there.
pub async fn end(domain: &Domain, caller: &Caller, which: Which) -> Result<usize, CallerError> {
    current(domain, caller).await?;
    if caller.now.since(caller.auth_time) > domain.policy.reauth_within {
        return Err(CallerError::Reauthenticate);
    }
    let reason = match which {
        Which::One(_) => EndReason::EndedByUser,
        Which::All | Which::AllBut(_) => EndReason::LogoutEverywhere,
    };
    let ended = domain
        .store
        .end_sessions(caller.ending(which, reason))
        .await?;
    match (which, ended) {
        (Which::One(_), 0) => Err(CallerError::NotFound),
        _ => Ok(ended),
    }
}

impl Caller {
    fn ending(&self, which: Which, reason: EndReason) -> Ending {
        Ending {
            user: self.user,
            which,
            reason,
            origin: self.origin.clone(),
            now: self.now,
        }
    }
}

/// Why a logout is refused.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// The token's tag is ours and its proof is not.
    #[error("the refresh token is not genuine")]
    Forged,
    /// Its session has it delivered another way than it came.
    #[error("the refresh token came another way than its session has it delivered")]
    WrongDelivery,
    /// The session is bound to a key and the request did not prove that it holds it.
    #[error("the session is bound to a key that the request did not prove to hold")]
    Unproven(Possession),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who wants to log out.
#[derive(Clone, Debug)]
pub struct Logout {
    /// The refresh token; its tag is good, its proof not yet checked.
    pub token: Genuine,
    /// Which way it came.
    pub by: Delivery,
    /// What came with it.
    pub proof: Proof,
    /// Where the request came from.
    pub origin: Origin,
    /// When it came.
    pub now: Timestamp,
}

/// Ends the session of a genuine refresh token, of whatever generation; of a bound one only for who holds its key, so that a
/// stolen token alone ends nothing. That it had ended before is no error.
///
/// # Errors
/// [`LogoutError`].
pub async fn logout(domain: &Domain, logout: Logout) -> Result<SessionId, LogoutError> {
    let Logout {
        token,
        by,
        proof,
        origin,
        now,
    } = logout;
    // The secret and the key of a session never change, so that they may be read before the row is locked.
    let Some(session) = domain.store.find_session(token.session()).await? else {
        return Ok(token.session());
    };
    if !token.proves(&session.secret) {
        return Err(LogoutError::Forged);
    }
    if session.delivery != by {
        return Err(LogoutError::WrongDelivery);
    }
    let possession = proof.of(session.key);
    if session.life.bound && possession != Possession::Proven {
        return Err(LogoutError::Unproven(possession));
    }
    let which = Which::One(session.id);
    domain
        .store
        .end_sessions(Ending {
            user: session.user,
            which,
            reason: EndReason::Logout,
            origin,
            now,
        })
        .await?;
    Ok(session.id)
}
