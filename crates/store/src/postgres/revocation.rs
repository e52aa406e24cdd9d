//! Revocations in PostgreSQL. What revokes adds them to its own transaction; they are numbered under the lock of the record,
//! so that sequences become visible in their order.

use std::time::Duration;

use async_trait::async_trait;
use relatch_core::{
    StoreError, Timestamp,
    revocation::{Backlog, Position, Reach, Revocation, RevocationStore, store::Standing},
    session::{Generation, Policy, Session, SessionId},
    user::Username,
};
use tokio_postgres::Row;

use super::{
    Postgres, background,
    connection::Connection,
    durable, healing,
    parameter::params,
    reading,
    row::{self, Fault, SESSION},
    transaction::Transaction,
};
use crate::shape::{self, millis};

#[async_trait]
impl RevocationStore for Postgres {
    async fn revocations_after(&self, after: u64, limit: u32) -> Result<Backlog, StoreError> {
        reading!(self, |connection| backlog(connection, after, limit))
    }

    async fn revoked(&self) {
        self.wake.wait().await;
    }

    async fn standing(&self, id: SessionId) -> Result<Option<Standing>, StoreError> {
        reading!(self, |connection| standing(connection, id))
    }

    async fn note_access_lifetime(
        &self,
        access: Duration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        durable!(self, |transaction| note(transaction, access, now))
    }

    async fn sweep_revocations(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let take = healing!(self, |transaction| background::take(
            transaction,
            "sweep_revocations",
            self.node()
        ));
        if !take? {
            return Ok(0);
        }
        healing!(self, |transaction| sweep(transaction, now, limit))
    }
}

/// What the end of these sessions revokes, whose rows are locked.
pub(super) async fn append_sessions(
    transaction: &mut Transaction,
    sessions: &[Session],
    policy: &Policy,
    now: Timestamp,
) -> Result<(), Fault> {
    // Read under the locks: whoever refreshed them before with a longer lifetime of access tokens had noted that.
    let reach = reach(transaction).await?;
    for session in sessions {
        if let Some(entry) = Revocation::of_session(session, reach, policy, now) {
            transaction.revoke(entry);
        }
    }
    Ok(())
}

/// Revokes the access tokens that these sessions have out, whose rows are locked, and leaves the sessions be.
pub(super) async fn append_tokens(
    transaction: &mut Transaction,
    sessions: &[Session],
    policy: &Policy,
    now: Timestamp,
) -> Result<(), Fault> {
    let reach = reach(transaction).await?;
    for session in sessions {
        if let Some(entry) = Revocation::of_tokens(session, reach, policy, now) {
            transaction.revoke(entry);
        }
    }
    Ok(())
}

async fn reach(connection: &Connection) -> Result<Reach, Fault> {
    let sql = "SELECT access, former_until FROM revocation_feed";
    let rows = connection.rows(sql, params![]).await?;
    let reach = row::first(&rows, |row| {
        Ok(Reach {
            access: Duration::from_millis(row::whole(row, 0, "revocation_feed.access")?),
            former_until: row::time(row, 1)?,
        })
    })?;
    reach.ok_or(Fault::Corrupt("revocation_feed"))
}

async fn note(
    transaction: &mut Transaction,
    access: Duration,
    now: Timestamp,
) -> Result<(), Fault> {
    if reach(transaction).await?.access == access {
        return Ok(());
    }
    transaction
        .run("SELECT FROM revocation_feed FOR UPDATE")
        .await?;
    let known = reach(transaction).await?;
    if known.access == access {
        return Ok(());
    }
    let known = known.changed_to(access, now);
    let sql = "UPDATE revocation_feed SET access = $1, former_until = $2";
    let parameters = params![millis(access), known.former_until.as_millis()];
    transaction.execute(sql, parameters).await.map(drop)
}

