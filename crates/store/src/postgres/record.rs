//! What a transaction writes last: the sessions that turned, and what it adds to the record of events and to what was revoked.
//! It is collected on the way. Whoever adds to one of those two takes a lock, so that numbers are given in the order of
//! commits, and those of events without gaps.
//!
//! Under the lock nobody waits for a disk. The commit that gives it back is not flushed; a second one is, after it, and with
//! it everything that was committed before ([decision 6](../../../docs/decisions/0006-postgres.md)).

use relatch_core::{event::Event, revocation::Revocation};
use uuid::Uuid;

use super::{connection::Connection, parameter::params, row::Fault};
use crate::shape;

/// The lock, by its number among the advisory locks of the database.
pub(super) const LOCK: &str =
    "SET LOCAL synchronous_commit = off; SELECT pg_advisory_xact_lock(5919410501)";

/// What waits to be written.
#[derive(Default)]
pub(super) struct Record {
    pub(super) events: Vec<Event>,
    pub(super) revocations: Vec<Revocation>,
    /// Id, generation and time.
    pub(super) turned: Vec<(Uuid, i64, i64)>,
}

impl Record {
    /// Whether there is something that takes the lock.
    pub(super) fn is_ordered(&self) -> bool {
        !self.events.is_empty() || !self.revocations.is_empty()
    }

    /// Moves sessions on to their generations. Their rows are locked.
    pub(super) async fn write_turned(&self, connection: &Connection) -> Result<(), Fault> {
        if self.turned.is_empty() {
            return Ok(());
        }
        let sql = "UPDATE session SET generation = turned.generation, rotated_at = turned.at \
                   FROM unnest($1, $2, $3) AS turned (id, generation, at) WHERE session.id = turned.id";
        let ids: Vec<Uuid> = self.turned.iter().map(|turned| turned.0).collect();
        let generations: Vec<i64> = self.turned.iter().map(|turned| turned.1).collect();
        let times: Vec<i64> = self.turned.iter().map(|turned| turned.2).collect();
        connection
            .execute(sql, params![ids, generations, times])
            .await
            .map(drop)
    }

    /// Adds the events, under the lock.
    pub(super) async fn write_events(&self, connection: &Connection) -> Result<(), Fault> {
        if self.events.is_empty() {
            return Ok(());
        }
        let sql = "INSERT INTO event (number, at, name, user_id, session_id, address, agent, detail) \
                   SELECT (SELECT coalesce(max(number), 0) FROM event) + place, \
                          at, name, user_id, session_id, address, agent, detail \
                   FROM unnest($1, $2, $3, $4, $5, $6, $7) WITH ORDINALITY \
                        AS added (at, name, user_id, session_id, address, agent, detail, place)";
        let events = &self.events;
        let at: Vec<i64> = events.iter().map(|event| event.at.as_millis()).collect();
        let names: Vec<&str> = events.iter().map(|event| event.kind.name()).collect();
        let users: Vec<Uuid> = events.iter().map(|event| event.user.0).collect();
        let sessions: Vec<Option<Uuid>> = events
            .iter()
            .map(|event| event.session.map(|id| id.0))
            .collect();
        let addresses: Vec<Option<String>> = events
            .iter()
            .map(|event| event.origin.address.map(|address| address.to_string()))
            .collect();
        let agents: Vec<Option<&str>> = events
            .iter()
            .map(|event| event.origin.agent.as_deref())
            .collect();
        let details: Vec<Option<String>> = events
            .iter()
            .map(|event| event.kind.detail().map(|detail| detail.to_string()))
            .collect();
        let parameters = params![at, names, users, sessions, addresses, agents, details];
        connection.execute(sql, parameters).await.map(drop)
    }

    /// Adds what was revoked, under the lock.
    pub(super) async fn write_revocations(&self, connection: &Connection) -> Result<(), Fault> {
        if self.revocations.is_empty() {
            return Ok(());
        }
        let sql = "INSERT INTO revocation (sequence, session_id, generation, kid, until) \
                   SELECT greatest(swept, (SELECT max(sequence) FROM revocation)) + place, \
                          session_id, generation, kid, added.until \
                   FROM revocation_feed, unnest($1, $2, $3, $4) WITH ORDINALITY \
                        AS added (session_id, generation, kid, until, place)";
        let columns = || {
            self.revocations
                .iter()
                .map(|entry| shape::revoked_columns(&entry.what))
        };
        let sessions: Vec<Option<Uuid>> = columns().map(|(id, ..)| id.map(|id| id.0)).collect();
        let generations: Vec<Option<i64>> = columns()
            .map(|(_, generation, _)| generation.map(|generation| i64::from(generation.0)))
            .collect();
        let kids: Vec<Option<&str>> = columns().map(|(.., kid)| kid).collect();
        let until: Vec<i64> = self
            .revocations
            .iter()
            .map(|entry| entry.until.as_millis())
            .collect();
        let parameters = params![sessions, generations, kids, until];
        connection.execute(sql, parameters).await.map(drop)
    }
}
