//! Roles in PostgreSQL, and who holds them. All changes but what a new user begins with are orders, of which there is one at
//! a time.

use std::collections::BTreeSet;

use async_trait::async_trait;
use relatch_core::{
    StoreError, Tag,
    event::{Administrator, EventKind},
    permission::{
        Role, RoleName, RoleTable,
        role::tag_of,
        store::{Assigning, Expected, Put, Putting, RoleStore},
    },
    session::{EndReason, Policy},
    store::Changed,
    user::UserId,
};

use super::{
    Postgres, administer,
    authority::{order, permitted},
    connection::Connection,
    durable,
    parameter::params,
    reading, reset, revocation,
    row::{self, Fault, one},
    session,
    transaction::Transaction,
    user,
};
use crate::shape;

#[async_trait]
impl RoleStore for Postgres {
    async fn load_roles(&self) -> Result<RoleTable, StoreError> {
        reading!(self, |connection| load(connection))
    }

    async fn roles_of(&self, user: UserId) -> Result<Vec<RoleName>, StoreError> {
        reading!(self, |connection| of_user(connection, user))
    }

    async fn sets_with(&self, role: &RoleName) -> Result<Vec<Vec<RoleName>>, StoreError> {
        reading!(self, |connection| sets_with(connection, role))
    }

    async fn put_role(&self, putting: Putting) -> Result<Changed<Put>, StoreError> {
        durable!(self, |transaction| put(transaction, &putting, &self.policy))
    }

    async fn delete_role(
        &self,
        name: RoleName,
        expected: Expected,
        by: Administrator,
    ) -> Result<Changed<()>, StoreError> {
        durable!(self, |transaction| delete(
            transaction,
            (&name, expected),
            &by,
            &self.policy
        ))
    }

    async fn assign_roles(&self, assigning: Assigning) -> Result<Changed<usize>, StoreError> {
        durable!(self, |transaction| assign(
            transaction,
            &assigning,
            &self.policy
        ))
    }
}

pub(super) async fn load(connection: &Connection) -> Result<RoleTable, Fault> {
    // One statement, so that version and roles are of one moment.
    let sql = "SELECT role_table.version, name, permissions, role.version FROM role_table LEFT JOIN role ON true";
    let rows = connection.rows(sql, params![]).await?;
    let roles = row::all(&rows, |row| {
        let Some(name) = row.try_get::<_, Option<&str>>(1)? else {
            return Ok(None);
        };
        Ok(Some(Role {
            name: shape::role_name(name)?,
            permissions: shape::permissions(row.try_get(2)?)?.into_iter().collect(),
            version: row.try_get(3)?,
        }))
    })?;
    Ok(RoleTable {
        version: one(&rows, "role_table")?,
        roles: roles
            .into_iter()
            .flatten()
            .map(|role| (role.name.clone(), role))
            .collect(),
    })
}

pub(super) async fn of_user(connection: &Connection, user: UserId) -> Result<Vec<RoleName>, Fault> {
    let sql = "SELECT role FROM user_role WHERE user_id = $1 ORDER BY role";
    let rows = connection.rows(sql, params![user.0]).await?;
    row::all(&rows, |row| Ok(shape::role_name(row.try_get(0)?)?))
}

async fn sets_with(connection: &Connection, role: &RoleName) -> Result<Vec<Vec<RoleName>>, Fault> {
    let sql = "SELECT DISTINCT (SELECT string_agg(role, ' ' ORDER BY role) FROM user_role AS his \
               WHERE his.user_id = user_role.user_id) FROM user_role WHERE role = $1";
    let rows = connection.rows(sql, params![role.as_str()]).await?;
    row::all(&rows, |row| Ok(shape::role_names(row.try_get(0)?)?))
}

/// Gives a new user those of these roles that there are, and waits for one that is about to go.
pub(super) async fn give(
    connection: &Connection,
    user: UserId,
    roles: &[RoleName],
) -> Result<(), Fault> {
    if roles.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO user_role SELECT $1, there.name FROM \
               (SELECT name FROM role WHERE name = ANY($2) ORDER BY name FOR KEY SHARE) AS there \
               ON CONFLICT DO NOTHING";
    let roles: Vec<&str> = roles.iter().map(RoleName::as_str).collect();
    connection
        .execute(sql, params![user.0, roles])
        .await
        .map(drop)
}

/// Takes all roles of a user.
pub(super) async fn take_all(connection: &Connection, user: UserId) -> Result<(), Fault> {
    let sql = "DELETE FROM user_role WHERE user_id = $1";
    connection.execute(sql, params![user.0]).await.map(drop)
}