/// The epoch is another one on another timeline of the database: a replica that took over may have missed the last sequences,
/// and gives their numbers anew.
const BACKLOG: &str = "\
    SELECT feed.epoch || left(pg_walfile_name(pg_current_wal_lsn()), 8), \
           greatest(feed.swept, (SELECT max(sequence) FROM revocation)), \
           entry.sequence, entry.session_id, entry.generation, entry.kid, entry.until \
    FROM revocation_feed AS feed LEFT JOIN \
         (SELECT * FROM revocation WHERE sequence > $1 ORDER BY sequence LIMIT $2) AS entry ON true \
    ORDER BY entry.sequence";

async fn backlog(connection: &Connection, after: u64, limit: u32) -> Result<Backlog, Fault> {
    // One statement, so that the end and the entries are of one moment; one entry more tells whether there are more.
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let parameters = params![after, i64::from(limit) + 1];
    let rows = connection.rows(BACKLOG, parameters).await?;
    let last = row::first(&rows, |row| {
        Ok(Position {
            epoch: row.try_get(0)?,
            sequence: row::whole(row, 1, "revocation.sequence")?,
        })
    })?;
    let entries = row::all(&rows, |row| {
        let is_there = row.try_get::<_, Option<i64>>(2)?.is_some();
        is_there.then(|| entry(row)).transpose()
    })?;
    let last = last.ok_or(Fault::Corrupt("revocation_feed"))?;
    Ok(shape::page_of_backlog(
        last,
        entries.into_iter().flatten().collect(),
        limit,
    ))
}

fn entry(row: &Row) -> Result<(u64, Revocation), Fault> {
    let generation: Option<i64> = row.try_get(4)?;
    let generation = generation.map(u32::try_from).transpose();
    let generation = generation.map_err(|_| Fault::Corrupt("revocation.generation"))?;
    let revocation = Revocation {
        what: shape::revoked(row::id(row, 3)?, generation, row.try_get(5)?)?,
        until: row::time(row, 6)?,
    };
    Ok((row::whole(row, 2, "revocation.sequence")?, revocation))
}

/// One statement: the session, its user and what is revoked of it are of one moment.
async fn standing(connection: &Connection, id: SessionId) -> Result<Option<Standing>, Fault> {
    let sql = format!(
        "SELECT {SESSION}, \
         (SELECT username FROM \"user\" WHERE \"user\".id = session.user_id AND deleted_at IS NULL), \
         (SELECT max(revoked.generation) FROM revocation AS revoked \
          WHERE revoked.session_id = session.id AND revoked.generation IS NOT NULL) \
         FROM session WHERE id = $1"
    );
    row::first(&connection.rows(&sql, params![id.0]).await?, |row| {
        let username: Option<&str> = row.try_get(15)?;
        let username = username.map(Username::parse).transpose();
        let through: Option<i64> = row.try_get(16)?;
        let through = through.map(u32::try_from).transpose();
        Ok(Standing {
            session: row::session(row)?,
            username: username.map_err(|_| Fault::Corrupt("user.username"))?,
            revoked_through: through
                .map_err(|_| Fault::Corrupt("revocation.generation"))?
                .map(Generation),
        })
    })
}

async fn sweep(transaction: &mut Transaction, now: Timestamp, limit: u32) -> Result<usize, Fault> {
    let sql = "DELETE FROM revocation WHERE sequence IN \
               (SELECT sequence FROM revocation WHERE until <= $1 ORDER BY sequence LIMIT $2 \
                FOR UPDATE SKIP LOCKED) RETURNING sequence";
    let parameters = params![now.as_millis(), i64::from(limit)];
    let rows = transaction.rows(sql, parameters).await?;
    let gone: Vec<i64> = row::all(&rows, |row| Ok(row.try_get(0)?))?;
    if let Some(last) = gone.iter().max() {
        // The newest may be gone with them, and the next must come after it.
        let sql = "UPDATE revocation_feed SET swept = $1 WHERE swept < $1";
        transaction.execute(sql, params![*last]).await?;
    }
    Ok(gone.len())
}
