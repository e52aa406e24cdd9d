//! `relatch audit follow`: reads the database itself, so that a server may stop and start beside it.

use std::time::Duration;

use super::shape;
use crate::cli::{
    Failure,
    place::{Common, Opened},
};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// How many rows are read at a time.
const PAGE: u32 = 200;

/// How many rows are shown that were there before.
const BEFORE: i64 = 10;

pub(super) fn run(after: Option<i64>, heads: bool, common: &Common) -> Result<(), Failure> {
    let opened = common.place.open()?;
    let waiting = opened.wait(opened.store.unsealed(0))?;
    let row = after.unwrap_or_else(|| (waiting.last - BEFORE).max(0));
    let head = waiting.head.map_or(0, |head| head.point.number);
    let mut follower = Follower {
        row,
        head: after.unwrap_or(head),
        heads,
        json: common.output.is_json(),
    };
    loop {
        match follower.look(&opened) {
            Ok(Some(0)) => std::thread::sleep(PAUSE),
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            // Whatever it is that keeps the database busy is over some time.
            Err(Failure::Failed(error)) => {
                eprintln!("relatch: {error}; trying on");
                std::thread::sleep(PAUSE);
            }
            Err(other) => return Err(other),
        }
    }
}

struct Follower {
    row: i64,
    head: i64,
    heads: bool,
    json: bool,
}

impl Follower {
    /// How many lines it printed; nothing if nobody reads any more.
    fn look(&mut self, opened: &Opened) -> Result<Option<usize>, Failure> {
        let records = opened.wait(opened.store.records(Some(self.row), PAGE))?;
        for record in &records {
            let line = if self.json {
                shape::record(record).to_string()
            } else {
                shape::line(record)
            };
            if !shape::print(&line)? {
                return Ok(None);
            }
            self.row = record.number;
        }
        if !self.heads {
            return Ok(Some(records.len()));
        }
        let heads = opened.wait(opened.store.heads(Some(self.head), PAGE))?;
        let known = heads.iter().filter(|head| head.point.number <= self.row);
        let mut printed = records.len();
        for head in known {
            let line = if self.json {
                shape::head(head).to_string()
            } else {
                format!("{}  head  {}", head.point.number, head.jws())
            };
            if !shape::print(&line)? {
                return Ok(None);
            }
            self.head = head.point.number;
            printed += 1;
        }
        Ok(Some(printed))
    }
}
