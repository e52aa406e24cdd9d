//! What the database that a backup replaces knows, and the backup has forgotten: keys that were withdrawn, users who were
//! shut out, roles and credentials that were taken. Only reads; what becomes of it is the restore's business.

use std::path::Path;

use relatch_core::{
    key::{KeyRecord, KeyState, Purpose},
    permission::RoleName,
    resource_server::ResourceServerName,
    user::UserId,
};
use rusqlite::Connection;
use uuid::Uuid;

use super::{
    key,
    migrate::{self, OpenError},
    resource_server, role,
    row::{self, Fault},
};

/// What is known of the database that is replaced.
#[derive(Debug)]
pub enum Replaced {
    /// There is none.
    Absent,
    /// It cannot be read, for this reason.
    Unreadable(OpenError),
    /// What happened in it since the backup.
    Known(Since),
}

/// A user by his id and the name that he has in the backup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// Who.
    pub id: UserId,
    /// His login name.
    pub name: String,
}

/// What happened since a backup was taken, as far as the backup would undo it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Since {
    /// Keys that got into wrong hands, those that the backup does not know, too.
    pub withdrawn: Vec<KeyRecord>,
    /// Users who were disabled.
    pub disabled: Vec<Named>,
    /// Users who were deleted.
    pub deleted: Vec<Named>,
    /// Users with the roles that they were left.
    pub demoted: Vec<(Named, Vec<RoleName>)>,
    /// Resource servers that were removed, or were given another credential.
    pub removed: Vec<ResourceServerName>,
    /// Users whose password is another one now.
    pub passwords: Vec<Named>,
    /// Roles that permit something else now, or are gone.
    pub roles: Vec<String>,
}

/// Compares the database at `place` with the backup behind `connection`.
pub(super) fn look(connection: &Connection, place: &Path) -> Replaced {
    if !place.exists() {
        return Replaced::Absent;
    }
    match compare(connection, place) {
        Ok(since) => Replaced::Known(since),
        Err(error) => Replaced::Unreadable(error),
    }
}

fn compare(connection: &Connection, place: &Path) -> Result<Since, OpenError> {
    let path = place.to_str().ok_or(OpenError::Corrupt("name"))?;
    connection.execute("ATTACH ?1 AS replaced", [path])?;
    let since = read(connection);
    // Whoever takes its place wants it for himself.
    connection.execute_batch("DETACH replaced")?;
    since
}

fn read(connection: &Connection) -> Result<Since, OpenError> {
    migrate::is_current(connection, "replaced")?;
    let goes_on = goes_on(connection)?;
    let mut since = Since {
        withdrawn: withdrawn(connection)?,
        disabled: users(connection, DISABLED)?,
        deleted: users(connection, DELETED)?,
        passwords: users(connection, PASSWORDS)?,
        ..Since::default()
    };
    // Who or what is not in it may have been made after it went another way.
    if goes_on {
        since.deleted.extend(users(connection, GONE)?);
        since.demoted = demoted(connection)?;
        since.removed = removed(connection)?;
        since.roles = roles(connection)?;
    }
    Ok(since)
}

/// Whether it began as the state that the backup holds: it has the newest event of that.
fn goes_on(connection: &Connection) -> Result<bool, Fault> {
    shares(connection, "max(number)")
}

/// Whether both are of one installation: they begin with the same event.
fn is_of_one_origin(connection: &Connection) -> Result<bool, Fault> {
    shares(connection, "min(number)")
}

fn shares(connection: &Connection, number: &str) -> Result<bool, Fault> {
    let sql = format!(
        "SELECT NOT EXISTS (SELECT 1 FROM main.event) OR EXISTS ( \
         SELECT 1 FROM main.event AS ours JOIN replaced.event AS its USING (number) \
         WHERE number = (SELECT {number} FROM main.event) \
         AND its.at = ours.at AND its.name = ours.name AND its.user_id = ours.user_id)"
    );
    Ok(connection.query_row(&sql, [], |row| row.get(0))?)
}

