//! Keys in PostgreSQL.

use async_trait::async_trait;
use relatch_core::{
    StoreError, Timestamp,
    event::{Administrator, EventKind},
    key::{
        Algorithm, KeyRecord, KeyState, KeyTable, Purpose, Sealed, change::changes, store::KeyStore,
    },
    revocation::Revocation,
};
use tokio_postgres::Row;

use super::{
    Postgres,
    connection::Connection,
    durable,
    parameter::params,
    reading,
    row::{self, Fault, one},
    transaction::Transaction,
};
use crate::shape;

#[async_trait]
impl KeyStore for Postgres {
    async fn load_keys(&self) -> Result<KeyTable, StoreError> {
        reading!(self, |connection| load(connection))
    }

    async fn save_keys(
        &self,
        expected: i64,
        records: Vec<KeyRecord>,
        by: Administrator,
    ) -> Result<bool, StoreError> {
        durable!(self, |transaction| save(
            transaction,
            expected,
            &records,
            &by
        ))
    }
}

pub(super) async fn load(connection: &Connection) -> Result<KeyTable, Fault> {
    // One statement, so that version and keys are of one moment.
    let sql = "SELECT version, purpose, id, algorithm, state, since, until, master_key, sealed \
               FROM key_table LEFT JOIN key ON true ORDER BY purpose, id";
    let rows = connection.rows(sql, params![]).await?;
    let records = row::all(&rows, |row| {
        let purpose: Option<&str> = row.try_get(1)?;
        purpose.map(|purpose| record(row, purpose)).transpose()
    })?;
    Ok(KeyTable {
        version: one(&rows, "key_table")?,
        records: records.into_iter().flatten().collect(),
    })
}

fn record(row: &Row, purpose: &str) -> Result<KeyRecord, Fault> {
    let until: Option<i64> = row.try_get(6)?;
    let until = until.map(Timestamp::from_millis);
    let (purpose, algorithm) = shape::key_kind(purpose, row.try_get(3)?)?;
    Ok(KeyRecord {
        purpose,
        id: row.try_get(2)?,
        algorithm,
        state: shape::key_state(row.try_get(4)?, row::time(row, 5)?, until)?,
        sealed: Sealed {
            master: row::bytes(row, 7, "key.master_key")?,
            bytes: row.try_get(8)?,
        },
    })
}

/// Whether that key is in wrong hands.
pub(super) async fn is_withdrawn(
    connection: &Connection,
    purpose: Purpose,
    id: &str,
) -> Result<bool, Fault> {
    let sql = "SELECT EXISTS (SELECT FROM key \
               WHERE purpose = $1 AND id = $2 AND state = 'compromised')";
    one(
        &connection.rows(sql, params![purpose.name(), id]).await?,
        "key",
    )
}

async fn save(
    transaction: &mut Transaction,
    expected: i64,
    records: &[KeyRecord],
    by: &Administrator,
) -> Result<bool, Fault> {
    // Whoever else changes keys waits here.
    let sql = "UPDATE key_table SET version = version + 1 WHERE version = $1";
    if transaction.execute(sql, params![expected]).await? == 0 {
        return Ok(false);
    }
    let before = load(transaction).await?.records;
    for change in changes(&before, records) {
        let kind = |by| EventKind::KeyChanged { change, by };
        transaction.append(by.event_of_store(kind));
    }
    for (kid, at) in shape::withdrawn(&before, records) {
        transaction.revoke(Revocation::of_key(kid, at));
    }
    replace(transaction, records).await?;
    transaction.wake_others();
    Ok(true)
}

async fn replace(connection: &Connection, records: &[KeyRecord]) -> Result<(), Fault> {
    connection.run("DELETE FROM key").await?;
    let sql = "INSERT INTO key (purpose, id, algorithm, state, since, until, master_key, sealed) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    for record in records {
        let Sealed { master, bytes } = &record.sealed;
        let parameters = params![
            record.purpose.name(),
            record.id.as_str(),
            record.algorithm.map(Algorithm::name),
            KeyState::name(record.state),
            record.state.since().as_millis(),
            shape::key_until(&record.state).map(Timestamp::as_millis),
            master.as_slice(),
            bytes.as_slice(),
        ];
        connection.execute(sql, parameters).await?;
    }
    Ok(())
}