async fn put(
    transaction: &mut Transaction,
    putting: &Putting,
    policy: &Policy,
) -> Result<Changed<Put>, Fault> {
    let Putting {
        name,
        permissions,
        expected,
        by,
    } = putting;
    let order = permitted!(order(transaction, by, None, policy).await?);
    let sets = sets_with(transaction, name).await?;
    permitted!(order.authority.may_put(putting, &sets));
    let found = version(transaction, name).await?;
    if !shape::is_expected(*expected, found) {
        return Ok(Changed::Conflict);
    }
    if let Some(version) = found
        && load(transaction).await?.permits(name) == Some(permissions)
    {
        return Ok(Changed::Done(Put {
            version,
            made: false,
        }));
    }
    if order.authority.putting_raises(putting) {
        reset::forget_of_role(transaction, name).await?;
    }
    let version = next_version(transaction).await?;
    let sql = "INSERT INTO role VALUES ($1, $2, $3) \
               ON CONFLICT (name) DO UPDATE SET permissions = $2, version = $3";
    let text = shape::permission_text(permissions);
    transaction
        .execute(sql, params![name.as_str(), text, version])
        .await?;
    let kind = |by| EventKind::RoleChanged {
        role: name.clone(),
        permissions: permissions.iter().cloned().collect(),
        by,
    };
    transaction.append(by.event_of_store(kind));
    let put = Put {
        version,
        made: found.is_none(),
    };
    order.end(transaction, Changed::Done(put)).await
}

async fn delete(
    transaction: &mut Transaction,
    (name, expected): (&RoleName, Expected),
    by: &Administrator,
    policy: &Policy,
) -> Result<Changed<()>, Fault> {
    let order = permitted!(order(transaction, by, None, policy).await?);
    permitted!(order.authority.may_remove(name));
    let Some(found) = version(transaction, name).await? else {
        return Ok(Changed::NotFound);
    };
    if !shape::is_expected(expected, Some(found)) {
        return Ok(Changed::Conflict);
    }
    let held = holders(transaction, name).await?;
    if held > 0 {
        return Ok(Changed::Held(held));
    }
    next_version(transaction).await?;
    let sql = "DELETE FROM role WHERE name = $1";
    transaction.execute(sql, params![name.as_str()]).await?;
    let kind = |by| EventKind::RoleDeleted {
        role: name.clone(),
        by,
    };
    transaction.append(by.event_of_store(kind));
    order.end(transaction, Changed::Done(())).await
}

/// How many hold it. From here on nobody gets it until the end of the transaction.
async fn holders(connection: &Connection, name: &RoleName) -> Result<u64, Fault> {
    let sql = "SELECT FROM role WHERE name = $1 FOR UPDATE";
    connection.rows(sql, params![name.as_str()]).await?;
    let sql = "SELECT count(*) FROM user_role WHERE role = $1";
    let rows = connection.rows(sql, params![name.as_str()]).await?;
    let held: i64 = one(&rows, "user_role")?;
    u64::try_from(held).map_err(|_| Fault::Corrupt("user_role"))
}

async fn assign(
    transaction: &mut Transaction,
    assigning: &Assigning,
    policy: &Policy,
) -> Result<Changed<usize>, Fault> {
    let Assigning {
        user: id,
        roles,
        by,
        ..
    } = assigning;
    let order = permitted!(order(transaction, by, Some(*id), policy).await?);
    if user::by_id(transaction, *id).await?.is_none() {
        return Ok(Changed::NotFound);
    }
    let held = of_user(transaction, *id).await?;
    let held: BTreeSet<_> = held.into_iter().collect();
    permitted!(order.authority.may_assign(&held, roles));
    let unexpected = |expected: &Tag| *expected != tag_of(&held);
    if assigning.expected.as_ref().is_some_and(unexpected) {
        return Ok(Changed::Conflict);
    }
    if held == *roles && !assigning.at_once && !assigning.end_sessions {
        return Ok(Changed::Done(0));
    }
    if order.authority.assigning_raises(&held, roles) {
        reset::forget(transaction, *id).await?;
    }
    let roles: Vec<_> = roles.iter().cloned().collect();
    let kind = |by| EventKind::RolesAssigned {
        roles: roles.clone(),
        by,
    };
    transaction.append(by.event(*id, kind));
    let ended = concern_sessions(transaction, assigning, policy).await?;
    take_all(transaction, *id).await?;
    give(transaction, *id, &roles).await?;
    order.end(transaction, Changed::Done(ended)).await
}

/// What becomes of the user's sessions; how many end. Those that go on and whose tokens do not are locked until the roles are
/// others: a refresh is either before that, or finds the new roles.
async fn concern_sessions(
    transaction: &mut Transaction,
    assigning: &Assigning,
    policy: &Policy,
) -> Result<usize, Fault> {
    let (id, by) = (assigning.user, &assigning.by);
    if assigning.end_sessions {
        let reason = EndReason::EndedByAdministrator;
        return administer::end_all(transaction, id, reason, by, policy).await;
    }
    if assigning.at_once {
        let sessions = session::lock_of_user(transaction, id).await?;
        revocation::append_tokens(transaction, &sessions, policy, by.now).await?;
    }
    Ok(0)
}

async fn version(connection: &Connection, name: &RoleName) -> Result<Option<i64>, Fault> {
    let sql = "SELECT version FROM role WHERE name = $1";
    let rows = connection.rows(sql, params![name.as_str()]).await?;
    row::first(&rows, |row| Ok(row.try_get(0)?))
}

async fn next_version(connection: &Connection) -> Result<i64, Fault> {
    let sql = "UPDATE role_table SET version = version + 1 RETURNING version";
    one(&connection.rows(sql, params![]).await?, "role_table")
}
