//! Roles in SQLite, and who holds them.

use std::collections::BTreeSet;

use async_trait::async_trait;
use relatch_core::{
    StoreError,
    event::{Actor, Administrator, EventKind},
    permission::{
        Permission, Role, RoleName, RoleTable,
        store::{Assigning, Expected, Putting, RoleStore},
    },
    session::{EndReason, Policy},
    store::Changed,
    user::UserId,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    Sqlite, administer, event, revocation,
    row::{self, Fault},
    session, user,
};

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

    async fn put_role(&self, putting: Putting) -> Result<Changed<i64>, StoreError> {
        self.durable(move |connection| {
            guarded(connection, &putting.by, |connection| {
                put(connection, &putting)
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
        self.durable(move |connection| {
            guarded(connection, &by, |connection| {
                delete(connection, &name, expected, &by)
            })
        })
        .await
    }

    async fn assign_roles(&self, assigning: Assigning) -> Result<Changed<usize>, StoreError> {
        let policy = std::sync::Arc::clone(&self.policy);
        self.revoking(move |connection| {
            guarded(connection, &assigning.by, |connection| {
                assign(connection, &assigning, &policy)
            })
        })
        .await
    }
}

/// Undoes a change after which nobody could administer any more.
pub(super) fn guarded<T>(
    connection: &Connection,
    by: &Administrator,
    change: impl FnOnce(&Connection) -> Result<Changed<T>, Fault>,
) -> Result<Changed<T>, Fault> {
    // Whoever runs commands here can make a new administrator at any time.
    if by.actor == Actor::CommandLine {
        return change(connection);
    }
    if !is_administered(connection)? {
        return change(connection);
    }
    connection
        .prepare_cached("SAVEPOINT guarded")?
        .execute([])?;
    // What fails here undoes the whole member of the batch, and this with it.
    let changed = change(connection)?;
    let lost = !is_administered(connection)?;
    if lost {
        connection
            .prepare_cached("ROLLBACK TO guarded")?
            .execute([])?;
    }
    connection.prepare_cached("RELEASE guarded")?.execute([])?;
    Ok(if lost {
        Changed::LastAdministrator
    } else {
        changed
    })
}

/// Whether an active user may do everything.
fn is_administered(connection: &Connection) -> Result<bool, Fault> {
    let table = load(connection)?;
    let sql = "SELECT user_id FROM user_role JOIN user ON user.id = user_id \
               WHERE role = ?1 AND NOT disabled AND deleted_at IS NULL LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    for role in table.administering() {
        if statement.exists([role.as_str()])? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn load(connection: &Connection) -> Result<RoleTable, Fault> {
    // One statement, so that version and roles are of one moment.
    let sql = "SELECT role_table.version, name, permissions, role.version FROM role_table LEFT JOIN role ON true";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = row::all(statement.query([])?, |row| {
        let Some(name) = row.get::<_, Option<String>>(1)? else {
            return Ok((row.get(0)?, None));
        };
        let role = Role {
            name: role_name(&name)?,
            permissions: permissions(&row.get::<_, String>(2)?)?
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
        role_name(&row.get::<_, String>(0)?)
    })
}

fn sets_with(connection: &Connection, role: &RoleName) -> Result<Vec<Vec<RoleName>>, Fault> {
    let sql = "SELECT DISTINCT (SELECT group_concat(role, ' ') FROM user_role AS his WHERE his.user_id = user_role.user_id) \
               FROM user_role WHERE role = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    row::all(statement.query([role.as_str()])?, |row| {
        role_names(&row.get::<_, String>(0)?)
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

fn put(connection: &Connection, putting: &Putting) -> Result<Changed<i64>, Fault> {
    let Putting {
        name,
        permissions,
        expected,
        by,
    } = putting;
    let found = version(connection, name)?;
    if !is_expected(*expected, found) {
        return Ok(Changed::Conflict);
    }
    let version = next_version(connection)?;
    let sql = "INSERT INTO role VALUES (?1, ?2, ?3) \
               ON CONFLICT (name) DO UPDATE SET permissions = ?2, version = ?3";
    let text: Vec<_> = permissions.iter().map(Permission::as_str).collect();
    connection
        .prepare_cached(sql)?
        .execute(params![name.as_str(), text.join(" "), version])?;
    let kind = |by| EventKind::RoleChanged {
        role: name.clone(),
        permissions: permissions.iter().cloned().collect(),
        by,
    };
    event::append(connection, &by.event_of_store(kind))?;
    Ok(Changed::Done(version))
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
    if !is_expected(expected, Some(found)) {
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

fn assign(
    connection: &Connection,
    assigning: &Assigning,
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
    if assigning
        .expected
        .as_ref()
        .is_some_and(|expected| *expected != held)
    {
        return Ok(Changed::Conflict);
    }
    if held == *roles {
        return Ok(Changed::Done(0));
    }
    for role in roles {
        if version(connection, role)?.is_none() {
            return Ok(Changed::Conflict);
        }
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

fn is_expected(expected: Expected, found: Option<i64>) -> bool {
    match expected {
        Expected::Anything => true,
        Expected::Absent => found.is_none(),
        Expected::Version(version) => found == Some(version),
    }
}

fn next_version(connection: &Connection) -> Result<i64, Fault> {
    let sql = "UPDATE role_table SET version = version + 1 RETURNING version";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?)
}

fn role_name(text: &str) -> Result<RoleName, Fault> {
    RoleName::parse(text).map_err(|_| Fault::Corrupt("role.name"))
}

/// Names with spaces between them.
pub(super) fn role_names(text: &str) -> Result<Vec<RoleName>, Fault> {
    text.split(' ').map(role_name).collect()
}

/// Permissions with spaces between them.
pub(super) fn permissions(text: &str) -> Result<Vec<Permission>, Fault> {
    let words = text.split(' ').filter(|word| !word.is_empty());
    words
        .map(|word| Permission::parse(word).map_err(|_| Fault::Corrupt("permissions")))
        .collect()
}
