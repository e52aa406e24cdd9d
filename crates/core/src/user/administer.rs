//! What an administrator does with an account that is not his own. Whether he may, the store judges in the transaction that
//! does it ([`Authority`](crate::permission::Authority)).

use super::{
    Email, User, UserId, UserState, Username,
    store::{EmailChange, Readdressing, Resetting, StateChange},
};
use crate::{
    Store, StoreError, Tag,
    event::Administrator,
    password::{Busy, Password, PasswordFault, PasswordHasher},
    permission::Refusal,
    store::Changed,
};

/// How a user is named by whoever looks for him.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UserKey {
    /// By his login name.
    Name(Username),
    /// By his id.
    Id(UserId),
}

impl UserKey {
    /// An id where the text has the form of one, and else a name; nothing if it can be neither. Somebody may have taken
    /// another's id for a name: he is found by his own id alone.
    pub fn parse(text: &str) -> Option<Self> {
        match text.parse() {
            Ok(id) => Some(Self::Id(UserId(id))),
            Err(_) => Username::parse(text).ok().map(Self::Name),
        }
    }
}

/// Why an order about a user was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AdministerError {
    /// Nobody has that name or id, or he was deleted.
    #[error("there is no such user")]
    NotFound,
    /// It is not for the one who gave the order.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The user is not as he was expected to be.
    #[error("the user was changed in between")]
    Conflict,
    /// Nobody who may do everything would be left.
    #[error("the last administrator cannot be disabled, deleted or lose the role")]
    LastAdministrator,
    /// The new password is against the rules.
    #[error("the new password is against the rules")]
    Password(PasswordFault),
    /// Too many passwords wait to be hashed.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The user of that name or id.
///
/// # Errors
/// [`AdministerError::NotFound`], [`AdministerError::Store`].
pub async fn find(store: &dyn Store, key: &UserKey) -> Result<User, AdministerError> {
    let found = match key {
        UserKey::Name(name) => store.credentials(name).await?,
        UserKey::Id(id) => store.credentials_of(*id).await?,
    };
    Ok(found.ok_or(AdministerError::NotFound)?.user)
}

/// Keeps a user out and ends every session of his, or lets him in again.
///
/// # Errors
/// [`AdministerError`].
pub async fn set_state(
    store: &dyn Store,
    user: UserId,
    state: UserState,
    expected: Option<Tag>,
    by: Administrator,
) -> Result<StateChange, AdministerError> {
    done(store.set_user_state(user, state, expected, by).await?)
}

/// Gives a user another e-mail address. A one-time code that he has out is void: it may be in the old mailbox. His sessions
/// go on, for nobody logs in with an address.
///
/// # Errors
/// [`AdministerError`].
pub async fn set_email(
    store: &dyn Store,
    user: UserId,
    email: Email,
    expected: Option<Tag>,
    by: Administrator,
) -> Result<EmailChange, AdministerError> {
    let order = Readdressing {
        user,
        email,
        expected,
        by,
    };
    done(store.set_email(order).await?)
}

/// Sets a password by the rules of registering and ends every session of the user; how many live ones that were.
///
/// # Errors
/// [`AdministerError`].
pub async fn reset_password(
    store: &dyn Store,
    hasher: &dyn PasswordHasher,
    user: &User,
    password: &str,
    by: Administrator,
) -> Result<usize, AdministerError> {
    let password = Password::choose(password, Some(&user.username), Some(&user.email))
        .map_err(AdministerError::Password)?;
    let hash = hasher.hash(password).await?;
    let user = user.id;
    done(store.reset_password(Resetting { user, hash, by }).await?)
}

/// Deletes a user: every session ends, his name is free at once; how many live sessions that were.
///
/// # Errors
/// [`AdministerError`].
pub async fn delete(
    store: &dyn Store,
    user: UserId,
    expected: Option<Tag>,
    by: Administrator,
) -> Result<usize, AdministerError> {
    done(store.delete_user(user, expected, by).await?)
}

/// The outcomes that an order about a user can have.
pub(super) fn done<T>(changed: Changed<T>) -> Result<T, AdministerError> {
    match changed {
        Changed::Done(what) => Ok(what),
        Changed::LastAdministrator => Err(AdministerError::LastAdministrator),
        Changed::Refused(refusal) => Err(refusal.into()),
        Changed::Conflict => Err(AdministerError::Conflict),
        Changed::NotFound | Changed::Held(_) => Err(AdministerError::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_an_id_is_never_a_name() {
        let id = "0198c0de-0000-7000-8000-00000000000a";
        assert!(Username::parse(id).is_ok(), "somebody may have that name");
        assert!(matches!(UserKey::parse(id), Some(UserKey::Id(_))));
        assert!(matches!(UserKey::parse("Ada"), Some(UserKey::Name(_))));
        assert_eq!(UserKey::parse("a b"), None);
    }
}
