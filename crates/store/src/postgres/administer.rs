//! What administrators do with users, in PostgreSQL: each under the lock of the user, which a login needs, too.

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
use uuid::Uuid;

use super::{
    authority::{order, permitted},
    connection::Connection,
    parameter::params,
    reset, role,
    row::{self, CREDENTIALS, Fault},
    session,
    transaction::Transaction,
    user,
};
use crate::shape;

/// Whom an order is about, as what he is expected, and who gives it.
pub(super) type About<'a> = (UserId, Option<Tag>, &'a Administrator);

pub(super) async fn create(
    transaction: &mut Transaction,
    creating: &Creating,
    policy: &Policy,
) -> Result<Changed<Registered>, Fault> {
    let Creating {
        user,
        hash,
        roles,
        code,
        by,
    } = creating;
    let order = permitted!(order(transaction, by, None, policy).await?);
    permitted!(order.authority.may(grant::USERS));
    let inserted = user::insert(transaction, user, hash).await?;
    if inserted == Registered::Done {
        role::give(transaction, user.id, roles).await?;
        transaction.append(by.event(user.id, EventKind::UserCreated));
        if let Some(code) = code {
            reset::keep(transaction, user.id, code, user::FIRST).await?;
            transaction.append(by.event(user.id, EventKind::ResetCodeIssued));
        }
    }
    order.end(transaction, Changed::Done(inserted)).await
}

/// The user as he is, if the one with that authority may change him and he is as expected.
async fn reached(
    connection: &Connection,
    id: UserId,
    authority: &Authority,
    expected: Option<&Tag>,
) -> Result<Changed<User>, Fault> {
    let Some(found) = user::by_id(connection, id).await? else {
        return Ok(Changed::NotFound);
    };
    let theirs = role::of_user(connection, id).await?;
    permitted!(authority.may_act_on(grant::USERS, &theirs));
    if expected.is_some_and(|expected| *expected != found.user.tag()) {
        return Ok(Changed::Conflict);
    }
    Ok(Changed::Done(found.user))
}

/// The user, or what became of an order that goes no further.
macro_rules! reached {
    ($reached:expr) => {
        match $reached {
            Changed::Done(user) => user,
            other => return other.and_then(|_| Ok(Changed::NotFound)),
        }
    };
}

pub(super) async fn list(connection: &Connection, query: &UserQuery) -> Result<Vec<User>, Fault> {
    let sql = format!(
        "SELECT {CREDENTIALS} FROM \"user\" WHERE deleted_at IS NULL AND username > $1 \
         AND (strpos(username, $2) > 0 OR strpos(lower(email), $2) > 0) ORDER BY username LIMIT $3"
    );
    let after = query.after.as_ref().map_or("", |name| name.as_str());
    let search = query.search.as_deref().unwrap_or("").to_ascii_lowercase();
    if !row::can_be_text(&search) {
        return Ok(Vec::new());
    }
    let parameters = params![after, search, i64::from(query.limit)];
    row::all(&connection.rows(&sql, parameters).await?, |row| {
        Ok(row::credentials(row)?.user)
    })
}

pub(super) async fn set_state(
    transaction: &mut Transaction,
    (id, expected, by): &About<'_>,
    state: UserState,
    policy: &Policy,
) -> Result<Changed<StateChange>, Fault> {
    let order = permitted!(order(transaction, by, Some(*id), policy).await?);
    let found = reached(transaction, *id, &order.authority, expected.as_ref()).await?;
    let user = reached!(found);
    if user.state == state {
        return Ok(Changed::Done(StateChange::Unchanged));
    }
    let sql = "UPDATE \"user\" SET disabled = $2 WHERE id = $1";
    let parameters = params![id.0, state == UserState::Disabled];
    transaction.execute(sql, parameters).await?;
    let ended = match state {
        UserState::Active => {
            transaction.append(by.event(*id, EventKind::UserEnabled));
            0
        }
        UserState::Disabled => {
            transaction.append(by.event(*id, EventKind::UserDisabled));
            end_all(transaction, *id, EndReason::UserDisabled, by, policy).await?
        }
    };
    let changed = Changed::Done(StateChange::Changed { ended });
    order.end(transaction, changed).await
}

pub(super) async fn set_email(
    transaction: &mut Transaction,
    readdressing: &Readdressing,
    policy: &Policy,
) -> Result<Changed<EmailChange>, Fault> {
    let Readdressing {
        user: id,
        email,
        expected,
        by,
    } = readdressing;
    let order = permitted!(order(transaction, by, Some(*id), policy).await?);
    let found = reached(transaction, *id, &order.authority, expected.as_ref()).await?;
    if reached!(found).email == *email {
        return Ok(Changed::Done(EmailChange::Unchanged));
    }
    let sql = "UPDATE \"user\" SET email = $2 WHERE id = $1";
    let parameters = params![id.0, email.as_str()];
    transaction.execute(sql, parameters).await?;
    let code_voided = reset::forget(transaction, *id).await?;
    transaction.append(by.event(*id, EventKind::EmailChanged));
    let changed = Changed::Done(EmailChange::Changed { code_voided });
    order.end(transaction, changed).await
}

