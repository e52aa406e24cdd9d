//! What an administrator does with roles: nobody gives more than he may, and nobody is given more than a token can carry.
//! The store judges every order by [`Authority`] in the transaction that carries it out; who may ask at all is said here.

use super::{
    Authority, Refusal, RoleName,
    store::{Assigning, Expected, Put, Putting},
};
use crate::{
    Domain, Store, StoreError,
    event::{Actor, Administrator},
    session::list::{Caller, CallerError},
    store::Changed,
};

/// Why an order about roles was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// There is no such role or user.
    #[error("there is no such role or user")]
    NotFound,
    /// It is not for the one who gave it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Something else is there than was expected.
    #[error("it was changed in between")]
    Conflict,
    /// Users still hold the role.
    #[error("{0} users hold the role")]
    Held(u64),
    /// Nobody who may do everything would be left.
    #[error("nobody who may do everything would be left")]
    LastAdministrator,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a caller may not administer.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// His session is not good any more, or his last proof of the password is too old.
    #[error(transparent)]
    Caller(#[from] CallerError),
    /// He may do nothing here, and learns nothing of it.
    #[error("there is nothing here for this caller")]
    Nothing,
    /// He may do something, and not this.
    #[error("that takes {0}")]
    Lacks(&'static str),
}

/// Whether the caller may do that at this moment, by session and roles as the store has them and not by his token.
///
/// # Errors
/// [`AdmitError`].
pub async fn admit(
    domain: &Domain,
    caller: &Caller,
    permission: &'static str,
) -> Result<Administrator, AdmitError> {
    let store = domain.store.as_ref();
    let session = store.find_session(caller.session).await;
    let session = session.map_err(CallerError::from)?;
    let table = store.load_roles().await.map_err(CallerError::from)?;
    let authority = Authority::of_session(
        caller.user,
        session.as_ref(),
        table,
        &domain.policy,
        caller.now,
    );
    let authority = authority.map_err(|refusal| match refusal {
        Refusal::Over(ended) => CallerError::Over(ended),
        _ => CallerError::UnknownSession,
    })?;
    if !authority.is_any() {
        return Err(AdmitError::Nothing);
    }
    let lacking = |_| AdmitError::Lacks(permission);
    authority.may(permission).map_err(lacking)?;
    Ok(Administrator {
        actor: Actor::User(caller.user, caller.session),
        origin: caller.origin.clone(),
        now: caller.now,
    })
}

/// The same for what changes things: wants a recent proof of the password, too (RFC 9470).
///
/// # Errors
/// [`AdmitError`].
pub async fn admit_change(
    domain: &Domain,
    caller: &Caller,
    permission: &'static str,
) -> Result<Administrator, AdmitError> {
    let by = admit(domain, caller, permission).await?;
    if caller.now.since(caller.auth_time) > domain.policy.reauth_within {
        return Err(CallerError::Reauthenticate.into());
    }
    Ok(by)
}

/// Makes a role or changes what it permits.
///
/// # Errors
/// [`RoleError`].
pub async fn put_role(store: &dyn Store, putting: Putting) -> Result<Put, RoleError> {
    done(store.put_role(putting).await?)
}

/// Removes a role that nobody holds.
///
/// # Errors
/// [`RoleError`].
pub async fn delete_role(
    store: &dyn Store,
    name: RoleName,
    expected: Expected,
    by: Administrator,
) -> Result<(), RoleError> {
    done(store.delete_role(name, expected, by).await?)
}

/// Gives a user these roles and no others; how many sessions ended.
///
/// # Errors
/// [`RoleError`].
pub async fn assign(store: &dyn Store, assigning: Assigning) -> Result<usize, RoleError> {
    done(store.assign_roles(assigning).await?)
}

fn done<T>(changed: Changed<T>) -> Result<T, RoleError> {
    match changed {
        Changed::Done(what) => Ok(what),
        Changed::NotFound => Err(RoleError::NotFound),
        Changed::Refused(refusal) => Err(refusal.into()),
        Changed::Conflict => Err(RoleError::Conflict),
        Changed::Held(users) => Err(RoleError::Held(users)),
        Changed::LastAdministrator => Err(RoleError::LastAdministrator),
    }
}
