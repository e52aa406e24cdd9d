//! An administrator makes an account. Nobody is logged in by that.

use super::{
    Email, User, UserId, UserState, Username,
    register::RegisterError,
    store::{Creating, Registered},
};
use crate::{
    Entropy, Store, chance,
    event::Administrator,
    password::{Password, PasswordHasher},
    permission::RoleName,
};

/// The account to be.
#[derive(Debug)]
pub struct NewUser {
    /// The login name.
    pub username: Username,
    /// The address.
    pub email: Email,
    /// The password, by the rules.
    pub password: Password,
    /// The roles that he begins with, as far as there are such.
    pub roles: Vec<RoleName>,
}

/// Makes the account.
///
/// # Errors
/// As for who registers himself: [`RegisterError`].
pub async fn create(
    store: &dyn Store,
    hasher: &dyn PasswordHasher,
    entropy: &dyn Entropy,
    new: NewUser,
    by: Administrator,
) -> Result<User, RegisterError> {
    if store.credentials(&new.username).await?.is_some() {
        return Err(RegisterError::UsernameTaken);
    }
    let hash = hasher.hash(new.password).await?;
    let user = User {
        id: UserId(chance::ordered_uuid(entropy, by.now)),
        username: new.username,
        email: new.email,
        state: UserState::Active,
        created_at: by.now,
    };
    let creating = Creating {
        user: user.clone(),
        hash,
        roles: new.roles,
        by,
    };
    match store.create_user(creating).await? {
        Registered::Done => Ok(user),
        Registered::UsernameTaken => Err(RegisterError::UsernameTaken),
    }
}
