//! Looks whether a database is whole: as tables, and as what the domain makes of their rows. That its files are is
//! PostgreSQL's to say.

use relatch_core::key::KeyTable;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    OpenError, Options,
    connection::Connection,
    key, migrate,
    parameter::params,
    row::{self, CREDENTIALS, Fault, SESSION},
};
use crate::checked::{Checked, Looked, impossible};

/// Reads the whole database, which may be in use, and changes nothing.
///
/// # Errors
/// [`OpenError`] if it cannot be read at all.
pub async fn check(options: &Options) -> Result<Checked, OpenError> {
    let connection = options.connector(&options.address)?.connect().await?;
    migrate::is_current(&connection).await?;
    let mut checked = Checked::default();
    let faults = &mut checked.faults;
    let users = format!("SELECT {CREDENTIALS} FROM \"user\" WHERE deleted_at IS NULL");
    checked.users = each(&connection, &users, "user", faults, |row| {
        row::credentials(row).map(|_| None)
    })
    .await?;
    let sessions = format!("SELECT {SESSION} FROM session WHERE true");
    checked.sessions = each(&connection, &sessions, "session", faults, |row| {
        Ok(impossible(&row::session(row)?))
    })
    .await?;
    match key::load(&connection).await {
        Ok(table) => checked.keys = Some(table),
        Err(fault) => faults.push(format!("the keys cannot be read: {fault}")),
    }
    Ok(checked)
}

/// The keys of a database that this binary could work with, sealed: a look that costs nothing.
///
/// # Errors
/// [`OpenError`] if it could not.
pub async fn keys(options: &Options) -> Result<KeyTable, OpenError> {
    let connection = options.connector(&options.address)?.connect().await?;
    migrate::is_current(&connection).await?;
    Ok(key::load(&connection).await?)
}

/// Reads every row; how many there are.
async fn each(
    connection: &Connection,
    sql: &str,
    what: &str,
    faults: &mut Vec<String>,
    read: impl Fn(&Row) -> Result<Option<&'static str>, Fault>,
) -> Result<u64, Fault> {
    let (mut looked, mut after) = (Looked::default(), None);
    loop {
        let rows = page(connection, sql, after).await?;
        for row in &rows {
            let why = match read(row) {
                Ok(why) => why.map(str::to_owned),
                Err(fault) => Some(fault.to_string()),
            };
            looked.at(what, &row.try_get::<_, Uuid>(0)?, why, faults);
        }
        let Some(last) = rows.last() else {
            return Ok(looked.end(what, faults));
        };
        after = Some(last.try_get(0)?);
    }
}

/// How many rows are read at once.
const PAGE: i64 = 5_000;

/// The rows that come after the one of that id, which is their first column.
pub(super) async fn page(
    connection: &Connection,
    sql: &str,
    after: Option<Uuid>,
) -> Result<Vec<Row>, Fault> {
    let sql = format!("{sql} AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2");
    connection.rows(&sql, params![after, PAGE]).await
}
