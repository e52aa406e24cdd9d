//! Looking at sessions of anybody, and at all that is known of one.

use relatch_core::{
    Timestamp,
    event::EventRow,
    session::{
        Session, SessionId,
        store::{History, SessionQuery},
    },
    user::UserId,
};
use rusqlite::{Connection, params};

use super::{
    event::{EVENT, event},
    row::{self, Fault, SESSION},
    session, user,
};
use crate::shape;

pub(super) fn browse(connection: &Connection, query: &SessionQuery) -> Result<Vec<Session>, Fault> {
    let after = query.after.map(|id| id.0.into_bytes());
    match query.user {
        Some(user) => of_user(connection, user, after, query),
        None => of_all(connection, after.unwrap_or_default(), query),
    }
}

/// Where the one to go on after is gone, the list is at its end.
fn of_user(
    connection: &Connection,
    user: UserId,
    after: Option<[u8; 16]>,
    query: &SessionQuery,
) -> Result<Vec<Session>, Fault> {
    let sql = format!(
        "SELECT {SESSION} FROM session WHERE user_id = ?1 AND (?2 OR ended_at IS NULL) AND (?3 IS NULL \
         OR (created_at, id) < (SELECT created_at, id FROM session WHERE id = ?3)) \
         ORDER BY created_at DESC, id DESC LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query(params![user.0.as_bytes(), query.ended, after, query.limit])?;
    row::all(rows, row::session)
}

fn of_all(
    connection: &Connection,
    after: [u8; 16],
    query: &SessionQuery,
) -> Result<Vec<Session>, Fault> {
    let sql = format!(
        "SELECT {SESSION} FROM session WHERE id > ?1 AND (?2 OR ended_at IS NULL) ORDER BY id LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query(params![after, query.ended, query.limit])?;
    row::all(rows, row::session)
}

/// Read at one moment: the row and its events must fit together.
pub(super) fn of_session(
    connection: &Connection,
    id: SessionId,
    limit: u32,
) -> Result<History, Fault> {
    let moment = connection.unchecked_transaction()?;
    let session = session::find(&moment, id)?;
    let events = events_of(&moment, id, limit)?;
    let owner = session
        .as_ref()
        .map(|session| session.user)
        .or(events.first().map(|event| event.user));
    let Some(owner) = owner else {
        return Ok(History::default());
    };
    let around_end = match shape::end_of(session.as_ref(), &events) {
        Some(at) => events_at(&moment, owner, id, at)?,
        None => Vec::new(),
    };
    let user = user::by_id(&moment, owner)?.map(|found| found.user);
    Ok(History {
        session,
        user,
        events,
        around_end,
    })
}

fn events_of(
    connection: &Connection,
    session: SessionId,
    limit: u32,
) -> Result<Vec<EventRow>, Fault> {
    let sql =
        format!("SELECT {EVENT} FROM event WHERE session_id = ?1 ORDER BY number DESC LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut events = row::all(
        statement.query(params![session.0.as_bytes(), limit])?,
        event,
    )?;
    events.reverse();
    Ok(events)
}

/// The ends of the user's other sessions say nothing that this session's own does not.
fn events_at(
    connection: &Connection,
    user: UserId,
    session: SessionId,
    at: Timestamp,
) -> Result<Vec<EventRow>, Fault> {
    let sql = format!(
        "SELECT {EVENT} FROM event WHERE user_id = ?1 AND at = ?2 AND session_id IS NOT ?3 \
         AND name <> 'session.ended' ORDER BY number"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query(params![
        user.0.as_bytes(),
        at.as_millis(),
        session.0.as_bytes()
    ])?;
    row::all(rows, event)
}
