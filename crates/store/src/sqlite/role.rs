//! Roles in SQLite, and who holds them.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use relatch_core::{
    StoreError, Tag,
    event::{Administrator, EventKind},
    permission::{
        Authority, Role, RoleName, RoleTable,
        role::tag_of,
        store::{Assigning, Expected, Put, Putting, RoleStore},
    },
    session::{EndReason, Policy},
    store::Changed,
    user::UserId,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    Sqlite, administer, authority, event, reset, revocation,
    row::{self, Fault},
    session, user,
};
use crate::shape;

#[async_trait]
impl RoleStore for Sqlite {
    async fn load_roles(&self) -> Result<RoleTable, StoreError> {
        self.readers.read(load).await
    }

    async fn roles_of(&self, user: UserId) -> Result<Vec<RoleName>, StoreError> {
        self.readers
            .read(move |connection| of_user(connection, user))
            .await
    }

    async fn sets_with(&self, role: &RoleName) -> Result<Vec<Vec<RoleName>>, StoreError> {
        let role = role.clone();
        self.readers
            .read(move |connection| sets_with(connection, &role))
            .await
    }

    async fn put_role(&self, putting: Putting) -> Result<Changed<Put>, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.durable(move |connection| {
            authority::ordered(connection, &putting.by, &policy, |authority| {
                put(connection, &putting, authority)
            })
        })
        .await
    }

    async fn delete_role(
        &self,
        name: RoleName,
        expected: Expected,
        by: Administrator,
    ) -> Result<Changed<()>, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.durable(move |connection| {
            authority::ordered(connection, &by, &policy, |authority| {
                if let Err(refusal) = authority.may_remove(&name) {
                    return Ok(Changed::Refused(refusal));
                }
                delete(connection, &name, expected, &by)
            })
        })
        .await
    }

    async fn assign_roles(&self, assigning: Assigning) -> Result<Changed<usize>, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.revoking(move |connection| {
            authority::ordered(connection, &assigning.by, &policy, |authority| {
                assign(connection, &assigning, authority, &policy)
            })
        })
        .await
    }
}

pub(super) fn load(connection: &Connection) -> Result<RoleTable, Fault> {
    // One statement, so that version and roles are of one moment.
    let sql = "SELECT role_table.version, name, permissions, role.version FROM role_table LEFT JOIN role ON true";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = row::all(statement.query([])?, |row| {
        let Some(name) = row.get::<_, Option<String>>(1)? else {
            return Ok((row.get(0)?, None));
        };
        let role = Role {
            name: shape::role_name(&name)?,
            permissions: shape::permissions(&row.get::<_, String>(2)?)?
                .into_iter()
                .collect(),
            version: row.get(3)?,
        };
        Ok((row.get(0)?, Some(role)))
    })?;
    Ok(RoleTable {
        version: rows.first().map_or(0, |first| first.0),
        roles: rows
            .into_iter()
            .filter_map(|row| row.1)
            .map(|role| (role.name.clone(), role))
            .collect(),
    })
}

pub(super) fn of_user(connection: &Connection, user: UserId) -> Result<Vec<RoleName>, Fault> {
    let sql = "SELECT role FROM user_role WHERE user_id = ?1 ORDER BY role";
    let mut statement = connection.prepare_cached(sql)?;
    row::all(statement.query([user.0.as_bytes()])?, |row| {
        Ok(shape::role_name(&row.get::<_, String>(0)?)?)
    })
}

fn sets_with(connection: &Connection, role: &RoleName) -> Result<Vec<Vec<RoleName>>, Fault> {
    let sql = "SELECT DISTINCT (SELECT group_concat(role, ' ') FROM user_role AS his WHERE his.user_id = user_role.user_id) \
               FROM user_role WHERE role = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    row::all(statement.query([role.as_str()])?, |row| {
        Ok(shape::role_names(&row.get::<_, String>(0)?)?)
    })
}

/// Gives a new user those of these roles that there are.
pub(super) fn give(connection: &Connection, user: UserId, roles: &[RoleName]) -> Result<(), Fault> {
    let sql = "INSERT OR IGNORE INTO user_role SELECT ?1, name FROM role WHERE name = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    for role in roles {
        statement.execute(params![user.0.as_bytes(), role.as_str()])?;
    }
    Ok(())
}

