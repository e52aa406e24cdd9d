//! The chain of events in SQLite: rows as they lie there, and heads.

use relatch_core::{
    Timestamp,
    event::{
        chain::{Hash, Record},
        head::{Point, SignedHead},
        store::{Appended, Unsealed},
    },
    key::{Algorithm, Purpose},
};
use rusqlite::{Connection, Row, params, types::ValueRef};

use super::{
    key,
    row::{self, Fault},
};

const HEAD: &str = "number, at, hash, links, algorithm, key_id, signature";

pub(super) fn unsealed(connection: &Connection, limit: u32) -> Result<Unsealed, Fault> {
    let moment = connection.unchecked_transaction()?;
    let sql = format!("SELECT {HEAD} FROM event_head ORDER BY number DESC LIMIT 1");
    let head = row::first(moment.prepare_cached(&sql)?.query([])?, head)?;
    let after = head.as_ref().map(|head| head.point.number);
    let sql = "SELECT coalesce(max(number), 0) FROM event";
    Ok(Unsealed {
        records: records(&moment, after, limit)?,
        last: moment
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))?,
        head,
    })
}

pub(super) fn append(
    connection: &Connection,
    expected: i64,
    head: &SignedHead,
) -> Result<Appended, Fault> {
    if key::is_withdrawn(connection, Purpose::Signing, &head.kid)? {
        return Ok(Appended::KeyWithdrawn);
    }
    let sql = "INSERT INTO event_head (number, at, hash, links, algorithm, key_id, signature) \
               SELECT ?2, ?3, ?4, ?5, ?6, ?7, ?8 \
               WHERE (SELECT coalesce(max(number), 0) FROM event_head) = ?1";
    let added = connection.prepare_cached(sql)?.execute(params![
        expected,
        head.point.number,
        head.at.as_millis(),
        head.point.hash.0,
        head.links,
        head.algorithm.name(),
        head.kid,
        head.signature
    ])?;
    Ok(match added {
        0 => Appended::NotNext,
        _ => Appended::Done,
    })
}

pub(super) fn records(
    connection: &Connection,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<Record>, Fault> {
    // One that has the lowest number of all would not be found; it could not be sealed either.
    let sql = "SELECT number, at, name, user_id, session_id, address, agent, detail FROM event \
               WHERE number > ?1 ORDER BY number LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let from = after.unwrap_or(i64::MIN);
    row::all(statement.query(params![from, limit])?, record)
}

pub(super) fn heads(
    connection: &Connection,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<SignedHead>, Fault> {
    let sql = format!("SELECT {HEAD} FROM event_head WHERE number > ?1 ORDER BY number LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let from = after.unwrap_or(i64::MIN);
    row::all(statement.query(params![from, limit])?, head)
}

/// Whatever is there, be it no text: somebody may have been at it, and that is what the hash is to show.
fn record(row: &Row<'_>) -> Result<Record, Fault> {
    let bytes = |column| -> Result<Option<Vec<u8>>, Fault> {
        Ok(match row.get_ref(column)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_vec()),
            _ => None,
        })
    };
    Ok(Record {
        number: row.get(0)?,
        at: row.get(1)?,
        name: bytes(2)?.unwrap_or_default(),
        user: bytes(3)?.unwrap_or_default(),
        session: bytes(4)?,
        address: bytes(5)?,
        agent: bytes(6)?,
        detail: bytes(7)?,
    })
}

fn head(row: &Row<'_>) -> Result<SignedHead, Fault> {
    let algorithm: String = row.get(4)?;
    Ok(SignedHead {
        point: Point {
            number: row.get(0)?,
            hash: Hash(row.get(2)?),
        },
        at: Timestamp::from_millis(row.get(1)?),
        links: row.get(3)?,
        algorithm: Algorithm::from_name(&algorithm)
            .ok_or(Fault::Corrupt("event_head.algorithm"))?,
        kid: row.get(5)?,
        signature: row.get(6)?,
    })
}
