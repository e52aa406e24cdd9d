//! The chain of events in PostgreSQL: rows as they lie there, and heads.

use relatch_core::{
    Timestamp,
    event::{
        chain::{Hash, Record},
        head::{Point, SignedHead},
        store::{Appended, Unsealed},
    },
    key::{Algorithm, Purpose},
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    connection::Connection,
    key,
    parameter::params,
    row::{self, Fault, one},
    transaction::Transaction,
};

const HEAD: &str = "number, at, hash, links, algorithm, key_id, signature";

/// Rows become visible in the order of their numbers. So what comes after the head is whole as far as it goes, though each
/// statement here sees a later moment than the one before.
pub(super) async fn unsealed(connection: &Connection, limit: u32) -> Result<Unsealed, Fault> {
    let sql = format!("SELECT {HEAD} FROM event_head ORDER BY number DESC LIMIT 1");
    let newest = connection.rows(&sql, params![]).await?;
    let head = row::first(&newest, head)?;
    let after = head.as_ref().map(|head| head.point.number);
    let records = records(connection, after, limit).await?;
    let sql = "SELECT coalesce(max(number), 0) FROM event";
    Ok(Unsealed {
        records,
        last: one(&connection.rows(sql, params![]).await?, "event")?,
        head,
    })
}

/// One sealer at a time, and none while keys change.
pub(super) async fn append(
    transaction: &mut Transaction,
    expected: i64,
    head: &SignedHead,
) -> Result<Appended, Fault> {
    transaction
        .run("SELECT pg_advisory_xact_lock(5919410503); SELECT FROM key_table FOR SHARE")
        .await?;
    if key::is_withdrawn(transaction, Purpose::Signing, &head.kid).await? {
        return Ok(Appended::KeyWithdrawn);
    }
    let sql = "INSERT INTO event_head (number, at, hash, links, algorithm, key_id, signature) \
               SELECT $2, $3, $4, $5, $6, $7, $8 \
               WHERE (SELECT coalesce(max(number), 0) FROM event_head) = $1";
    let parameters = params![
        expected,
        head.point.number,
        head.at.as_millis(),
        head.point.hash.0.as_slice(),
        head.links.as_slice(),
        head.algorithm.name(),
        head.kid.as_str(),
        head.signature.as_slice(),
    ];
    Ok(match transaction.execute(sql, parameters).await? {
        0 => Appended::NotNext,
        _ => Appended::Done,
    })
}

pub(super) async fn records(
    connection: &Connection,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<Record>, Fault> {
    // One that has the lowest number of all would not be found; it could not be sealed either.
    let sql = "SELECT number, at, name, user_id, session_id, address, agent, detail FROM event \
               WHERE number > $1 ORDER BY number LIMIT $2";
    let parameters = params![after.unwrap_or(i64::MIN), i64::from(limit)];
    row::all(&connection.rows(sql, parameters).await?, record)
}

pub(super) async fn heads(
    connection: &Connection,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<SignedHead>, Fault> {
    let sql = format!("SELECT {HEAD} FROM event_head WHERE number > $1 ORDER BY number LIMIT $2");
    let parameters = params![after.unwrap_or(i64::MIN), i64::from(limit)];
    row::all(&connection.rows(&sql, parameters).await?, head)
}

fn record(row: &Row) -> Result<Record, Fault> {
    let text = |column| -> Result<Option<Vec<u8>>, Fault> {
        let text: Option<&str> = row.try_get(column)?;
        Ok(text.map(|text| text.as_bytes().to_vec()))
    };
    let user: Uuid = row.try_get(3)?;
    Ok(Record {
        number: row.try_get(0)?,
        at: row.try_get(1)?,
        name: text(2)?.unwrap_or_default(),
        user: user.as_bytes().to_vec(),
        session: row::id(row, 4)?.map(|id| id.0.as_bytes().to_vec()),
        address: text(5)?,
        agent: text(6)?,
        detail: text(7)?,
    })
}

fn head(row: &Row) -> Result<SignedHead, Fault> {
    let algorithm = Algorithm::from_name(row.try_get(4)?);
    Ok(SignedHead {
        point: Point {
            number: row.try_get(0)?,
            hash: Hash(row::bytes(row, 2, "event_head.hash")?),
        },
        at: Timestamp::from_millis(row.try_get(1)?),
        links: row.try_get(3)?,
        algorithm: algorithm.ok_or(Fault::Corrupt("event_head.algorithm"))?,
        kid: row.try_get(5)?,
        signature: row.try_get(6)?,
    })
}
