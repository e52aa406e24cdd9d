//! What administrators do with users, in SQLite: each a member of a batch that no login can run beside.

use relatch_core::{
    Tag,
    event::{Administrator, EventKind},
    permission::{Authority, grant},
    session::{
        EndReason, Policy,
        store::{Ending, Which},
    },
    store::Changed,
    user::{
        User, UserId, UserState,
        store::{
            Creating, EmailChange, Readdressing, Registered, Resetting, StateChange, UserQuery,
        },
    },
};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{
    event, reset, role,
    row::{self, CREDENTIALS, Fault},
    session, user,
};
use crate::shape;

pub(super) fn create(
    connection: &Connection,
    creating: &Creating,
    authority: &Authority,
) -> Result<Changed<Registered>, Fault> {
    let Creating {
        user,
        hash,
        roles,
        code,
        by,
    } = creating;
    if let Err(refusal) = authority.may(grant::USERS) {
        return Ok(Changed::Refused(refusal));
    }
    let inserted = user::insert(connection, user, hash)?;
    if inserted == Registered::Done {
        role::give(connection, user.id, roles)?;
        event::append(connection, &by.event(user.id, EventKind::UserCreated))?;
        if let Some(code) = code {
            reset::keep(connection, user.id, code, user::FIRST)?;
            event::append(connection, &by.event(user.id, EventKind::ResetCodeIssued))?;
        }
    }
    Ok(Changed::Done(inserted))
}

/// The user as he is, if the one with that authority may change him and he is as expected.
pub(super) fn reached(
    connection: &Connection,
    id: UserId,
    authority: &Authority,
    expected: Option<&Tag>,
) -> Result<Changed<User>, Fault> {
    let Some(found) = user::by_id(connection, id)? else {
        return Ok(Changed::NotFound);
    };
    let theirs = role::of_user(connection, id)?;
    if let Err(refusal) = authority.may_act_on(grant::USERS, &theirs) {
        return Ok(Changed::Refused(refusal));
    }
    if expected.is_some_and(|expected| *expected != found.user.tag()) {
        return Ok(Changed::Conflict);
    }
    Ok(Changed::Done(found.user))
}

pub(super) fn list(connection: &Connection, query: &UserQuery) -> Result<Vec<User>, Fault> {
    let sql = format!(
        "SELECT {CREDENTIALS} FROM user WHERE deleted_at IS NULL AND username > ?1 \
         AND (instr(username, ?2) OR instr(lower(email), ?2)) ORDER BY username LIMIT ?3"
    );
    let after = query.after.as_ref().map_or("", |name| name.as_str());
    let search = query.search.as_deref().unwrap_or("").to_ascii_lowercase();
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query(params![after, search, query.limit])?;
    row::all(rows, |row| Ok(row::credentials(row)?.user))
}

pub(super) fn set_state(
    connection: &Connection,
    user: &User,
    state: UserState,
    by: &Administrator,
    policy: &Policy,
) -> Result<Changed<StateChange>, Fault> {
    let id = user.id;
    if user.state == state {
        return Ok(Changed::Done(StateChange::Unchanged));
    }
    let sql = "UPDATE user SET disabled = ?2 WHERE id = ?1";
    connection
        .prepare_cached(sql)?
        .execute(params![id.0.as_bytes(), state == UserState::Disabled])?;
    let ended = match state {
        UserState::Active => {
            event::append(connection, &by.event(id, EventKind::UserEnabled))?;
            0
        }
        UserState::Disabled => {
            event::append(connection, &by.event(id, EventKind::UserDisabled))?;
            end_all(connection, id, EndReason::UserDisabled, by, policy)?
        }
    };
    Ok(Changed::Done(StateChange::Changed { ended }))
}

pub(super) fn set_email(
    connection: &Connection,
    user: &User,
    order: &Readdressing,
) -> Result<Changed<EmailChange>, Fault> {
    if user.email == order.email {
        return Ok(Changed::Done(EmailChange::Unchanged));
    }
    let sql = "UPDATE user SET email = ?2 WHERE id = ?1";
    connection
        .prepare_cached(sql)?
        .execute(params![user.id.0.as_bytes(), order.email.as_str()])?;
    let code_voided = reset::forget(connection, user.id)?;
    let event = order.by.event(user.id, EventKind::EmailChanged);
    event::append(connection, &event)?;
    Ok(Changed::Done(EmailChange::Changed { code_voided }))
}

