//! Security events in SQLite.

use async_trait::async_trait;
use relatch_core::{
    StoreError, Timestamp,
    event::{
        Event, EventQuery, EventRow, EventStore, Origin,
        chain::Record,
        head::SignedHead,
        store::{Appended, Unsealed},
    },
    session::SessionId,
    user::UserId,
};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::{
    Sqlite, chain, failed_login,
    row::{self, Fault},
    search,
};

#[async_trait]
impl EventStore for Sqlite {
    async fn append_event(&self, event: Event) -> Result<(), StoreError> {
        self.durable(move |connection| append(connection, &event))
            .await
    }

    async fn count_failed_login(
        &self,
        user: Option<UserId>,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.healing(move |connection| failed_login::count(connection, user, &origin, now))
            .await
    }

    async fn list_events(&self, user: UserId, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        self.readers
            .read(move |connection| list(connection, user, limit))
            .await
    }

    async fn failed_logins(
        &self,
        user: Option<UserId>,
        since: Timestamp,
    ) -> Result<u64, StoreError> {
        self.readers
            .read(move |connection| failed_login::since(connection, user, since))
            .await
    }

    async fn sweep_failed_logins(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<usize, StoreError> {
        self.healing(move |connection| failed_login::sweep(connection, before, limit))
            .await
    }

    async fn search_events(&self, query: EventQuery) -> Result<Vec<EventRow>, StoreError> {
        self.readers
            .read(move |connection| search::search(connection, &query))
            .await
    }

    async fn record_failed_logins(&self, before: Timestamp) -> Result<usize, StoreError> {
        let due = self
            .readers
            .read(move |connection| failed_login::is_due(connection, before));
        if !due.await? {
            return Ok(0);
        }
        self.durable(move |connection| failed_login::record(connection, before))
            .await
    }

    async fn unsealed(&self, limit: u32) -> Result<Unsealed, StoreError> {
        self.readers
            .read(move |connection| chain::unsealed(connection, limit))
            .await
    }

    async fn append_head(&self, expected: i64, head: SignedHead) -> Result<Appended, StoreError> {
        self.durable(move |connection| chain::append(connection, expected, &head))
            .await
    }

    async fn records(&self, after: Option<i64>, limit: u32) -> Result<Vec<Record>, StoreError> {
        self.readers
            .read(move |connection| chain::records(connection, after, limit))
            .await
    }

    async fn heads(&self, after: Option<i64>, limit: u32) -> Result<Vec<SignedHead>, StoreError> {
        self.readers
            .read(move |connection| chain::heads(connection, after, limit))
            .await
    }
}

pub(super) fn append(connection: &Connection, event: &Event) -> Result<(), Fault> {
    let sql = "INSERT INTO event (at, name, user_id, session_id, address, agent, detail) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    connection.prepare_cached(sql)?.execute(params![
        event.at.as_millis(),
        event.kind.name(),
        event.user.0.as_bytes(),
        event.session.map(|session| session.0.into_bytes()),
        event.origin.address.map(|address| address.to_string()),
        event.origin.agent,
        event.kind.detail().map(|detail| detail.to_string()),
    ])?;
    Ok(())
}

fn list(connection: &Connection, user: UserId, limit: u32) -> Result<Vec<EventRow>, Fault> {
    let sql = format!("SELECT {EVENT} FROM event WHERE user_id = ?1 ORDER BY number DESC LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    row::all(statement.query(params![user.0.as_bytes(), limit])?, event)
}

/// The columns of [`event`], in its order.
pub(super) const EVENT: &str = "at, name, user_id, session_id, address, agent, detail, number";

pub(super) fn event(row: &Row<'_>) -> Result<EventRow, Fault> {
    let detail = row
        .get::<_, Option<String>>(6)?
        .map(|text| serde_json::from_str(&text))
        .transpose();
    Ok(EventRow {
        number: row.get(7)?,
        at: row::time(row, 0)?,
        name: row.get(1)?,
        user: UserId(Uuid::from_bytes(row.get(2)?)),
        session: row
            .get::<_, Option<[u8; 16]>>(3)?
            .map(|id| SessionId(Uuid::from_bytes(id))),
        address: row.get(4)?,
        agent: row.get(5)?,
        detail: detail.map_err(|_| Fault::Corrupt("event.detail"))?,
    })
}
