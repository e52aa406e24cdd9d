//! Looking for events in SQLite, without an index that a login would have to keep up.

use relatch_core::{
    Timestamp,
    event::{EventQuery, EventRow},
};
use rusqlite::{Connection, params};

use super::{
    event::{EVENT, event},
    row::{self, Fault},
};
use crate::shape;

pub(super) fn search(connection: &Connection, query: &EventQuery) -> Result<Vec<EventRow>, Fault> {
    let sql = format!(
        "SELECT {EVENT} FROM event {} WHERE {} ORDER BY number DESC LIMIT ?8",
        index(query),
        conditions(query).join(" AND ")
    );
    let behind = query.name.as_deref().map(shape::behind);
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

/// Else the rows themselves in their order, between those that times leave over.
fn index(query: &EventQuery) -> &'static str {
    if query.session.is_some() {
        "INDEXED BY event_session"
    } else if query.user.is_some() {
        "INDEXED BY event_user"
    } else if shape::is_rare(query) {
        "INDEXED BY event_rare"
    } else {
        "NOT INDEXED"
    }
}

fn conditions(query: &EventQuery) -> Vec<&'static str> {
    let parts = [
        (query.before.is_some(), "number < ?1"),
        (query.session.is_some(), "session_id = ?2"),
        (query.user.is_some(), "user_id = ?3"),
        (query.since.is_some(), SINCE),
        (query.until.is_some(), UNTIL),
        (query.name.is_some(), "name >= ?6 AND name < ?7"),
        (shape::is_rare(query), shape::RARE),
    ];
    let wanted = parts.into_iter().filter(|part| part.0);
    let wanted: Vec<_> = wanted.map(|part| part.1).collect();
    if wanted.is_empty() {
        return vec!["true"];
    }
    wanted
}

/// Rows before the first head from then on happened earlier. An hour is left for clocks that were set and requests that waited.
const SINCE: &str = "at >= ?4 AND number > coalesce((SELECT max(number) FROM event_head WHERE number < \
     coalesce((SELECT min(number) FROM event_head WHERE at >= ?4 - 3600000), 9223372036854775807)), 0)";

/// Rows after the head that follows the last one up to then happened later, likewise.
const UNTIL: &str = "at < ?5 AND number <= coalesce((SELECT min(number) FROM event_head WHERE number > \
     coalesce((SELECT max(number) FROM event_head WHERE at <= ?5 + 3600000), 0)), 9223372036854775807)";

#[cfg(test)]
mod tests {
    use relatch_core::{session::SessionId, user::UserId};

    use super::*;
    use crate::sqlite::migrate;

    /// What SQLite says that it would do.
    fn plan(query: &EventQuery) -> String {
        let mut connection = Connection::open_in_memory().expect("opens");
        migrate::migrate(&mut connection).expect("migrates");
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT {EVENT} FROM event {} WHERE {} ORDER BY number DESC LIMIT ?8",
            index(query),
            conditions(query).join(" AND ")
        );
        let mut statement = connection.prepare(&sql).expect("prepares");
        let lines = statement.query_map([1; 8], |row| row.get::<_, String>(3));
        let lines: Result<Vec<_>, _> = lines.expect("runs").collect();
        lines.expect("reads").join("; ")
    }

    #[track_caller]
    fn uses(expected: &str, part: impl FnOnce(&mut EventQuery)) {
        let mut query = EventQuery::default();
        part(&mut query);
        let plan = plan(&query);
        assert!(plan.contains(expected), "{query:?}: {plan}");
        assert!(!plan.contains("SCAN event;"), "{plan}");
    }

    #[test]
    fn no_search_reads_the_whole_record() {
        let name = |name: &str| Some(name.to_owned());
        let time = Some(Timestamp::from_seconds(5));
        let user = Some(UserId(uuid::Uuid::nil()));
        let session = Some(SessionId(uuid::Uuid::nil()));
        let of_user = |q: &mut EventQuery| (q.user, q.name) = (user, name("user."));
        uses("USING INDEX event_user", of_user);
        let of_session = |q: &mut EventQuery| (q.session, q.user) = (session, user);
        uses("USING INDEX event_session", of_session);
        uses("USING INDEX event_rare", |q| q.name = name("key."));
        let rare = |q: &mut EventQuery| (q.name, q.since) = (name("login.failed"), time);
        uses("USING INDEX event_rare", rare);
        uses("PRIMARY KEY (rowid>?)", |q| q.since = time);
        uses("PRIMARY KEY (rowid<?)", |q| q.until = time);
        uses("PRIMARY KEY (rowid<?)", |q| q.before = Some(5));
    }
}