fn put(
    connection: &Connection,
    putting: &Putting,
    authority: &Authority,
) -> Result<Changed<Put>, Fault> {
    let Putting {
        name,
        permissions,
        expected,
        by,
    } = putting;
    if let Err(refusal) = authority.may_put(putting, &sets_with(connection, name)?) {
        return Ok(Changed::Refused(refusal));
    }
    let found = version(connection, name)?;
    if !shape::is_expected(*expected, found) {
        return Ok(Changed::Conflict);
    }
    if let Some(version) = found
        && load(connection)?.permits(name) == Some(permissions)
    {
        return Ok(Changed::Done(Put {
            version,
            made: false,
        }));
    }
    if authority.putting_raises(putting) {
        reset::forget_of_role(connection, name)?;
    }
    let version = next_version(connection)?;
    let sql = "INSERT INTO role VALUES (?1, ?2, ?3) \
               ON CONFLICT (name) DO UPDATE SET permissions = ?2, version = ?3";
    let text = shape::permission_text(permissions);
    connection
        .prepare_cached(sql)?
        .execute(params![name.as_str(), text, version])?;
    let kind = |by| EventKind::RoleChanged {
        role: name.clone(),
        permissions: permissions.iter().cloned().collect(),
        by,
    };
    event::append(connection, &by.event_of_store(kind))?;
    Ok(Changed::Done(Put {
        version,
        made: found.is_none(),
    }))
}

fn delete(
    connection: &Connection,
    name: &RoleName,
    expected: Expected,
    by: &Administrator,
) -> Result<Changed<()>, Fault> {
    let Some(found) = version(connection, name)? else {
        return Ok(Changed::NotFound);
    };
    if !shape::is_expected(expected, Some(found)) {
        return Ok(Changed::Conflict);
    }
    let sql = "SELECT count(*) FROM user_role WHERE role = ?1";
    let held: u64 = connection
        .prepare_cached(sql)?
        .query_row([name.as_str()], |row| row.get(0))?;
    if held > 0 {
        return Ok(Changed::Held(held));
    }
    next_version(connection)?;
    connection
        .prepare_cached("DELETE FROM role WHERE name = ?1")?
        .execute([name.as_str()])?;
    let kind = |by| EventKind::RoleDeleted {
        role: name.clone(),
        by,
    };
    event::append(connection, &by.event_of_store(kind))?;
    Ok(Changed::Done(()))
}

pub(super) fn assign(
    connection: &Connection,
    assigning: &Assigning,
    authority: &Authority,
    policy: &Policy,
) -> Result<Changed<usize>, Fault> {
    let Assigning {
        user: id,
        roles,
        by,
        ..
    } = assigning;
    if user::by_id(connection, *id)?.is_none() {
        return Ok(Changed::NotFound);
    }
    let held: BTreeSet<_> = of_user(connection, *id)?.into_iter().collect();
    if let Err(refusal) = authority.may_assign(&held, roles) {
        return Ok(Changed::Refused(refusal));
    }
    let unexpected = |expected: &Tag| *expected != tag_of(&held);
    if assigning.expected.as_ref().is_some_and(unexpected) {
        return Ok(Changed::Conflict);
    }
    if held == *roles && !assigning.at_once && !assigning.end_sessions {
        return Ok(Changed::Done(0));
    }
    if authority.assigning_raises(&held, roles) {
        reset::forget(connection, *id)?;
    }
    connection
        .prepare_cached("DELETE FROM user_role WHERE user_id = ?1")?
        .execute([id.0.as_bytes()])?;
    let roles: Vec<_> = roles.iter().cloned().collect();
    give(connection, *id, &roles)?;
    let kind = |by| EventKind::RolesAssigned { roles, by };
    event::append(connection, &by.event(*id, kind))?;
    if !assigning.end_sessions {
        if assigning.at_once {
            let sessions = session::of_user(connection, *id)?;
            revocation::append_tokens(connection, &sessions, policy, by.now)?;
        }
        return Ok(Changed::Done(0));
    }
    administer::end_all(connection, *id, EndReason::EndedByAdministrator, by, policy)
        .map(Changed::Done)
}

fn version(connection: &Connection, name: &RoleName) -> Result<Option<i64>, Fault> {
    let sql = "SELECT version FROM role WHERE name = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement
        .query_row([name.as_str()], |row| row.get(0))
        .optional()?)
}

fn next_version(connection: &Connection) -> Result<i64, Fault> {
    let sql = "UPDATE role_table SET version = version + 1 RETURNING version";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?)
}
