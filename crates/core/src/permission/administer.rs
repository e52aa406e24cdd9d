//! What an administrator does with roles: nobody gives more than he may, and nobody is given more than a token can carry.

use std::collections::BTreeSet;

use super::{
    GrantError, Permission, Rights, Role, RoleName, RoleTable,
    grant::fits,
    store::{Assigning, Expected, Putting},
};
use crate::{
    Domain, Store, StoreError,
    event::Administrator,
    session::list::{self, Caller, CallerError},
    store::Changed,
    user::UserId,
};

/// Why an order about roles was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// There is no such role or user.
    #[error("there is no such role or user")]
    NotFound,
    /// One of the roles that a user should get does not exist.
    #[error("there is no role {}", .0.as_str())]
    UnknownRole(RoleName),
    /// It gives too much.
    #[error(transparent)]
    Grant(#[from] GrantError),
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

/// What the caller may do here, by the roles that he holds at this moment, in what his login asked for.
///
/// # Errors
/// As [`list::current`].
pub async fn rights(domain: &Domain, caller: &Caller) -> Result<Rights, CallerError> {
    let session = list::current(domain, caller).await?;
    let table = domain.roles.load();
    let held = table.permissions(&session.roles);
    let used = super::role::narrowed(held, session.scope.as_deref());
    Ok(Rights::Held(used.into_iter().cloned().collect()))
}

/// Makes a role or changes what it permits; its version.
///
/// # Errors
/// [`RoleError`].
pub async fn put_role(
    store: &dyn Store,
    rights: &Rights,
    putting: Putting,
) -> Result<i64, RoleError> {
    let mut table = store.load_roles().await?;
    let before = table.roles.get(&putting.name);
    let nothing = BTreeSet::new();
    let before = before.map_or(&nothing, |role| &role.permissions);
    // Taking away concerns whoever had it, as giving does.
    rights.may_grant(putting.permissions.symmetric_difference(before))?;
    let role = Role {
        name: putting.name.clone(),
        permissions: putting.permissions.clone(),
        version: 0,
    };
    table.roles.insert(putting.name.clone(), role);
    fits(&table, std::slice::from_ref(&putting.name))?;
    for set in store.sets_with(&putting.name).await? {
        fits(&table, &set)?;
    }
    done(store.put_role(putting).await?)
}

/// Removes a role that nobody holds.
///
/// # Errors
/// [`RoleError`].
pub async fn delete_role(
    store: &dyn Store,
    rights: &Rights,
    name: RoleName,
    expected: Expected,
    by: Administrator,
) -> Result<(), RoleError> {
    let table = store.load_roles().await?;
    rights.may_grant(table.permissions([&name]))?;
    done(store.delete_role(name, expected, by).await?)
}

/// Gives a user these roles and no others; how many sessions ended.
///
/// # Errors
/// [`RoleError`].
pub async fn assign(
    store: &dyn Store,
    rights: &Rights,
    assigning: Assigning,
) -> Result<usize, RoleError> {
    let table = store.load_roles().await?;
    let unknown = assigning
        .roles
        .iter()
        .find(|role| !table.roles.contains_key(*role));
    if let Some(unknown) = unknown {
        return Err(RoleError::UnknownRole(unknown.clone()));
    }
    let held: BTreeSet<_> = store.roles_of(assigning.user).await?.into_iter().collect();
    rights.may_act_on(table.permissions(&held))?;
    rights.may_grant(table.permissions(held.symmetric_difference(&assigning.roles)))?;
    let roles: Vec<_> = assigning.roles.iter().cloned().collect();
    fits(&table, &roles)?;
    done(store.assign_roles(assigning).await?)
}

/// Whether these rights reach that user: nobody acts on an account that may do more here than he.
///
/// # Errors
/// [`RoleError::Grant`], [`RoleError::Store`].
pub async fn may_act_on(store: &dyn Store, rights: &Rights, user: UserId) -> Result<(), RoleError> {
    let table: RoleTable = store.load_roles().await?;
    let held = store.roles_of(user).await?;
    let theirs: BTreeSet<&Permission> = table.permissions(&held);
    Ok(rights.may_act_on(theirs)?)
}

fn done<T>(changed: Changed<T>) -> Result<T, RoleError> {
    match changed {
        Changed::Done(what) => Ok(what),
        Changed::NotFound => Err(RoleError::NotFound),
        Changed::Conflict => Err(RoleError::Conflict),
        Changed::Held(users) => Err(RoleError::Held(users)),
        Changed::LastAdministrator => Err(RoleError::LastAdministrator),
    }
}
