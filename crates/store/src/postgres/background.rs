//! Background work, which one node does at a time: it holds a row for a while that the others do not touch. A lock that the
//! server keeps for a connection would not do, for a pooler lends another one to each transaction.

use super::{
    Postgres,
    connection::Connection,
    parameter::params,
    row::{Fault, one},
};

/// How long others leave a piece of work to whoever did a step of it.
const AT_WORK: i64 = 60;

/// How long they leave it after it was done: shorter than the pause until it is done again.
const AT_REST: i64 = 20 * 60;

/// Whether this node may go on with that work.
pub(super) async fn take(connection: &Connection, work: &str, node: &str) -> Result<bool, Fault> {
    hold(connection, work, node, AT_WORK).await
}

/// Notes that it has come to its end.
pub(super) async fn rest(connection: &Connection, work: &str, node: &str) -> Result<bool, Fault> {
    hold(connection, work, node, AT_REST).await
}

async fn hold(
    connection: &Connection,
    work: &str,
    node: &str,
    seconds: i64,
) -> Result<bool, Fault> {
    // By the clock of the database: nodes may have another.
    let sql = "WITH held AS (INSERT INTO background AS known (work, node, until) \
               VALUES ($1, $2, now() + $3 * interval '1 second') ON CONFLICT (work) \
               DO UPDATE SET node = excluded.node, until = excluded.until \
               WHERE known.node = excluded.node OR known.until < now() RETURNING true) \
               SELECT EXISTS (SELECT FROM held)";
    let rows = connection.rows(sql, params![work, node, seconds]).await?;
    one(&rows, "background")
}

impl Postgres {
    /// The name of this node.
    pub(super) fn node(&self) -> &str {
        self.wake.node()
    }
}
