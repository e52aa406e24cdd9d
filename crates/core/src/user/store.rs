//! What the store does for users.

use async_trait::async_trait;

use super::{
    CredentialVersion, Credentials, Email, User, UserId, UserState, Username, reset::NewCode,
};
use crate::{
    StoreError, Tag,
    event::{Administrator, Origin},
    password::PasswordHash,
    permission::RoleName,
    session::{Session, SessionId, store::Opened},
    store::Changed,
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
    /// The session whose place it takes, of another user.
    pub replaces: Option<SessionId>,
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
    pub caller: SessionId,
    /// The version of the credentials that were verified.
    pub verified: CredentialVersion,
    /// The hash of the new password.
    pub hash: PasswordHash,
    /// Who asked.
    pub origin: Origin,
}

/// A user whom an administrator makes, on the way to the store.
#[derive(Clone, Debug)]
pub struct Creating {
    /// The user to be.
    pub user: User,
    /// The hash of the password.
    pub hash: PasswordHash,
    /// The roles that he begins with, as far as there are such.
    pub roles: Vec<RoleName>,
    /// The code with which he may choose a password of his own.
    pub code: Option<NewCode>,
    /// Who makes him.
    pub by: Administrator,
}

/// A password that an administrator sets, on the way to the store.
#[derive(Clone, Debug)]
pub struct Resetting {
    /// Whose.
    pub user: UserId,
    /// The hash of the new password.
    pub hash: PasswordHash,
    /// Who sets it.
    pub by: Administrator,
}

/// Another e-mail address for a user, on the way to the store.
#[derive(Clone, Debug)]
pub struct Readdressing {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub email: Email,
    /// How the user must be for it.
    pub expected: Option<Tag>,
    /// Who wants it.
    pub by: Administrator,
}

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EmailChange {
    /// It is the user's from now on.
    Changed {
        /// Whether a one-time code became void.
        code_voided: bool,
    },
    /// It was the user's before, letter by letter; nothing was written.
    Unchanged,
}

/// What became of an order to let a user in or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StateChange {
    /// It is so from now on.
    Changed {
        /// How many live sessions that ended.
        ended: usize,
    },
    /// It was so before; nothing was written.
    Unchanged,
}

/// Which users to list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserQuery {
    /// Part of the username or of the e-mail address, without regard to the case of a to z.
    pub search: Option<String>,
    /// Those whose names come after this one.
    pub after: Option<Username>,
    /// At most so many.
    pub limit: u32,
}

/// Where users are kept. A user who was deleted is not found by any of these, and his name is free.
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

    /// Adds a user without a session, if whoever makes him may. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn create_user(&self, creating: Creating) -> Result<Changed<Registered>, StoreError>;

    /// Users by name.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn list_users(&self, query: UserQuery) -> Result<Vec<User>, StoreError>;

    /// Lets a user in or not, and ends every session of one who is not, under the user's lock, if whoever wants it may and
    /// the user has the tag that is expected. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn set_user_state(
        &self,
        user: UserId,
        state: UserState,
        expected: Option<Tag>,
        by: Administrator,
    ) -> Result<Changed<StateChange>, StoreError>;

    /// Gives a user another e-mail address and forgets a one-time code of his, under the user's lock, if whoever wants it may
    /// and the user has the tag that is expected. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn set_email(&self, order: Readdressing) -> Result<Changed<EmailChange>, StoreError>;

    /// Sets the password and ends every session of the user, under the user's lock, if whoever wants it may; how many live
    /// ones that were. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn reset_password(&self, resetting: Resetting) -> Result<Changed<usize>, StoreError>;

    /// Ends every session of a user and overwrites his name, address and hash, under the user's lock, if whoever wants it may
    /// and the user has the tag that is expected. His row stays
    /// without them until [`sweep_users`](Self::sweep_users), so that his devices are told why. How many live sessions
    /// ended. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn delete_user(
        &self,
        user: UserId,
        expected: Option<Tag>,
        by: Administrator,
    ) -> Result<Changed<usize>, StoreError>;

    /// Removes what is left of deleted users who have no sessions any more, walking along their ids from `after` over
    /// at most `limit` of them. Answers where to go on, or nothing at the end, and how many rows went.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn sweep_users(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<(Option<UserId>, usize), StoreError>;
}
