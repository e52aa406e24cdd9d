//! Looks whether a database is whole: as a file, as tables, and as what the domain makes of its rows.

use rusqlite::{Connection, Row};

use super::{
    OpenError, Options,
    connection::Connector,
    folder::Presence,
    key, migrate,
    row::{self, CREDENTIALS, Fault, SESSION},
};
use crate::checked::{Checked, Looked, impossible};

/// Reads the whole database, which may be in use, and changes nothing. Of a damaged file it tells that alone.
///
/// # Errors
/// [`OpenError`] if it cannot be read at all.
pub fn check(options: &Options) -> Result<Checked, OpenError> {
    let _presence = Presence::among_others(&options.path)?;
    let connection = Connector::new(&options.path, options.synchronous).connect_to_ours()?;
    connection.pragma_update(None, "query_only", true)?;
    let mut checked = Checked {
        faults: integrity(&connection)?,
        ..Checked::default()
    };
    if !checked.faults.is_empty() {
        return Ok(checked);
    }
    checked.faults.extend(references(&connection)?);
    let schema = migrate::compare(&connection)?;
    // Rows are read as this binary knows them.
    if schema.is_empty() {
        rows(&connection, &mut checked)?;
    }
    checked.faults.extend(schema);
    Ok(checked)
}

/// What SQLite says of the file: pages, indexes, constraints.
pub(super) fn integrity(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
    let found = statement.query_map([], |row| row.get::<_, String>(0))?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found
        .into_iter()
        .filter(|verdict| verdict != "ok")
        .map(|verdict| format!("the file is damaged: {verdict}"))
        .collect())
}

/// Rows that name others that are not there.
pub(super) fn references(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2";
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map([], |row| {
        let (table, parent): (String, String) = (row.get(0)?, row.get(1)?);
        let count: u64 = row.get(2)?;
        Ok(format!(
            "{count} rows of table {table} name a {parent} that is not there"
        ))
    })?;
    found.collect()
}

fn rows(connection: &Connection, checked: &mut Checked) -> rusqlite::Result<()> {
    let faults = &mut checked.faults;
    let sql = format!("SELECT {CREDENTIALS}, hex(id) FROM user WHERE deleted_at IS NULL");
    checked.users = each(connection, &sql, "user", faults, |row| {
        row::credentials(row).map(|_| None)
    })?;
    let sql = format!("SELECT {SESSION}, hex(id) FROM session");
    checked.sessions = each(connection, &sql, "session", faults, |row| {
        Ok(impossible(&row::session(row)?))
    })?;
    match key::load(connection) {
        Ok(table) => checked.keys = Some(table),
        Err(fault) => faults.push(format!("the keys cannot be read: {fault}")),
    }
    Ok(())
}

/// Reads every row, the id last; how many there are.
fn each(
    connection: &Connection,
    sql: &str,
    what: &str,
    faults: &mut Vec<String>,
    read: impl Fn(&Row<'_>) -> Result<Option<&'static str>, Fault>,
) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare(sql)?;
    let id = statement.column_count().saturating_sub(1);
    let mut rows = statement.query([])?;
    let mut looked = Looked::default();
    while let Some(row) = rows.next()? {
        let why = match read(row) {
            Ok(why) => why.map(str::to_owned),
            Err(fault) => Some(fault.to_string()),
        };
        let id = row.get::<_, String>(id)?.to_lowercase();
        looked.at(what, &id, why, faults);
    }
    Ok(looked.end(what, faults))
}
