//! Security events in PostgreSQL.

use async_trait::async_trait;
use relatch_core::{
    StoreError, Timestamp,
    event::{
        Event, EventQuery, EventRow, EventStore, Origin,
        chain::Record,
        head::SignedHead,
        store::{Appended, Unsealed},
    },
    user::UserId,
};
use tokio_postgres::Row;

use super::{
    Postgres, background, chain,
    connection::Connection,
    durable, failed_login, healing,
    parameter::params,
    reading,
    row::{self, Fault},
    search,
    transaction::Transaction,
};

#[async_trait]
impl EventStore for Postgres {
    async fn append_event(&self, event: Event) -> Result<(), StoreError> {
        durable!(self, |transaction| append(transaction, &event))
    }

    async fn count_failed_login(
        &self,
        user: Option<UserId>,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        healing!(self, |transaction| failed_login::count(
            transaction,
            user,
            &origin,
            now
        ))
    }

    async fn list_events(&self, user: UserId, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        reading!(self, |connection| list(connection, user, limit))
    }

    async fn failed_logins(
        &self,
        user: Option<UserId>,
        since: Timestamp,
    ) -> Result<u64, StoreError> {
        reading!(self, |connection| failed_login::since(
            connection, user, since
        ))
    }

    async fn sweep_failed_logins(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<usize, StoreError> {
        let take = healing!(self, |transaction| background::take(
            transaction,
            "sweep_failed_logins",
            self.node()
        ));
        if !take? {
            return Ok(0);
        }
        healing!(self, |transaction| failed_login::sweep(
            transaction,
            before,
            limit
        ))
    }

    async fn search_events(&self, query: EventQuery) -> Result<Vec<EventRow>, StoreError> {
        reading!(self, |connection| search::search(connection, &query))
    }

    async fn record_failed_logins(&self, before: Timestamp) -> Result<usize, StoreError> {
        if !reading!(self, |connection| failed_login::is_due(connection, before))? {
            return Ok(0);
        }
        durable!(self, |transaction| failed_login::record(
            transaction,
            before
        ))
    }

    async fn unsealed(&self, limit: u32) -> Result<Unsealed, StoreError> {
        reading!(self, |connection| chain::unsealed(connection, limit))
    }

    async fn append_head(&self, expected: i64, head: SignedHead) -> Result<Appended, StoreError> {
        durable!(self, |transaction| chain::append(
            transaction,
            expected,
            &head
        ))
    }

    async fn records(&self, after: Option<i64>, limit: u32) -> Result<Vec<Record>, StoreError> {
        reading!(self, |connection| chain::records(connection, after, limit))
    }

    async fn heads(&self, after: Option<i64>, limit: u32) -> Result<Vec<SignedHead>, StoreError> {
        reading!(self, |connection| chain::heads(connection, after, limit))
    }
}

async fn append(transaction: &mut Transaction, event: &Event) -> Result<(), Fault> {
    transaction.append(event.clone());
    Ok(())
}

async fn list(connection: &Connection, user: UserId, limit: u32) -> Result<Vec<EventRow>, Fault> {
    let sql = format!("SELECT {EVENT} FROM event WHERE user_id = $1 ORDER BY number DESC LIMIT $2");
    let parameters = params![user.0, i64::from(limit)];
    row::all(&connection.rows(&sql, parameters).await?, event)
}

/// The columns of [`event`], in its order.
pub(super) const EVENT: &str = "at, name, user_id, session_id, address, agent, detail, number";

pub(super) fn event(row: &Row) -> Result<EventRow, Fault> {
    let detail: Option<&str> = row.try_get(6)?;
    let detail = detail.map(serde_json::from_str).transpose();
    Ok(EventRow {
        number: row.try_get(7)?,
        at: row::time(row, 0)?,
        name: row.try_get(1)?,
        user: UserId(row.try_get(2)?),
        session: row::id(row, 3)?,
        address: row.try_get(4)?,
        agent: row.try_get(5)?,
        detail: detail.map_err(|_| Fault::Corrupt("event.detail"))?,
    })
}
