//! Looking at sessions of anybody, and at all that is known of one, in PostgreSQL.

use relatch_core::{
    Timestamp,
    event::EventRow,
    session::{
        Session, SessionId,
        store::{History, SessionQuery},
    },
    user::UserId,
};

use super::{
    connection::Connection,
    event::{EVENT, event},
    parameter::params,
    row::{self, Fault, SESSION},
    session, user,
};
use crate::shape;

pub(super) async fn browse(
    connection: &Connection,
    query: &SessionQuery,
) -> Result<Vec<Session>, Fault> {
    let (after, limit) = (query.after.map(|id| id.0), i64::from(query.limit));
    let rows = if let Some(user) = query.user {
        // Where the one to go on after is gone, the list is at its end.
        let sql = format!(
            "SELECT {SESSION} FROM session WHERE user_id = $1 AND ($2 OR ended_at IS NULL) AND ($3::uuid IS NULL \
             OR (created_at, id) < (SELECT created_at, id FROM session WHERE id = $3)) \
             ORDER BY created_at DESC, id DESC LIMIT $4"
        );
        let parameters = params![user.0, query.ended, after, limit];
        connection.rows(&sql, parameters).await?
    } else {
        let sql = format!(
            "SELECT {SESSION} FROM session WHERE ($1::uuid IS NULL OR id > $1) \
             AND ($2 OR ended_at IS NULL) ORDER BY id LIMIT $3"
        );
        let parameters = params![after, query.ended, limit];
        connection.rows(&sql, parameters).await?
    };
    row::all(&rows, row::session)
}

/// Read at one moment: the row and its events must fit together.
pub(super) async fn of_session(
    connection: &Connection,
    id: SessionId,
    limit: u32,
) -> Result<History, Fault> {
    connection
        .run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let session = session::find(connection, id).await?;
    let events = events_of(connection, id, limit).await?;
    let owner = session.as_ref().map(|session| session.user);
    let Some(owner) = owner.or(events.first().map(|event| event.user)) else {
        return Ok(History::default());
    };
    let around_end = match shape::end_of(session.as_ref(), &events) {
        Some(at) => events_at(connection, owner, id, at).await?,
        None => Vec::new(),
    };
    let found = user::by_id(connection, owner).await?;
    Ok(History {
        session,
        user: found.map(|found| found.user),
        events,
        around_end,
    })
}

async fn events_of(
    connection: &Connection,
    session: SessionId,
    limit: u32,
) -> Result<Vec<EventRow>, Fault> {
    let sql =
        format!("SELECT {EVENT} FROM event WHERE session_id = $1 ORDER BY number DESC LIMIT $2");
    let parameters = params![session.0, i64::from(limit)];
    let mut events = row::all(&connection.rows(&sql, parameters).await?, event)?;
    events.reverse();
    Ok(events)
}

/// The ends of the user's other sessions say nothing that this session's own does not.
async fn events_at(
    connection: &Connection,
    user: UserId,
    session: SessionId,
    at: Timestamp,
) -> Result<Vec<EventRow>, Fault> {
    let sql = format!(
        "SELECT {EVENT} FROM event WHERE user_id = $1 AND at = $2 AND session_id IS DISTINCT FROM $3 \
         AND name <> 'session.ended' ORDER BY number"
    );
    let parameters = params![user.0, at.as_millis(), session.0];
    row::all(&connection.rows(&sql, parameters).await?, event)
}
