//! A look into the database file, beside the server or after it.

use std::collections::BTreeMap;

use rusqlite::{Connection, types::Value};

use super::Folder;

impl Folder {
    pub(crate) fn open_database(&self) -> Connection {
        let connection = Connection::open(self.database()).unwrap();
        connection
            .busy_timeout(std::time::Duration::from_secs(5))
            .unwrap();
        connection
    }

    /// How many rows each table has, but for what the server writes by itself.
    pub(crate) fn rows(&self) -> BTreeMap<String, usize> {
        let connection = self.open_database();
        let count = |table: &String| -> usize {
            let sql = format!("SELECT count(*) FROM {}", part(table));
            connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let tables = tables(&connection);
        tables
            .into_iter()
            .map(|table| (table.clone(), count(&table)))
            .collect()
    }

    /// Every row of every table, but for what the server writes by itself: nothing was written if it stays the same.
    pub(crate) fn content(&self) -> Vec<Vec<Value>> {
        let connection = self.open_database();
        tables(&connection)
            .iter()
            .flat_map(|table| rows_of(&connection, table))
            .collect()
    }
}

/// The record is sealed whenever the server gets to it.
fn part(table: &str) -> String {
    match table {
        "event" => "event WHERE name NOT GLOB 'server.*' AND name NOT GLOB 'audit.*'".to_owned(),
        "event_head" => "event_head WHERE false".to_owned(),
        other => format!("\"{other}\""),
    }
}

fn tables(connection: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut statement = connection.prepare(sql).unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

fn rows_of(connection: &Connection, table: &str) -> Vec<Vec<Value>> {
    let mut statement = connection
        .prepare(&format!("SELECT * FROM {}", part(table)))
        .unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns).map(|column| row.get(column)).collect()
    });
    rows.unwrap().map(Result::unwrap).collect()
}
