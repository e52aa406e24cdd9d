//! The second half of `bench refresh`: how much slower refreshing is with very many sessions in the
//! database than with few. Two servers run one after the other, in turn, and every refresh goes to a
//! session at random.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use tokio::runtime::Builder;

use super::filling;
use super::population::{Population, Scattered};
use super::refresh::{plan, serve};
use super::{Settings, middle};
use crate::failure::{Doing, Failure, Result};
use crate::load::{self, Sample};
use crate::place::Place;
use crate::report::Report;

/// What the large database is held against.
const FEW: u32 = 10_000;

/// Room for one session with its share of a user, its indexes and the log, generously.
const BYTES: u64 = 800;

/// Runs the measurement and notes `ratio_at_10m`.
///
/// # Errors
/// It could not be carried out.
pub(super) fn compare(
    place: &Place,
    settings: &Settings,
    many: u32,
    report: &mut Report,
) -> Result<()> {
    let (room, needed) = (room(&place.folder)?, u64::from(many) * BYTES);
    if room < needed {
        let folder = place.folder.display();
        let what = format!("{many} sessions need {needed} bytes in {folder}, which has {room}");
        return Err(Failure::Told(format!(
            "{what}: see --work-dir, --sessions, --no-large"
        )));
    }
    let begun = Instant::now();
    let mut few = Side::new(place, settings, "few", FEW)?;
    let mut many = Side::new(place, settings, "many", many)?;
    let filled = begun.elapsed();
    let mut pairs = Vec::with_capacity(settings.rounds);
    for _ in 0..settings.rounds {
        pairs.push((few.sample(place, settings)?, many.sample(place, settings)?));
    }
    note(report, &pairs);
    report.note("large_sessions", many.sessions);
    report.note("large_database_bytes", many.bytes()?);
    report.note("large_fill_s", filled.as_secs());
    Ok(())
}

fn note(report: &mut Report, pairs: &[(Sample, Sample)]) {
    let ratio = middle(pairs, |(few, many)| many.rate() / few.rate());
    report.remark("ratio_at_10m", ratio, "at least 0.7");
    report.note("small_rps", middle(pairs, |(few, _)| few.rate()));
    report.note("large_rps", middle(pairs, |(_, many)| many.rate()));
    report.note(
        "small_p99_ms",
        middle(pairs, |(few, _)| few.percentile_ms(990)),
    );
    report.note(
        "large_p99_ms",
        middle(pairs, |(_, many)| many.percentile_ms(990)),
    );
    report.note("small_cpu_us", middle(pairs, |(few, _)| few.cpu_micros()));
    report.note("large_cpu_us", middle(pairs, |(_, many)| many.cpu_micros()));
    let samples = pairs.iter().flat_map(|(few, many)| [few, many]);
    let refused: u64 = samples.map(Sample::refused).sum();
    report.note("large_refused", refused);
    if refused > 0 {
        report.broken("an answer was not 2xx, with sessions at random");
    }
}

/// One of the two databases, with what the generator knows of it.
struct Side {
    data: PathBuf,
    sessions: u32,
    chains: Vec<Scattered>,
}

impl Side {
    /// Lets a server make the folder, and fills it.
    fn new(place: &Place, settings: &Settings, name: &str, sessions: u32) -> Result<Self> {
        let data = place.folder.join(name);
        serve(place, &data)?.stop()?;
        let runtime = Builder::new_current_thread()
            .build()
            .doing("reading keys")?;
        let key = runtime.block_on(filling::token_key(&data))?;
        let population = Population { sessions };
        filling::fill(&data, population, filling::Order::ById)?;
        let connections = u32::try_from(settings.connections).unwrap_or(u32::MAX);
        let chains = Scattered::over(population, key, connections);
        Ok(Self {
            data,
            sessions,
            chains,
        })
    }

    fn sample(&mut self, place: &Place, settings: &Settings) -> Result<Sample> {
        let server = serve(place, &self.data)?;
        let chains = std::mem::take(&mut self.chains);
        let (sample, chains) = load::run(plan(&server, settings), chains)?;
        self.chains = chains;
        server.stop()?;
        Ok(sample)
    }

    fn bytes(&self) -> Result<u64> {
        let path = self.data.join("relatch.db");
        Ok(fs::metadata(&path).doing(path.display().to_string())?.len())
    }
}

/// Bytes that are free where `folder` is.
fn room(folder: &Path) -> Result<u64> {
    let mut command = Command::new("df");
    command
        .args(["--block-size=1", "--output=avail"])
        .arg(folder);
    let output = command.output().doing("df")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let free = text
        .lines()
        .nth(1)
        .and_then(|line| line.trim().parse().ok());
    free.ok_or_else(|| Failure::Told(format!("df said {text:?}")))
}
