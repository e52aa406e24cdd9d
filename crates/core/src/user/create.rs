//! An administrator makes an account. Nobody is logged in by that.

use std::time::Duration;

use super::{
    Email, User, UserId, UserState, Username,
    reset::{IssuedCode, NewCode, ResetCode},
    store::{Creating, Registered},
};
use crate::{
    Domain, Entropy, Store, StoreError, chance,
    event::Administrator,
    password::{Busy, Password, PasswordHasher},
    permission::{Refusal, RoleName},
    store::Changed,
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

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Somebody has that name.
    #[error("the username is taken")]
    UsernameTaken,
    /// It is not for the one who gave the order.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too many passwords wait to be hashed.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the account.
///
/// # Errors
/// [`CreateError`].
pub async fn create(
    store: &dyn Store,
    hasher: &dyn PasswordHasher,
    entropy: &dyn Entropy,
    new: NewUser,
    by: Administrator,
) -> Result<User, CreateError> {
    if store.credentials(&new.username).await?.is_some() {
        return Err(CreateError::UsernameTaken);
    }
    let hash = hasher.hash(new.password).await?;
    let user = newcomer(entropy, new.username, new.email, &by);
    let creating = Creating {
        user: user.clone(),
        hash,
        roles: new.roles,
        code: None,
        by,
    };
    make(store, creating).await?;
    Ok(user)
}

/// Makes an account with a password that nobody knows, and the code with which its user chooses one, good for `lifetime`.
///
/// # Errors
/// [`CreateError`].
pub async fn invite(
    domain: &Domain,
    username: Username,
    email: Email,
    lifetime: Duration,
    by: Administrator,
) -> Result<(User, IssuedCode), CreateError> {
    let entropy = domain.entropy.as_ref();
    if domain.store.credentials(&username).await?.is_some() {
        return Err(CreateError::UsernameTaken);
    }
    let hash = domain.hasher.hash(Password::of_nobody(entropy)).await?;
    let user = newcomer(entropy, username, email, &by);
    let issued = IssuedCode {
        code: ResetCode::draw(entropy),
        expires_at: by.now.plus(lifetime),
    };
    let creating = Creating {
        user: user.clone(),
        hash,
        roles: domain.default_role().into_iter().collect(),
        code: Some(NewCode::of(&issued, user.id)),
        by,
    };
    make(domain.store.as_ref(), creating).await?;
    Ok((user, issued))
}

fn newcomer(entropy: &dyn Entropy, username: Username, email: Email, by: &Administrator) -> User {
    User {
        id: UserId(chance::ordered_uuid(entropy, by.now)),
        username,
        email,
        state: UserState::Active,
        created_at: by.now,
    }
}

async fn make(store: &dyn Store, creating: Creating) -> Result<(), CreateError> {
    match store.create_user(creating).await? {
        Changed::Done(Registered::Done) => Ok(()),
        Changed::Refused(refusal) => Err(refusal.into()),
        Changed::Done(Registered::UsernameTaken)
        | Changed::NotFound
        | Changed::Conflict
        | Changed::Held(_)
        | Changed::LastAdministrator => Err(CreateError::UsernameTaken),
    }
}
