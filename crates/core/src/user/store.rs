//! What the store does for users.

use async_trait::async_trait;

use super::{CredentialVersion, Credentials, User, UserId, Username};
use crate::{
    StoreError,
    event::Origin,
    password::PasswordHash,
    session::{Session, store::Opened},
};

/// A registration on its way to the store.
#[derive(Clone, Debug)]
pub struct Registering {
    /// The user to be.
    pub user: User,
    /// The hash of the password.
    pub hash: PasswordHash,
    /// The first session.
    pub session: Session,
    /// Who asked.
    pub origin: Origin,
}

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Registered {
    /// User and session stand.
    Done,
    /// Somebody has that name.
    UsernameTaken,
}

/// A password change on its way to the store.
#[derive(Clone, Debug)]
pub struct Changing {
    /// The session that the caller gets in place of all others.
    pub session: Session,
    /// The session that the caller calls from: it must still be live.
    pub caller: crate::session::SessionId,
    /// The version of the credentials that were verified.
    pub verified: CredentialVersion,
    /// The hash of the new password.
    pub hash: PasswordHash,
    /// Who asked.
    pub origin: Origin,
}

/// Where users are kept.
#[async_trait]
pub trait UserStore {
    /// Adds a user and his first session. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn register(&self, registering: Registering) -> Result<Registered, StoreError>;

    /// The credentials behind a login name.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn credentials(&self, username: &Username) -> Result<Option<Credentials>, StoreError>;

    /// The credentials of a user.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StoreError>;

    /// Sets the password, ends every session of the user and begins the one given, if the verified credentials are
    /// still the user's and the caller's session is still live; under the user's lock. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn set_password(&self, changing: Changing) -> Result<Opened, StoreError>;
}
