//! The database and the room that it has.

use relatch_store::sqlite::Examined;

use super::Finding;

/// Less than that is used up within a day.
const LITTLE: u64 = 64 << 20;

/// Less than that is used up before somebody looks.
const SCARCE: u64 = 1 << 30;

/// A log beyond that is not copied into the file any more: twice what a server lets it grow to.
const LONG_LOG: u64 = 128 << 20;

pub(super) fn absent() -> Finding {
    Finding::note(
        "database.absent",
        "There is no database yet.",
        "The first start of `relatch serve` makes it; look again then.",
    )
}

pub(super) fn unusable(why: &str) -> Finding {
    Finding::fault(
        "database.unusable",
        format!("The database cannot be looked at: {why}."),
        "See to what it says; a backup is put back with `relatch db restore`.",
    )
}

pub(super) fn check(examined: &Examined, free: Option<u64>) -> Vec<Finding> {
    let faults = examined.faults.iter().map(|fault| damaged(fault));
    let schema = examined.schema.iter().map(|fault| other_schema(fault));
    let settings = [journal(examined), log(examined), room(examined, free)];
    faults
        .chain(schema)
        .chain(settings.into_iter().flatten())
        .collect()
}

fn damaged(fault: &str) -> Finding {
    Finding::fault(
        "database.damaged",
        format!("The file of the database is damaged: {fault}."),
        "Stop the server, keep a copy of the folder, and restore the newest backup (`relatch db restore`).",
    )
}

fn other_schema(fault: &str) -> Finding {
    Finding::fault(
        "database.schema",
        format!("The schema is not that of this Relatch: {fault}."),
        "Run the Relatch that it belongs to, or `relatch db migrate` while no server runs.",
    )
}

fn journal(examined: &Examined) -> Option<Finding> {
    let mode = &examined.journal_mode;
    (mode != "wal").then(|| {
        Finding::warning(
            "database.journal",
            format!("The journal mode is {mode}, with which readers and the writer wait for each other: somebody changed it."),
            "A start of `relatch serve` sets it to wal again.",
        )
    })
}

fn log(examined: &Examined) -> Option<Finding> {
    let mib = examined.log_bytes >> 20;
    (examined.log_bytes > LONG_LOG).then(|| {
        Finding::warning(
            "database.log",
            format!("The write-ahead log has {mib} MiB: something reads for long, a backup or another program, or the server does not get to copying it."),
            "See what has the database open (`fuser` on the file); the log shrinks when that ends.",
        )
    })
}

fn room(examined: &Examined, free: Option<u64>) -> Option<Finding> {
    const NAME: &str = "database.room";
    let free = free?;
    let mib = free >> 20;
    if free < LITTLE {
        let what = format!(
            "{mib} MiB are free where the database is: when they are used up, nobody logs in or refreshes."
        );
        return Some(Finding::fault(NAME, what, "Make room now."));
    }
    let wanted = SCARCE.max(examined.file_bytes);
    (free < wanted).then(|| {
        let what = format!(
            "{mib} MiB are free where the database is: too few for a backup beside it, or for long."
        );
        Finding::warning(
            NAME,
            what,
            "Make room, or move the folder to a larger disk.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::Severity::{Fault, Warning},
        *,
    };

    fn healthy() -> Examined {
        Examined {
            faults: Vec::new(),
            schema: Vec::new(),
            journal_mode: "wal".to_owned(),
            newest_event: None,
            keys: None,
            file_bytes: 1 << 20,
            log_bytes: 16 << 20,
        }
    }

    #[test]
    fn one_that_is_well_is_let_alone() {
        assert_eq!(check(&healthy(), Some(SCARCE)), []);
        assert_eq!(check(&healthy(), None), []);
    }

    #[test]
    fn each_ailment_is_told() {
        let ill = Examined {
            faults: vec!["page 7 is never used".to_owned()],
            schema: vec!["`session` is not as the migrations make it".to_owned()],
            journal_mode: "delete".to_owned(),
            log_bytes: LONG_LOG + 1,
            ..healthy()
        };
        let names: Vec<_> = check(&ill, None)
            .into_iter()
            .map(|found| found.name)
            .collect();
        assert_eq!(
            names,
            [
                "database.damaged",
                "database.schema",
                "database.journal",
                "database.log"
            ]
        );
        assert_eq!(unusable("it is no database").name, "database.unusable");
    }

    #[test]
    fn room_runs_short_before_it_runs_out() {
        let severity = |free, file_bytes| {
            let examined = Examined {
                file_bytes,
                ..healthy()
            };
            room(&examined, Some(free)).map(|finding| finding.severity)
        };
        assert_eq!(severity(LITTLE - 1, 0), Some(Fault));
        assert_eq!(severity(LITTLE, 0), Some(Warning));
        assert_eq!(severity(SCARCE, 0), None);
        assert_eq!(
            severity(SCARCE, SCARCE + 1),
            Some(Warning),
            "no room for a backup"
        );
    }
}
