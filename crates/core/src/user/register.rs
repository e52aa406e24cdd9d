//! A person becomes a user and is logged in at once.

use super::{Email, User, UserId, UserState, Username, store::Registered, store::Registering};
use crate::{
    Domain, StoreError, chance,
    password::{Busy, Password},
    session::{Login, Session, open},
    token::{Genuine, IssuedTokens},
};

/// What a person asks for.
#[derive(Debug)]
pub struct Registration {
    /// The login name.
    pub username: Username,
    /// The address.
    pub email: Email,
    /// The password, by the rules.
    pub password: Password,
    /// The device.
    pub login: Login,
    /// In cookie mode, the token of the session that is in the browser so far.
    pub older: Option<Genuine>,
}

/// Why a registration is refused.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Somebody has that name.
    #[error("the username is taken")]
    UsernameTaken,
    /// Too many passwords wait to be hashed.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Registers and logs in.
///
/// # Errors
/// [`RegisterError`].
pub async fn register(
    domain: &Domain,
    registration: Registration,
) -> Result<(User, IssuedTokens), RegisterError> {
    let Registration {
        username,
        email,
        password,
        login,
        older,
    } = registration;
    if domain.store.credentials(&username).await?.is_some() {
        return Err(RegisterError::UsernameTaken);
    }
    let hash = domain.hasher.hash(password).await?;
    let id = UserId(chance::ordered_uuid(domain.entropy.as_ref(), login.now));
    let user = User {
        id,
        username,
        email,
        state: UserState::Active,
        created_at: login.now,
    };
    let mut session = Session::begin(id, &login, domain);
    session.roles.extend(domain.default_role());
    let tokens = domain.issue(&session, login.now);
    let replaces = open::replaced(domain, older.as_ref(), &session).await?;
    let registering = Registering {
        user: user.clone(),
        hash,
        session,
        replaces,
        origin: login.origin,
    };
    match domain.store.register(registering).await? {
        Registered::Done => Ok((user, tokens)),
        Registered::UsernameTaken => Err(RegisterError::UsernameTaken),
    }
}
