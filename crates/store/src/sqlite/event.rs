//! Security events in SQLite.

use std::net::IpAddr;

use async_trait::async_trait;
use relatch_core::{
    StoreError, Timestamp,
    event::{Event, EventRow, EventStore, Origin},
    session::SessionId,
    user::UserId,
};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::{
    Sqlite,
    row::{self, Fault},
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
        self.healing(move |connection| count_failed(connection, user, &origin, now))
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
            .read(move |connection| failed(connection, user, since))
            .await
    }

    async fn sweep_failed_logins(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<usize, StoreError> {
        self.healing(move |connection| sweep(connection, before, limit))
            .await
    }
}

pub(super) fn append(connection: &Connection, event: &Event) -> Result<(), Fault> {
    let sql = format!("INSERT INTO event ({EVENT}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    connection.prepare_cached(&sql)?.execute(params![
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
pub(super) const EVENT: &str = "at, name, user_id, session_id, address, agent, detail";

pub(super) fn event(row: &Row<'_>) -> Result<EventRow, Fault> {
    let detail = row
        .get::<_, Option<String>>(6)?
        .map(|text| serde_json::from_str(&text))
        .transpose();
    Ok(EventRow {
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

const HOUR: i64 = 3_600_000;

pub(super) fn count_failed(
    connection: &Connection,
    user: Option<UserId>,
    origin: &Origin,
    now: Timestamp,
) -> Result<(), Fault> {
    let sql = "INSERT INTO failed_login (hour, user_id, address, count) VALUES (?1, ?2, ?3, 1) \
               ON CONFLICT DO UPDATE SET count = count + 1";
    let address = origin.address.map_or_else(String::new, network);
    connection
        .prepare_cached(sql)?
        .execute(params![hour(now), key(user), address])?;
    Ok(())
}

fn failed(connection: &Connection, user: Option<UserId>, since: Timestamp) -> Result<u64, Fault> {
    let sql = "SELECT coalesce(sum(count), 0) FROM failed_login WHERE user_id = ?1 AND hour >= ?2";
    let count = connection
        .prepare_cached(sql)?
        .query_row(params![key(user), hour(since)], |row| row.get(0))?;
    Ok(count)
}

fn sweep(connection: &Connection, before: Timestamp, limit: u32) -> Result<usize, Fault> {
    let sql = "DELETE FROM failed_login WHERE (hour, user_id, address) IN \
               (SELECT hour, user_id, address FROM failed_login WHERE hour < ?1 LIMIT ?2)";
    Ok(connection
        .prepare_cached(sql)?
        .execute(params![hour(before), limit])?)
}

fn hour(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(HOUR)
}

fn key(user: Option<UserId>) -> [u8; 16] {
    user.map_or([0; 16], |user| user.0.into_bytes())
}

/// An address of IPv6 stands for its /64: whoever has one has them all.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
