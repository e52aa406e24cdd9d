//! Failed logins in PostgreSQL: counts by hour, user and network that change in place, and once the hour is over rows of the
//! record.

use relatch_core::{
    Timestamp,
    event::{Origin, failed_login::MOST_NETWORKS},
    user::UserId,
};

use super::{
    connection::Connection,
    parameter::params,
    row::{self, Fault, one},
    transaction::Transaction,
};
use crate::{
    failed_login::{Total, of_user, split},
    shape::{counted_user, hour, network},
};

pub(super) async fn count(
    connection: &Connection,
    user: Option<UserId>,
    origin: &Origin,
    now: Timestamp,
) -> Result<(), Fault> {
    let sql = "INSERT INTO failed_login (hour, user_id, address, count) VALUES ($1, $2, $3, 1) \
               ON CONFLICT (hour, user_id, address) DO UPDATE SET count = failed_login.count + 1";
    let address = origin.address.map_or_else(String::new, network);
    let parameters = params![hour(now), counted_user(user), address];
    connection.execute(sql, parameters).await.map(drop)
}

pub(super) async fn since(
    connection: &Connection,
    user: Option<UserId>,
    since: Timestamp,
) -> Result<u64, Fault> {
    let sql = "SELECT coalesce(sum(count), 0)::bigint FROM failed_login WHERE user_id = $1 AND hour >= $2";
    let parameters = params![counted_user(user), hour(since)];
    let count: i64 = one(&connection.rows(sql, parameters).await?, "failed_login")?;
    u64::try_from(count).map_err(|_| Fault::Corrupt("failed_login.count"))
}

pub(super) async fn sweep(
    connection: &Connection,
    before: Timestamp,
    limit: u32,
) -> Result<usize, Fault> {
    let sql = "DELETE FROM failed_login WHERE (hour, user_id, address) IN \
               (SELECT hour, user_id, address FROM failed_login WHERE hour < $1 \
                ORDER BY hour, user_id, address LIMIT $2 FOR UPDATE SKIP LOCKED)";
    let parameters = params![hour(before), i64::from(limit)];
    let gone = connection.execute(sql, parameters).await?;
    Ok(usize::try_from(gone).unwrap_or(usize::MAX))
}

/// Whether hours before `before` have failed logins that are not on record.
pub(super) async fn is_due(connection: &Connection, before: Timestamp) -> Result<bool, Fault> {
    let sql = "SELECT EXISTS (SELECT FROM failed_login WHERE hour < $1 \
               AND hour >= (SELECT hour FROM failed_login_record))";
    one(
        &connection.rows(sql, params![hour(before)]).await?,
        "failed_login",
    )
}

/// One row for each user and hour, but for the many that a flood may name. Two who come at once are one after the other, and
/// the second finds nothing.
pub(super) async fn record(
    transaction: &mut Transaction,
    before: Timestamp,
) -> Result<usize, Fault> {
    let sql = "SELECT hour FROM failed_login_record FOR UPDATE";
    let from: i64 = one(
        &transaction.rows(sql, params![]).await?,
        "failed_login_record",
    )?;
    let totals = totals(transaction, from, before).await?;
    for (foremost, others) in split(&totals, before) {
        for total in foremost {
            let networks = networks(transaction, total).await?;
            transaction.append(of_user(total, networks, before));
        }
        if let Some(others) = others {
            transaction.append(others);
        }
    }
    let sql = "UPDATE failed_login_record SET hour = greatest(hour, $1)";
    transaction.execute(sql, params![hour(before)]).await?;
    Ok(totals.len())
}

async fn totals(
    connection: &Connection,
    from: i64,
    before: Timestamp,
) -> Result<Vec<Total>, Fault> {
    let sql = "SELECT hour, user_id, sum(count)::bigint, count(*) FROM failed_login \
               WHERE hour >= $1 AND hour < $2 GROUP BY hour, user_id ORDER BY hour, 3 DESC, user_id";
    let rows = connection.rows(sql, params![from, hour(before)]).await?;
    row::all(&rows, |row| {
        Ok(Total {
            hour: row.try_get(0)?,
            user: UserId(row.try_get(1)?),
            count: row::whole(row, 2, "failed_login.count")?,
            networks: row::whole(row, 3, "failed_login")?,
        })
    })
}

async fn networks(connection: &Connection, total: &Total) -> Result<Vec<(String, u64)>, Fault> {
    let sql = "SELECT address, count FROM failed_login WHERE hour = $1 AND user_id = $2 \
               ORDER BY count DESC, address LIMIT $3";
    let parameters = params![total.hour, total.user.0, i64::from(MOST_NETWORKS)];
    row::all(&connection.rows(sql, parameters).await?, |row| {
        Ok((row.try_get(0)?, row::whole(row, 1, "failed_login.count")?))
    })
}