/// The id of a signing key is chance and names one key for ever; that of a token key is a small number.
fn withdrawn(connection: &Connection) -> Result<Vec<KeyRecord>, Fault> {
    let related = is_of_one_origin(connection)?;
    let before = key::load(connection)?.records;
    let is_gone = |key: &KeyRecord| matches!(key.state, KeyState::Compromised { .. });
    let was_gone = |key: &KeyRecord| {
        let same = |other: &&KeyRecord| other.purpose == key.purpose && other.id == key.id;
        before.iter().find(same).is_some_and(is_gone)
    };
    let mut records = key::load_from(connection, "replaced")?.records;
    records.retain(|key| {
        is_gone(key) && !was_gone(key) && (related || key.purpose == Purpose::Signing)
    });
    Ok(records)
}

const DISABLED: &str = "JOIN replaced.user AS its USING (id) \
     WHERE its.disabled AND NOT ours.disabled AND its.deleted_at IS NULL";

const DELETED: &str = "JOIN replaced.user AS its USING (id) WHERE its.deleted_at IS NOT NULL";

const GONE: &str = "LEFT JOIN replaced.user AS its USING (id) WHERE its.id IS NULL";

const PASSWORDS: &str = "JOIN replaced.user AS its USING (id) \
     WHERE its.credential_version > ours.credential_version AND its.deleted_at IS NULL";

/// The users of the backup that this is true of.
fn users(connection: &Connection, condition: &str) -> Result<Vec<Named>, Fault> {
    let sql = format!(
        "SELECT ours.id, ours.username FROM main.user AS ours {condition} \
         AND ours.deleted_at IS NULL ORDER BY ours.username"
    );
    let mut statement = connection.prepare(&sql)?;
    row::all(statement.query([])?, |row| {
        Ok(Named {
            id: UserId(Uuid::from_bytes(row.get(0)?)),
            name: row.get(1)?,
        })
    })
}

/// Who lost roles, with those that he was left: what he was given since is gone with everything else.
fn demoted(connection: &Connection) -> Result<Vec<(Named, Vec<RoleName>)>, Fault> {
    let held = "SELECT 1 FROM replaced.user_role AS its WHERE its.user_id = ours.id";
    let lost = format!(
        "JOIN replaced.user AS its USING (id) WHERE its.deleted_at IS NULL AND EXISTS ( \
         SELECT 1 FROM main.user_role AS had WHERE had.user_id = ours.id AND NOT EXISTS ({held} AND its.role = had.role))"
    );
    let mut found = Vec::new();
    for user in users(connection, &lost)? {
        let left = role::of_user(connection, user.id)?;
        let sql = "SELECT role FROM replaced.user_role WHERE user_id = ?1";
        let mut statement = connection.prepare_cached(sql)?;
        let still = row::all(statement.query([user.id.0.as_bytes()])?, |row| {
            Ok(row.get::<_, String>(0)?)
        })?;
        let left = left
            .into_iter()
            .filter(|role| still.iter().any(|still| still == role.as_str()));
        found.push((user, left.collect()));
    }
    Ok(found)
}

fn removed(connection: &Connection) -> Result<Vec<ResourceServerName>, Fault> {
    let sql = "SELECT ours.name FROM main.resource_server AS ours \
               LEFT JOIN replaced.resource_server AS its USING (hash) WHERE its.hash IS NULL ORDER BY 1";
    let mut statement = connection.prepare(sql)?;
    row::all(statement.query([])?, |row| resource_server::name(row, 0))
}

fn roles(connection: &Connection) -> Result<Vec<String>, Fault> {
    let sql = "SELECT ours.name FROM main.role AS ours LEFT JOIN replaced.role AS its USING (name) \
               WHERE its.permissions IS NOT ours.permissions ORDER BY 1";
    let mut statement = connection.prepare(sql)?;
    row::all(statement.query([])?, |row| Ok(row.get(0)?))
}
