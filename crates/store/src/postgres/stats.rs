//! What is in a database, in numbers. Reads every session, for whether one is over is core's to say.

use relatch_core::{Timestamp, session::Policy};

use super::{
    OpenError, Options,
    check::page,
    connection::Connection,
    key, migrate,
    parameter::params,
    row::{self, Fault, SESSION},
};
use crate::stats::Stats;

/// Counts what is in the database, which may be in use.
///
/// # Errors
/// [`OpenError`].
pub async fn stats(options: &Options, policy: &Policy, now: Timestamp) -> Result<Stats, OpenError> {
    let connection = options.connector(&options.address)?.connect().await?;
    migrate::is_current(&connection).await?;
    let mut stats = numbers(&connection).await?;
    stats.keys = key::load(&connection).await?;
    let sql = format!("SELECT {SESSION} FROM session WHERE true");
    let mut after = None;
    loop {
        let rows = page(&connection, &sql, after).await?;
        let Some(last) = rows.last() else {
            return Ok(stats);
        };
        after = Some(last.try_get(0).map_err(Fault::from)?);
        for session in row::all(&rows, row::session)? {
            stats.count(&session, policy, now);
        }
    }
}

async fn numbers(connection: &Connection) -> Result<Stats, Fault> {
    let sql = "SELECT (SELECT count(*) FROM \"user\"), (SELECT count(*) FROM \"user\" WHERE disabled), \
               (SELECT count(*) FROM event), pg_total_relation_size('session'), \
               pg_database_size(current_database())";
    let rows = connection.rows(sql, params![]).await?;
    let stats = row::first(&rows, |row| {
        let number = |column| row::whole(row, column, "a count");
        Ok(Stats {
            users: number(0)?,
            users_disabled: number(1)?,
            events: number(2)?,
            session_bytes: number(3)?,
            file_bytes: number(4)?,
            ..Stats::default()
        })
    })?;
    stats.ok_or(Fault::Corrupt("a count"))
}
