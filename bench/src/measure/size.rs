//! `bench size`: the bytes of database that a session takes, its indexes included, when sessions came
//! in no order and have turned for a while.

use rusqlite::Connection;

use super::filling::{Order, fill};
use super::population::Population;
use super::refresh::serve;
use crate::failure::{Querying, Result};
use crate::place::Place;
use crate::report::Report;

/// The pages of the table and of all its indexes.
const PAGES: &str = "SELECT sum(pgsize) FROM dbstat WHERE aggregate = TRUE \
                     AND name IN (SELECT name FROM sqlite_schema WHERE tbl_name = 'session')";

/// As after weeks of use: the numbers that generations have grown to take two bytes.
const TURN: &str = "UPDATE session SET generation = 1000, rotated_at = rotated_at + 1000";

/// Runs the measurement over so many sessions.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn size(place: &Place, sessions: u32) -> Result<Report> {
    let mut report = Report::new("bench size");
    let packed = database(place, "packed", sessions, Order::ById)?;
    let scattered = database(place, "scattered", sessions, Order::Scattered)?;
    let count = f64::from(sessions);
    let bytes = |connection: &Connection, sql| -> Result<f64> {
        let bytes = connection.query_row(sql, [], |row| row.get::<_, u32>(0));
        Ok(f64::from(bytes.querying("counting pages")?) / count)
    };
    let fresh = bytes(&scattered, PAGES)?;
    scattered.execute_batch(TURN).querying("turning")?;
    let turned = bytes(&scattered, PAGES)?;
    report.note("sessions", sessions);
    report.remark("bytes_per_session", turned, "at most 300");
    report.note("bytes_per_session_fresh", fresh);
    report.note("bytes_per_session_packed", bytes(&packed, PAGES)?);
    if turned > 300.0 {
        report.broken("a session takes more than 300 bytes");
    }
    Ok(report)
}

fn database(place: &Place, name: &str, sessions: u32, order: Order) -> Result<Connection> {
    let data = place.folder.join(name);
    serve(place, &data)?.stop()?;
    fill(&data, Population { sessions }, order)?;
    Connection::open(data.join("relatch.db")).querying("opening the filled database")
}
