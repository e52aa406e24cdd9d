//! Looking for events in SQLite: the rows' numbers come from the index that leaves the fewest, the rows from those.

use relatch_core::{
    Timestamp,
    event::{EventQuery, EventRow},
};
use rusqlite::{Connection, params};

use super::{
    event::{EVENT, event},
    row::{self, Fault},
};

pub(super) fn search(connection: &Connection, query: &EventQuery) -> Result<Vec<EventRow>, Fault> {
    let sql = format!(
        "SELECT {EVENT} FROM event WHERE number IN (SELECT number FROM event {} WHERE {} \
         ORDER BY number DESC LIMIT ?8) ORDER BY number DESC",
        index(query),
        conditions(query).join(" AND ")
    );
    // Every name that begins so comes before the same with the last of all characters behind it.
    let behind = query.name.as_ref().map(|name| format!("{name}\u{10ffff}"));
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query(params![
        query.before,
        query.session.map(|id| id.0.into_bytes()),
        query.user.map(|id| id.0.into_bytes()),
        query.since.map(Timestamp::as_millis),
        query.until.map(Timestamp::as_millis),
        query.name,
        behind,
        query.limit,
    ])?;
    row::all(rows, event)
}

/// The planner knows no numbers of rows, and would read the record from its end.
fn index(query: &EventQuery) -> &'static str {
    if query.session.is_some() {
        "INDEXED BY event_session"
    } else if query.user.is_some() {
        "INDEXED BY event_user"
    } else if query.since.is_some() {
        "INDEXED BY event_at"
    } else if query.name.is_some() {
        "INDEXED BY event_name"
    } else if query.until.is_some() {
        "INDEXED BY event_at"
    } else {
        ""
    }
}

fn conditions(query: &EventQuery) -> Vec<&'static str> {
    let parts = [
        (query.before.is_some(), "number < ?1"),
        (query.session.is_some(), "session_id = ?2"),
        (query.user.is_some(), "user_id = ?3"),
        (query.since.is_some(), "at >= ?4"),
        (query.until.is_some(), "at < ?5"),
        (query.name.is_some(), "name >= ?6 AND name < ?7"),
    ];
    let wanted = parts.into_iter().filter(|part| part.0);
    let wanted: Vec<_> = wanted.map(|part| part.1).collect();
    if wanted.is_empty() {
        return vec!["true"];
    }
    wanted
}
