//! A user proves who he is by his password: to begin a session, or once more within one.

use super::{Credentials, User, UserId, Username};
use crate::{
    Domain, StoreError, Timestamp,
    event::{Event, EventKind},
    password::{Busy, Password, Verdict},
    session::{
        Ended, Login, Session, list,
        list::Caller,
        list::CallerError,
        open::{self, Opening},
        store::Opened,
    },
    token::{AccessToken, Genuine, IssuedTokens},
};

/// Why a password was not accepted, or the session behind it is gone.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// No such user or another password: nobody is told which.
    #[error("the username or the password is wrong")]
    InvalidCredentials,
    /// The password is right and an administrator disabled the user.
    #[error("the user is disabled")]
    UserDisabled,
    /// The caller's session is not known here.
    #[error("the session of this access token is not known here")]
    UnknownSession,
    /// The caller's session has ended.
    #[error("the session has ended")]
    Over(Ended),
    /// Too many passwords wait to be hashed.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Begins a session. In cookie mode it takes the place of the one whose token `older` is.
///
/// # Errors
/// [`LoginError`].
pub async fn login(
    domain: &Domain,
    username: Option<Username>,
    password: Password,
    login: Login,
    older: Option<Genuine>,
) -> Result<(User, IssuedTokens), LoginError> {
    let found = match &username {
        Some(username) => domain.store.credentials(username).await?,
        None => None,
    };
    let (credentials, rehashed) = match verify(domain, found, password).await? {
        Checked::Right(credentials, rehashed) => (credentials, rehashed),
        Checked::Wrong(user) => {
            domain
                .store
                .count_failed_login(user, login.origin, login.now)
                .await?;
            return Err(LoginError::InvalidCredentials);
        }
    };
    let session = Session::begin(credentials.user.id, &login, domain);
    let refused = Event {
        at: login.now,
        kind: EventKind::LoginRefused,
        user: credentials.user.id,
        session: None,
        origin: login.origin.clone(),
    };
    let replaces = open::replaced(domain, older.as_ref(), &session).await?;
    let opening = Opening {
        session,
        verified: credentials.version,
        rehashed,
        replaces,
        origin: login.origin,
    };
    match domain.store.open_session(opening).await? {
        Opened::Session(session) => Ok((credentials.user, domain.issue(&session, login.now))),
        Opened::CredentialsChanged => Err(LoginError::InvalidCredentials),
        Opened::UserDisabled => {
            domain.store.append_event(refused).await?;
            Err(LoginError::UserDisabled)
        }
    }
}

/// Proves the password again within a session: an access token with a new `auth_time`, and when it ends (RFC 9470).
///
/// # Errors
/// [`LoginError`].
pub async fn reauthenticate(
    domain: &Domain,
    caller: &Caller,
    password: Password,
) -> Result<(AccessToken, Timestamp), LoginError> {
    let session = list::current(domain, caller).await?;
    let event = |kind| Event::of_session(&session, kind, &caller.origin, caller.now);
    let found = domain.store.credentials_of(caller.user).await?;
    verify_caller(
        domain,
        found,
        password,
        event(EventKind::ReauthenticationFailed),
    )
    .await?;
    domain
        .store
        .append_event(event(EventKind::Reauthenticated))
        .await?;
    // It may have ended while the password was hashed.
    let session = list::current(domain, caller).await?;
    Ok(domain.issue_access(&session, caller.now, caller.now))
}

/// Verifies the password of the credentials that were found; a wrong one leaves `failure` on record.
pub(super) async fn verify_caller(
    domain: &Domain,
    found: Option<Credentials>,
    password: Password,
    failure: Event,
) -> Result<Credentials, LoginError> {
    match verify(domain, found, password).await? {
        Checked::Right(credentials, _) => Ok(credentials),
        Checked::Wrong(_) => {
            domain.store.append_event(failure).await?;
            Err(LoginError::InvalidCredentials)
        }
    }
}

enum Checked {
    Right(Credentials, Option<crate::password::PasswordHash>),
    Wrong(Option<UserId>),
}

/// The same work whether there is such a user or not.
async fn verify(
    domain: &Domain,
    found: Option<Credentials>,
    password: Password,
) -> Result<Checked, Busy> {
    let verdict = domain
        .hasher
        .verify(password, found.as_ref().map(|found| found.hash.clone()))
        .await?;
    Ok(match (verdict, found) {
        (Verdict::Right { rehashed }, Some(found)) => Checked::Right(found, rehashed),
        (_, found) => Checked::Wrong(found.map(|found| found.user.id)),
    })
}

impl From<CallerError> for LoginError {
    fn from(error: CallerError) -> Self {
        match error {
            CallerError::Over(ended) => Self::Over(ended),
            CallerError::Store(error) => Self::Store(error),
            CallerError::UnknownSession | CallerError::NotFound | CallerError::Reauthenticate => {
                Self::UnknownSession
            }
        }
    }
}
