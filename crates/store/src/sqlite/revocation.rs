//! Revocations in SQLite. What revokes calls [`append`] in its own transaction; there is one writer, so that sequences become
//! visible in their order.

use std::time::Duration;

use async_trait::async_trait;
use relatch_core::{
    StoreError, Timestamp,
    revocation::{Backlog, MARGIN, Position, Reach, Revocation, RevocationStore, store::Standing},
    session::{EndReason, Generation, Policy, Session, SessionId},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::{
    Sqlite,
    row::{self, Fault},
    session, user,
};
use crate::shape::{self, millis};

#[async_trait]
impl RevocationStore for Sqlite {
    async fn revocations_after(&self, after: u64, limit: u32) -> Result<Backlog, StoreError> {
        self.readers
            .read(move |connection| backlog(connection, after, limit))
            .await
    }

    async fn revoked(&self) {
        self.revoked.notified().await;
    }

    async fn standing(&self, id: SessionId) -> Result<Option<Standing>, StoreError> {
        self.readers
            .read(move |connection| standing(connection, id))
            .await
    }

    async fn note_access_lifetime(
        &self,
        access: Duration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.durable(move |connection| note(connection, access, now))
            .await
    }

    async fn sweep_revocations(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        self.healing(move |connection| sweep(connection, now, limit))
            .await
    }
}

/// What the end of a session revokes.
pub(super) fn append_session(
    connection: &Connection,
    session: &Session,
    policy: &Policy,
    now: Timestamp,
) -> Result<(), Fault> {
    let entry = Revocation::of_session(session, reach(connection)?, policy, now);
    entry.map_or(Ok(()), |entry| append(connection, &entry))
}

/// Revokes the access tokens that these sessions have out, and leaves the sessions be.
pub(super) fn append_tokens(
    connection: &Connection,
    sessions: &[Session],
    policy: &Policy,
    now: Timestamp,
) -> Result<(), Fault> {
    let reach = reach(connection)?;
    for session in sessions {
        if let Some(entry) = Revocation::of_tokens(session, reach, policy, now) {
            append(connection, &entry)?;
        }
    }
    Ok(())
}

/// Withdraws a signing key.
pub(super) fn append_key(connection: &Connection, id: &str, at: Timestamp) -> Result<(), Fault> {
    append(connection, &Revocation::of_key(id, at))
}

fn append(connection: &Connection, entry: &Revocation) -> Result<(), Fault> {
    let sql = "UPDATE revocation_feed SET last = last + 1 RETURNING last";
    let sequence: i64 = connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?;
    let (session, generation, kid) = shape::revoked_columns(&entry.what);
    let sql = "INSERT INTO revocation (sequence, session_id, generation, kid, until) \
               VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute(params![
        sequence,
        session.map(|id| id.0.into_bytes()),
        generation.map(|generation| generation.0),
        kid,
        entry.until.as_millis()
    ])?;
    Ok(())
}

/// Begins a new timeline, for an older state of the store took the place of a newer one. Where access tokens live for
/// `access`, every session was ended at this moment. Of those made since the backup nothing is known: their access tokens
/// end by themselves.
pub(super) fn begin_timeline(
    connection: &Connection,
    access: Option<Duration>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let sql = "UPDATE revocation_feed SET epoch = lower(hex(randomblob(8)))";
    connection.execute(sql, [])?;
    let Some(access) = access else {
        return Ok(());
    };
    let sql = "INSERT INTO revocation (sequence, session_id, until) \
               SELECT feed.last + row_number() OVER (), id, \
                      min(max(?1 + max(feed.access, ?2), feed.former_until), expires_at) + ?3 \
               FROM session, revocation_feed AS feed \
               WHERE ended_at = ?1 AND end_reason = ?4 AND expires_at + ?3 > ?1";
    let reason = EndReason::BackupRestored.number();
    connection.execute(
        sql,
        params![now.as_millis(), millis(access), millis(MARGIN), reason],
    )?;
    let sql = "UPDATE revocation_feed SET last = max(last, \
               (SELECT coalesce(max(sequence), 0) FROM revocation))";
    connection.execute(sql, []).map(drop)
}

fn reach(connection: &Connection) -> Result<Reach, Fault> {
    let sql = "SELECT access, former_until FROM revocation_feed";
    let reach = connection.prepare_cached(sql)?.query_row([], |row| {
        let access: i64 = row.get(0)?;
        Ok(Reach {
            access: Duration::from_millis(u64::try_from(access).unwrap_or(0)),
            former_until: row::time(row, 1)?,
        })
    })?;
    Ok(reach)
}

fn note(connection: &Connection, access: Duration, now: Timestamp) -> Result<(), Fault> {
    let known = reach(connection)?;
    if known.access == access {
        return Ok(());
    }
    let known = known.changed_to(access, now);
    let sql = "UPDATE revocation_feed SET access = ?1, former_until = ?2";
    connection
        .prepare_cached(sql)?
        .execute(params![millis(access), known.former_until.as_millis()])?;
    Ok(())
}

fn backlog(connection: &Connection, after: u64, limit: u32) -> Result<Backlog, Fault> {
    // One statement, so that the end and the entries are of one moment; one entry more tells whether there are more.
    let sql = "SELECT epoch, last, sequence, session_id, generation, kid, until FROM revocation_feed LEFT JOIN \
               (SELECT * FROM revocation WHERE sequence > ?1 ORDER BY sequence LIMIT ?2) ON true ORDER BY sequence";
    let mut statement = connection.prepare_cached(sql)?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let one_more = i64::from(limit) + 1;
    let rows = row::all(statement.query(params![after, one_more])?, |row| {
        let last = Position {
            epoch: row.get(0)?,
            sequence: row.get(1)?,
        };
        let sequence = row.get::<_, Option<u64>>(2)?;
        let entry = sequence.map(|sequence| Ok::<_, Fault>((sequence, entry(row)?)));
        Ok((last, entry.transpose()?))
    })?;
    let last = rows.first().map(|first| first.0.clone());
    let last = last.ok_or(Fault::Corrupt("revocation_feed"))?;
    let entries = rows.into_iter().filter_map(|row| row.1).collect();
    Ok(shape::page_of_backlog(last, entries, limit))
}

fn entry(row: &Row<'_>) -> Result<Revocation, Fault> {
    let session = row
        .get::<_, Option<[u8; 16]>>(3)?
        .map(|id| SessionId(Uuid::from_bytes(id)));
    let what = shape::revoked(session, row.get(4)?, row.get(5)?)?;
    Ok(Revocation {
        what,
        until: row::time(row, 6)?,
    })
}

fn standing(connection: &Connection, id: SessionId) -> Result<Option<Standing>, Fault> {
    let Some(session) = session::find(connection, id)? else {
        return Ok(None);
    };
    let sql =
        "SELECT max(generation) FROM revocation WHERE session_id = ?1 AND generation IS NOT NULL";
    let through: Option<u32> = connection
        .prepare_cached(sql)?
        .query_row([id.0.as_bytes()], |row| row.get(0))
        .optional()?
        .flatten();
    let found = user::by_id(connection, session.user)?;
    Ok(Some(Standing {
        session,
        username: found.map(|found| found.user.username),
        revoked_through: through.map(Generation),
    }))
}

fn sweep(connection: &Connection, now: Timestamp, limit: u32) -> Result<usize, Fault> {
    let sql = "DELETE FROM revocation WHERE sequence IN \
               (SELECT sequence FROM revocation WHERE until <= ?1 LIMIT ?2)";
    Ok(connection
        .prepare_cached(sql)?
        .execute(params![now.as_millis(), limit])?)
}
