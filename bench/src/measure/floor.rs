//! The least that a refresh can cost on this machine: a bare answer, both tokens and one row, each taken alone on one
//! thread. What the server takes beyond it is the server's own; the rest is a property of the processor, and so is the
//! lowest `cpu_ratio` that can be reached on it.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use relatch_core::key::Algorithm;
use relatch_core::session::{Generation, SessionId, SessionSecret};
use relatch_core::token::{AccessClaims, SigningKey, TokenKey, TokenKeys};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::login::Zeros;
use crate::failure::{Doing, Failure, Querying, Result};

/// Sessions that take turns, as many as the chains of the load.
const ROWS: u32 = 256;

/// About as many rotations as the server commits at once under this load.
const BATCH: u32 = 32;

/// µs of one thread for each part of a refresh.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floor {
    /// Checking a refresh token, making the next one, signing an access token.
    pub(super) tokens: f64,
    /// Reading a row by its key and writing it, in commits of many that do not wait for the disk.
    pub(super) row: f64,
}

/// Measures both parts, each for this long, with a file of its own in `folder`.
///
/// # Errors
/// No key could be made, or SQLite failed.
pub(super) fn floor(folder: &Path, length: Duration) -> Result<Floor> {
    Ok(Floor {
        tokens: tokens(length)?,
        row: row(folder, length)?,
    })
}

fn tokens(length: Duration) -> Result<f64> {
    let key = SigningKey::generate(Algorithm::EdDsa, &Zeros)
        .and_then(|secret| SigningKey::open("0123456789abcdef", Algorithm::EdDsa, &secret))
        .ok_or_else(|| Failure::Told("no signing key could be made".to_owned()))?;
    let keys = TokenKeys::new(TokenKey::new(1, &[1; 32]), Vec::new());
    let (session, secret) = (SessionId(Uuid::nil()), SessionSecret::from_bytes([2; 32]));
    let mut held = keys.newest().issue(session, &secret, Generation(0));
    Ok(each(length, |turn| {
        let genuine = keys.authenticate(held.expose());
        let proven = genuine.is_ok_and(|token| token.proves(&secret));
        held = keys.newest().issue(session, &secret, Generation(turn));
        black_box((proven, key.mint(&claims(turn))));
    }))
}

/// Of the length that the server's have.
fn claims(generation: u32) -> AccessClaims<'static> {
    AccessClaims {
        iss: "http://127.0.0.1:40000",
        sub: Uuid::nil(),
        aud: "http://127.0.0.1:40000",
        client_id: "relatch",
        exp: 1_800_000_900,
        iat: 1_800_000_000,
        jti: "0123456789abcdefghijkl",
        sid: Uuid::nil(),
        generation,
        auth_time: 1_800_000_000,
        amr: &["pwd"],
        scope: "",
        roles: &[],
        permissions: &[],
        cnf: None,
    }
}

fn row(folder: &Path, length: Duration) -> Result<f64> {
    let folder = tempfile::tempdir_in(folder).doing("making a folder")?;
    let connection = table(&folder.path().join("floor.db")).querying("making a table")?;
    let mut failed = None;
    let micros = each(length, |turn| {
        if let Err(error) = batch(&connection, turn) {
            failed = Some(error);
        }
    });
    failed.map_or(Ok(()), Err).querying("turning rows")?;
    Ok(micros / f64::from(BATCH))
}

/// With what the server sets on its own connection.
fn table(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.execute_batch(
        "PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         CREATE TABLE session (id BLOB NOT NULL PRIMARY KEY, secret BLOB, generation INTEGER, rotated_at INTEGER, rest BLOB)
         STRICT, WITHOUT ROWID;",
    )?;
    let sql = "INSERT INTO session VALUES (?1, zeroblob(32), 0, 1800000000000, zeroblob(80))";
    for number in 0..ROWS {
        connection.execute(sql, [id(number)])?;
    }
    Ok(connection)
}

fn batch(connection: &Connection, turn: u32) -> rusqlite::Result<()> {
    let mut read = connection
        .prepare_cached("SELECT secret, generation, rotated_at FROM session WHERE id = ?1")?;
    let mut write = connection
        .prepare_cached("UPDATE session SET generation = ?2, rotated_at = ?3 WHERE id = ?1")?;
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    for member in 0..BATCH {
        let id = id((turn.wrapping_mul(BATCH) + member) % ROWS);
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, u32>(1)?));
        black_box(read.query_row([id], row)?);
        write.execute(params![id, turn, 1_800_000_000_000_i64 + i64::from(turn)])?;
    }
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

/// Ids in no order, as the server's are.
fn id(number: u32) -> [u8; 16] {
    let scattered = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    scattered.to_be_bytes()
}

/// µs that one call takes, over all calls of the interval.
fn each(length: Duration, mut work: impl FnMut(u32)) -> f64 {
    let begun = Instant::now();
    let mut calls = 0;
    while begun.elapsed() < length {
        work(calls);
        calls += 1;
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(calls.max(1))
}
