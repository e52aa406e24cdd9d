//! Orders of administrators: each is judged in the transaction that carries it out, by core's [`Authority`], and none leaves
//! nobody behind who may do everything.

use relatch_core::{
    event::{Actor, Administrator},
    permission::{Authority, Refusal},
    session::Policy,
    store::Changed,
};
use rusqlite::Connection;

use super::{role, row::Fault, session};

/// Carries out what `change` does for whoever has the authority, which it must ask.
pub(super) fn ordered<T>(
    connection: &Connection,
    by: &Administrator,
    policy: &Policy,
    change: impl FnOnce(&Authority) -> Result<Changed<T>, Fault>,
) -> Result<Changed<T>, Fault> {
    match of(connection, by, policy)? {
        Ok(authority) => guarded(connection, by, || change(&authority)),
        Err(refusal) => Ok(Changed::Refused(refusal)),
    }
}

fn of(
    connection: &Connection,
    by: &Administrator,
    policy: &Policy,
) -> Result<Result<Authority, Refusal>, Fault> {
    let table = role::load(connection)?;
    Ok(match by.actor {
        Actor::Server | Actor::CommandLine => Ok(Authority::of_owner(table)),
        Actor::User(user, id) => {
            let found = session::find(connection, id)?;
            Authority::of_session(user, found.as_ref(), table, policy, by.now)
        }
    })
}

/// Undoes a change after which nobody could administer any more.
fn guarded<T>(
    connection: &Connection,
    by: &Administrator,
    change: impl FnOnce() -> Result<Changed<T>, Fault>,
) -> Result<Changed<T>, Fault> {
    // Whoever runs commands here can make a new administrator at any time.
    if by.actor == Actor::CommandLine || !is_administered(connection)? {
        return change();
    }
    connection
        .prepare_cached("SAVEPOINT guarded")?
        .execute([])?;
    // What fails here undoes the whole member of the batch, and this with it.
    let changed = change()?;
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
    let table = role::load(connection)?;
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