pub(super) async fn reset_password(
    transaction: &mut Transaction,
    resetting: &Resetting,
    policy: &Policy,
) -> Result<Changed<usize>, Fault> {
    let Resetting { user: id, hash, by } = resetting;
    let order = permitted!(order(transaction, by, Some(*id), policy).await?);
    reached!(reached(transaction, *id, &order.authority, None).await?);
    user::set_new_password(transaction, *id, hash).await?;
    transaction.append(by.event(*id, EventKind::PasswordReset));
    let ended = end_all(transaction, *id, EndReason::PasswordChanged, by, policy).await?;
    order.end(transaction, Changed::Done(ended)).await
}

pub(super) async fn delete(
    transaction: &mut Transaction,
    (id, expected, by): &About<'_>,
    policy: &Policy,
) -> Result<Changed<usize>, Fault> {
    let order = permitted!(order(transaction, by, Some(*id), policy).await?);
    reached!(reached(transaction, *id, &order.authority, expected.as_ref()).await?);
    transaction.append(by.event(*id, EventKind::UserDeleted));
    let ended = end_all(transaction, *id, EndReason::UserDeleted, by, policy).await?;
    reset::forget(transaction, *id).await?;
    role::take_all(transaction, *id).await?;
    let sql = "UPDATE \"user\" SET username = $2, email = '', password_hash = '', deleted_at = $3, \
               credential_version = credential_version + 1 WHERE id = $1";
    let parameters = params![id.0, shape::nobody(*id), by.now.as_millis()];
    transaction.execute(sql, parameters).await?;
    order.end(transaction, Changed::Done(ended)).await
}

/// Ends sessions of a user; the order goes on record unless it changes nothing.
pub(super) async fn end(
    transaction: &mut Transaction,
    (id, which): (UserId, Which),
    by: &Administrator,
    policy: &Policy,
) -> Result<Changed<usize>, Fault> {
    let order = permitted!(order(transaction, by, Some(id), policy).await?);
    if which == Which::All && user::by_id(transaction, id).await?.is_none() {
        return Ok(Changed::NotFound);
    }
    let theirs = role::of_user(transaction, id).await?;
    permitted!(order.authority.may_act_on(grant::SESSIONS, &theirs));
    let ending = ordered_ending(id, which, EndReason::EndedByAdministrator, by);
    let ended = session::end(transaction, &ending, policy).await?;
    if ended > 0 {
        let mut event = by.event(id, EventKind::SessionEndOrdered);
        if let Which::One(session) = which {
            event.session = Some(session);
        }
        transaction.append(event);
    }
    order.end(transaction, Changed::Done(ended)).await
}

pub(super) async fn end_all(
    transaction: &mut Transaction,
    user: UserId,
    reason: EndReason,
    by: &Administrator,
    policy: &Policy,
) -> Result<usize, Fault> {
    let ending = ordered_ending(user, Which::All, reason, by);
    session::end(transaction, &ending, policy).await
}

fn ordered_ending(user: UserId, which: Which, reason: EndReason, by: &Administrator) -> Ending {
    Ending {
        user,
        which,
        reason,
        origin: by.origin.clone(),
        now: by.now,
    }
}

/// Deleted users, each with whether sessions name him still.
pub(super) async fn deleted(
    connection: &Connection,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<(UserId, bool)>, Fault> {
    let sql = "SELECT id, EXISTS (SELECT FROM session WHERE user_id = \"user\".id) FROM \"user\" \
               WHERE deleted_at IS NOT NULL AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2";
    let parameters = params![after.map(|id| id.0), i64::from(limit)];
    row::all(&connection.rows(sql, parameters).await?, |row| {
        Ok((UserId(row.try_get(0)?), row.try_get(1)?))
    })
}

/// Nobody opens a session of a deleted user, so that one who had none has none.
pub(super) async fn forget(connection: &Connection, gone: &[Uuid]) -> Result<usize, Fault> {
    let sql = "DELETE FROM \"user\" WHERE id IN (SELECT id FROM \"user\" \
               WHERE id = ANY($1) AND deleted_at IS NOT NULL ORDER BY id FOR UPDATE SKIP LOCKED)";
    let count = connection.execute(sql, params![gone.to_vec()]).await?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}
