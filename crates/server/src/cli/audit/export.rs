//! `relatch audit export`.

use super::shape;
use crate::cli::{
    Failure,
    place::{Common, Opened},
};

/// How many rows are read at a time.
const PAGE: u32 = 1_000;

/// In JSON whether that was asked for or not: nobody reads it who is no script.
pub(super) fn run(after: i64, common: &Common) -> Result<(), Failure> {
    let opened = common.place.open()?;
    let mut tape = Tape::after(after);
    while let Some(lines) = tape.next(&opened)? {
        for line in lines {
            if !shape::print(&line.to_string())? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Rows and heads in one order: each head right behind the last row that it covers.
struct Tape {
    row: i64,
    head: i64,
}

impl Tape {
    fn after(row: i64) -> Self {
        // Of the head that covers the first row it is not known where it begins: that does not matter to who reads on.
        Self { row, head: row }
    }

    /// The next lines; nothing at the end.
    fn next(&mut self, opened: &Opened) -> Result<Option<Vec<serde_json::Value>>, Failure> {
        let records = opened.wait(opened.store.records(Some(self.row), PAGE))?;
        let Some(last) = records.last().map(|record| record.number) else {
            let heads = opened.wait(opened.store.heads(Some(self.head), PAGE))?;
            let Some(last) = heads.last().map(|head| head.point.number) else {
                return Ok(None);
            };
            // Heads whose rows are gone are exported as well: they show that.
            self.head = last;
            return Ok(Some(heads.iter().map(shape::head).collect()));
        };
        let mut lines: Vec<_> = records
            .iter()
            .map(|record| (record.number, 0, shape::record(record)))
            .collect();
        let mut heads = opened.wait(opened.store.heads(Some(self.head), PAGE))?;
        heads.retain(|head| head.point.number <= last);
        self.head = heads.last().map_or(self.head, |head| head.point.number);
        self.row = last;
        lines.extend(
            heads
                .iter()
                .map(|head| (head.point.number, 1, shape::head(head))),
        );
        lines.sort_by_key(|line| (line.0, line.1));
        Ok(Some(lines.into_iter().map(|line| line.2).collect()))
    }
}
