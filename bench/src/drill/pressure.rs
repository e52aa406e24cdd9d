//! What a backup costs those who refresh meanwhile: an interval without, and one in which a backup is
//! taken after the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use relatch_core::token::TokenKey;
use serde_json::Value;

use super::backup::{BackupSettings, Drill, millis, run};
use crate::failure::{Failure, Result};
use crate::load::{self, Plan};
use crate::measure::population::{Population, Scattered};
use crate::report::Report;
use crate::server::Server;

/// No refresh may take longer, whatever a backup does.
const STALL_MS: f64 = 1000.0;

/// Measures both intervals.
///
/// # Errors
/// It could not be carried out.
pub(super) fn measure(
    server: &Server,
    settings: &BackupSettings,
    (population, key): (Population, TokenKey),
    drill: &Drill<'_>,
    report: &mut Report,
) -> Result<()> {
    let plan = Plan {
        address: server.address(),
        pid: server.pid(),
        warm_up: Duration::from_secs(1),
        measured: settings.seconds,
    };
    let chains = Scattered::over(population, key, settings.connections);
    let (before, chains) = load::run(plan, chains)?;
    let done = AtomicBool::new(false);
    let (during, taken) = std::thread::scope(|scope| {
        let taking = scope.spawn(|| one_after_the_other(drill, &done));
        let during = load::run(plan, chains);
        done.store(true, Ordering::Relaxed);
        let taken = taking.join();
        (during, taken)
    });
    let (during, _) = during?;
    let taken = taken.map_err(|_| Failure::Told("taking backups panicked".to_owned()))??;
    note_backups(report, settings, &taken);
    report.note("refresh_rps_before", before.rate());
    report.note("refresh_rps_during", during.rate());
    report.note("refresh_p99_ms_before", before.percentile_ms(990));
    report.note("refresh_p99_ms_during", during.percentile_ms(990));
    let worst = during.percentile_ms(1000);
    report.note("refresh_worst_ms_before", before.percentile_ms(1000));
    report.remark("refresh_worst_ms_during", worst, "under 1000");
    if worst >= STALL_MS {
        report.broken(format!("a refresh took {worst} ms beside a backup"));
    }
    if before.refused() + during.refused() > 0 {
        let what = during.refusals();
        report.broken(format!("an answer was not 2xx: {what}"));
    }
    Ok(())
}

/// Takes backups until `done`; the last one ends after that.
fn one_after_the_other(drill: &Drill<'_>, done: &AtomicBool) -> Result<Vec<(Duration, Value)>> {
    let mut taken = Vec::new();
    while !done.load(Ordering::Relaxed) {
        taken.push(run(drill.command(taken.len() + 1))?);
    }
    Ok(taken)
}

fn note_backups(report: &mut Report, settings: &BackupSettings, taken: &[(Duration, Value)]) {
    let figure = |name: &str| {
        let figures = taken
            .iter()
            .filter_map(|(_, value)| value.get(name)?.as_u64());
        figures.max().unwrap_or(0)
    };
    let mut times: Vec<_> = taken.iter().map(|(took, _)| *took).collect();
    times.sort();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    report.note("seed", settings.seed);
    report.note("sessions", settings.sessions);
    report.note("backups", taken.len());
    report.note("backup_ms", millis(middle));
    report.note("backup_bytes", figure("bytes"));
    report.remark(
        "log_bytes",
        figure("log_bytes"),
        "the write-ahead log at its longest",
    );
}
