//! Keys in SQLite.

use async_trait::async_trait;
use relatch_core::{
    StoreError, Timestamp,
    event::{Administrator, EventKind},
    key::{Algorithm, KeyRecord, KeyTable, Purpose, Sealed, change::changes, store::KeyStore},
};
use rusqlite::{Connection, Row, params};

use super::{
    Sqlite, event, revocation,
    row::{self, Fault},
};
use crate::shape;

#[async_trait]
impl KeyStore for Sqlite {
    async fn load_keys(&self) -> Result<KeyTable, StoreError> {
        self.readers.read(load).await
    }

    async fn save_keys(
        &self,
        expected: i64,
        records: Vec<KeyRecord>,
        by: Administrator,
    ) -> Result<bool, StoreError> {
        self.revoking(move |connection| save(connection, expected, &records, &by))
            .await
    }
}

pub(super) fn load(connection: &Connection) -> Result<KeyTable, Fault> {
    load_from(connection, "main")
}

/// The same of a database that is attached under this name.
pub(super) fn load_from(connection: &Connection, database: &str) -> Result<KeyTable, Fault> {
    // One statement, so that version and keys are of one moment.
    let sql = format!(
        "SELECT purpose, id, algorithm, state, since, until, master_key, sealed, version \
         FROM {database}.key_table LEFT JOIN {database}.key ON true ORDER BY purpose, id"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = row::all(statement.query([])?, |row| {
        let record = row
            .get::<_, Option<String>>(0)?
            .map(|purpose| record(row, &purpose))
            .transpose()?;
        Ok((row.get(8)?, record))
    })?;
    let version = rows.first().map_or(0, |first| first.0);
    Ok(KeyTable {
        version,
        records: rows.into_iter().filter_map(|row| row.1).collect(),
    })
}

fn record(row: &Row<'_>, purpose: &str) -> Result<KeyRecord, Fault> {
    let since = row::time(row, 4)?;
    let until = row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis);
    let state: String = row.get(3)?;
    let algorithm: Option<String> = row.get(2)?;
    let (purpose, algorithm) = shape::key_kind(purpose, algorithm.as_deref())?;
    Ok(KeyRecord {
        purpose,
        id: row.get(1)?,
        algorithm,
        state: shape::key_state(&state, since, until)?,
        sealed: Sealed {
            master: row.get(6)?,
            bytes: row.get(7)?,
        },
    })
}

/// Whether that key is in wrong hands.
pub(super) fn is_withdrawn(
    connection: &Connection,
    purpose: Purpose,
    id: &str,
) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM key WHERE purpose = ?1 AND id = ?2 AND state = 'compromised'";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.exists(params![purpose.name(), id])?)
}

pub(super) fn save(
    connection: &Connection,
    expected: i64,
    records: &[KeyRecord],
    by: &Administrator,
) -> Result<bool, Fault> {
    let sql = "UPDATE key_table SET version = version + 1 WHERE version = ?1";
    if connection.prepare_cached(sql)?.execute([expected])? == 0 {
        return Ok(false);
    }
    let before = load(connection)?.records;
    for change in changes(&before, records) {
        let kind = |by| EventKind::KeyChanged { change, by };
        event::append(connection, &by.event_of_store(kind))?;
    }
    for (kid, at) in shape::withdrawn(&before, records) {
        revocation::append_key(connection, kid, at)?;
    }
    replace(connection, records)?;
    Ok(true)
}

fn replace(connection: &Connection, records: &[KeyRecord]) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM key")?.execute([])?;
    let sql = "INSERT INTO key (purpose, id, algorithm, state, since, until, master_key, sealed) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let mut insert = connection.prepare_cached(sql)?;
    for record in records {
        let until = shape::key_until(&record.state);
        let Sealed { master, bytes } = &record.sealed;
        insert.execute(params![
            record.purpose.name(),
            record.id,
            record.algorithm.map(Algorithm::name),
            record.state.name(),
            record.state.since().as_millis(),
            until.map(Timestamp::as_millis),
            master,
            bytes
        ])?;
    }
    Ok(())
}
