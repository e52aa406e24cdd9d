//! Failed logins: counts by hour, user and network that change in place, and once the hour is over rows of the record.

use relatch_core::{
    Timestamp,
    event::{Origin, failed_login::MOST_NETWORKS},
    user::UserId,
};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{
    event,
    row::{self, Fault},
};
use crate::{
    failed_login::{Total, of_user, split},
    shape::{counted_user, hour, network},
};

pub(super) fn count(
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

pub(super) fn since(
    connection: &Connection,
    user: Option<UserId>,
    since: Timestamp,
) -> Result<u64, Fault> {
    let sql = "SELECT coalesce(sum(count), 0) FROM failed_login WHERE user_id = ?1 AND hour >= ?2";
    let count = connection
        .prepare_cached(sql)?
        .query_row(params![key(user), hour(since)], |row| row.get(0))?;
    Ok(count)
}

pub(super) fn sweep(
    connection: &Connection,
    before: Timestamp,
    limit: u32,
) -> Result<usize, Fault> {
    let sql = "DELETE FROM failed_login WHERE (hour, user_id, address) IN \
               (SELECT hour, user_id, address FROM failed_login WHERE hour < ?1 LIMIT ?2)";
    Ok(connection
        .prepare_cached(sql)?
        .execute(params![hour(before), limit])?)
}

/// Whether hours before `before` have failed logins that are not on record.
pub(super) fn is_due(connection: &Connection, before: Timestamp) -> Result<bool, Fault> {
    let sql = "SELECT EXISTS (SELECT 1 FROM failed_login WHERE hour < ?1 \
               AND hour >= (SELECT hour FROM failed_login_record))";
    let due = connection
        .prepare_cached(sql)?
        .query_row([hour(before)], |row| row.get(0))?;
    Ok(due)
}

/// One row for each user and hour, but for the many that a flood may name.
pub(super) fn record(connection: &Connection, before: Timestamp) -> Result<usize, Fault> {
    let sql = "SELECT hour, user_id, sum(count), count(*) FROM failed_login WHERE hour < ?1 \
               AND hour >= (SELECT hour FROM failed_login_record) \
               GROUP BY hour, user_id ORDER BY hour, 3 DESC, user_id";
    let mut statement = connection.prepare_cached(sql)?;
    let totals = row::all(statement.query([hour(before)])?, |row| {
        Ok(Total {
            hour: row.get(0)?,
            user: UserId(Uuid::from_bytes(row.get(1)?)),
            count: row.get(2)?,
            networks: row.get(3)?,
        })
    })?;
    for (foremost, others) in split(&totals, before) {
        for total in foremost {
            let networks = networks(connection, total)?;
            event::append(connection, &of_user(total, networks, before))?;
        }
        if let Some(others) = others {
            event::append(connection, &others)?;
        }
    }
    let sql = "UPDATE failed_login_record SET hour = max(hour, ?1)";
    connection.prepare_cached(sql)?.execute([hour(before)])?;
    Ok(totals.len())
}

fn networks(connection: &Connection, total: &Total) -> Result<Vec<(String, u64)>, Fault> {
    let sql = "SELECT address, count FROM failed_login WHERE hour = ?1 AND user_id = ?2 \
               ORDER BY count DESC, address LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query(params![total.hour, total.user.0.as_bytes(), MOST_NETWORKS])?;
    row::all(rows, |row| Ok((row.get(0)?, row.get(1)?)))
}

fn key(user: Option<UserId>) -> [u8; 16] {
    counted_user(user).into_bytes()
}
