//! Looking for events in PostgreSQL, by the indexes that there are for something else.

use relatch_core::{
    Timestamp,
    event::{EventQuery, EventRow},
};

use super::{
    connection::Connection,
    event::{EVENT, event},
    parameter::params,
    row::{self, Fault},
};
use crate::shape;

pub(super) async fn search(
    connection: &Connection,
    query: &EventQuery,
) -> Result<Vec<EventRow>, Fault> {
    if query
        .name
        .as_ref()
        .is_some_and(|name| !row::can_be_text(name))
    {
        return Ok(Vec::new());
    }
    let sql = statement(query);
    let parameters = params![
        query.before,
        query.session.map(|id| id.0),
        query.user.map(|id| id.0),
        query.since.map(Timestamp::as_millis),
        query.until.map(Timestamp::as_millis),
        query.name.as_deref(),
        query.name.as_deref().map(shape::behind),
        i64::from(query.limit),
    ];
    row::all(&connection.rows(&sql, parameters).await?, event)
}

fn statement(query: &EventQuery) -> String {
    let conditions = [
        (query.before.is_some(), "number < $1"),
        (query.session.is_some(), "session_id = $2"),
        (query.user.is_some(), "user_id = $3"),
        (query.since.is_some(), SINCE),
        (query.until.is_some(), UNTIL),
        (query.name.is_some(), "name >= $6 AND name < $7"),
        (shape::is_rare(query), shape::RARE),
    ];
    let wanted = conditions.into_iter().filter(|condition| condition.0);
    let mut conditions: Vec<_> = wanted.map(|condition| condition.1).collect();
    if conditions.is_empty() {
        conditions.push("true");
    }
    format!(
        "SELECT {EVENT} FROM event WHERE {} ORDER BY number DESC LIMIT $8",
        conditions.join(" AND ")
    )
}

/// Rows before the first head from then on happened earlier. An hour is left for clocks that were set and requests that waited.
const SINCE: &str = "at >= $4 AND number > coalesce((SELECT max(number) FROM event_head WHERE number < \
     coalesce((SELECT min(number) FROM event_head WHERE at >= $4 - 3600000), 9223372036854775807)), 0)";

/// Rows after the head that follows the last one up to then happened later, likewise.
const UNTIL: &str = "at < $5 AND number <= coalesce((SELECT min(number) FROM event_head WHERE number > \
     coalesce((SELECT max(number) FROM event_head WHERE at <= $5 + 3600000), 0)), 9223372036854775807)";
