//! A user changes his password: every session of his ends, and the caller gets a fresh one.

use super::{login::LoginError, login::verify_caller, store::Changing};
use crate::{
    Domain,
    event::{Event, EventKind},
    password::{Password, PasswordFault},
    session::{Login, Session, list, list::Caller, store::Opened},
    token::IssuedTokens,
};

/// Why a password change is refused.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The new password is against the rules.
    #[error("the new password is against the rules")]
    NewPassword(PasswordFault),
    /// The old one was not accepted.
    #[error(transparent)]
    Login(#[from] LoginError),
}

/// Changes the password. The fresh session keeps the device's name and whether to remember it.
///
/// # Errors
/// [`ChangePasswordError`].
pub async fn change_password(
    domain: &Domain,
    caller: &Caller,
    old: Password,
    new: &str,
) -> Result<IssuedTokens, ChangePasswordError> {
    let session = list::current(domain, caller)
        .await
        .map_err(LoginError::from)?;
    let found = domain
        .store
        .credentials_of(caller.user)
        .await
        .map_err(LoginError::from)?;
    let found = found.ok_or(LoginError::UnknownSession)?;
    let new = Password::choose(new, Some(&found.user.username), Some(&found.user.email))
        .map_err(ChangePasswordError::NewPassword)?;
    let failure = Event::of_session(
        &session,
        EventKind::PasswordChangeFailed,
        &caller.origin,
        caller.now,
    );
    let credentials = verify_caller(domain, Some(found), old, failure).await?;
    let hash = domain.hasher.hash(new).await.map_err(LoginError::from)?;
    let login = Login {
        device: session.device,
        remember_me: session.life.remember_me,
        delivery: session.delivery,
        key: session.key,
        scope: session.scope,
        origin: caller.origin.clone(),
        now: caller.now,
    };
    let fresh = Session::begin(caller.user, &login, domain);
    let (verified, origin) = (credentials.version, login.origin);
    let changing = Changing {
        session: fresh,
        caller: session.id,
        verified,
        hash,
        origin,
    };
    match domain
        .store
        .set_password(changing)
        .await
        .map_err(LoginError::from)?
    {
        Opened::Session(session) => Ok(domain.issue(&session, caller.now)),
        Opened::CredentialsChanged => {
            // If it was the session that ended meanwhile, that is what to say.
            list::current(domain, caller)
                .await
                .map_err(LoginError::from)?;
            Err(LoginError::InvalidCredentials.into())
        }
        Opened::UserDisabled => Err(LoginError::UserDisabled.into()),
    }
}