pub(super) fn reset_password(
    connection: &Connection,
    resetting: &Resetting,
    policy: &Policy,
) -> Result<Changed<usize>, Fault> {
    let Resetting { user: id, hash, by } = resetting;
    user::set_new_password(connection, *id, hash)?;
    event::append(connection, &by.event(*id, EventKind::PasswordReset))?;
    end_all(connection, *id, EndReason::PasswordChanged, by, policy).map(Changed::Done)
}

pub(super) fn delete(
    connection: &Connection,
    id: UserId,
    by: &Administrator,
    policy: &Policy,
) -> Result<Changed<usize>, Fault> {
    event::append(connection, &by.event(id, EventKind::UserDeleted))?;
    reset::forget(connection, id)?;
    let ended = end_all(connection, id, EndReason::UserDeleted, by, policy)?;
    let sql = "UPDATE user SET username = ?2, email = '', password_hash = '', deleted_at = ?3, \
               credential_version = credential_version + 1 WHERE id = ?1";
    connection
        .prepare_cached("DELETE FROM user_role WHERE user_id = ?1")?
        .execute([id.0.as_bytes()])?;
    let nobody = shape::nobody(id);
    connection.prepare_cached(sql)?.execute(params![
        id.0.as_bytes(),
        nobody,
        by.now.as_millis()
    ])?;
    Ok(Changed::Done(ended))
}

/// Ends sessions of a user; the order goes on record unless it changes nothing.
pub(super) fn end(
    connection: &Connection,
    (id, which): (UserId, Which),
    by: &Administrator,
    authority: &Authority,
    policy: &Policy,
) -> Result<Changed<usize>, Fault> {
    if which == Which::All && user::by_id(connection, id)?.is_none() {
        return Ok(Changed::NotFound);
    }
    let theirs = role::of_user(connection, id)?;
    if let Err(refusal) = authority.may_act_on(grant::SESSIONS, &theirs) {
        return Ok(Changed::Refused(refusal));
    }
    let ending = Ending {
        user: id,
        which,
        reason: EndReason::EndedByAdministrator,
        origin: by.origin.clone(),
        now: by.now,
    };
    let ended = session::end(connection, &ending, policy)?;
    if ended > 0 {
        let mut event = by.event(id, EventKind::SessionEndOrdered);
        if let Which::One(session) = which {
            event.session = Some(session);
        }
        event::append(connection, &event)?;
    }
    Ok(Changed::Done(ended))
}

pub(super) fn end_all(
    connection: &Connection,
    user: UserId,
    reason: EndReason,
    by: &Administrator,
    policy: &Policy,
) -> Result<usize, Fault> {
    let ending = Ending {
        user,
        which: Which::All,
        reason,
        origin: by.origin.clone(),
        now: by.now,
    };
    session::end(connection, &ending, policy)
}

/// Deleted users, each with whether sessions name him still.
pub(super) fn deleted(
    connection: &Connection,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<(UserId, bool)>, Fault> {
    let sql = "SELECT id, EXISTS (SELECT 1 FROM session WHERE user_id = user.id) FROM user \
               WHERE deleted_at IS NOT NULL AND id > ?1 ORDER BY id LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let after = after.map_or_else(Vec::new, |id| id.0.as_bytes().to_vec());
    row::all(statement.query(params![after, limit])?, |row| {
        Ok((UserId(Uuid::from_bytes(row.get(0)?)), row.get(1)?))
    })
}

/// Nobody opens a session of a deleted user, so that one who had none has none.
pub(super) fn forget(connection: &Connection, gone: &[(UserId, bool)]) -> Result<usize, Fault> {
    let sql = "DELETE FROM user WHERE id = ?1 AND deleted_at IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let mut count = 0;
    for (id, _) in gone {
        count += statement.execute([id.0.as_bytes()])?;
    }
    Ok(count)
}
