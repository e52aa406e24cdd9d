//! `drill power-cut`: the server works under strace; then the power is cut at random places of the
//! trace, each with three kinds of luck (see [`crate::trace`] for what a cut leaves on the disk). Once
//! a run, an older backup is restored as well.

use std::path::PathBuf;
use std::time::Duration;

use super::older;
use super::outage::Outage;
use super::traced::{Load, Traced};
use super::{folder, runtime};
use crate::chance::Chance;
use crate::failure::{Doing, Result};
use crate::place::Place;
use crate::report::Report;
use crate::trace::Luck;

/// Points that share one traced load: a replay must come within the retry window.
const POINTS: u64 = 5;

/// How to run it.
#[derive(Debug)]
pub(crate) struct CutSettings {
    pub(crate) seed: u64,
    pub(crate) clients: u64,
    /// Points under load; each load adds one in its first start.
    pub(crate) points: u64,
    pub(crate) load: Duration,
    pub(crate) syncs: bool,
}

/// Runs the drill.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn power_cut(place: &Place, settings: &CutSettings) -> Result<Report> {
    let more = if settings.syncs {
        vec![folder::PATIENT]
    } else {
        vec![folder::PATIENT, folder::WITHOUT_SYNCS]
    };
    let run = Run {
        place,
        settings,
        config: folder::config(place, &more)?,
        report: Report::new(format!("drill power-cut --seed {}", settings.seed)),
        counts: Counts::default(),
    };
    runtime()?.block_on(run.all())
}

struct Run<'a> {
    place: &'a Place,
    settings: &'a CutSettings,
    config: PathBuf,
    report: Report,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    answers: usize,
    outages: usize,
    lines: usize,
}

impl Run<'_> {
    async fn all(mut self) -> Result<Report> {
        let loads = self.settings.points.div_ceil(POINTS);
        for number in 0..loads {
            let left = self.settings.points - number * POINTS;
            self.load(number, left.min(POINTS)).await?;
        }
        self.note(loads);
        let backup = older::restore(self.place, &self.config, self.settings.seed).await?;
        self.report.note("backup_sessions", backup.sessions);
        self.broken("older backup", backup.broken);
        Ok(self.report)
    }

    fn note(&mut self, loads: u64) {
        let lucks = "each point with nothing, a prefix and torn sectors of what was not synced";
        self.report.note("seed", self.settings.seed);
        self.report.note("points", self.settings.points);
        self.report.note("points_in_first_starts", loads);
        self.report.remark("power_cuts", self.counts.outages, lucks);
        self.report.note("answers", self.counts.answers);
        self.report.note("trace_lines", self.counts.lines);
    }

    /// One traced load, and the cuts in it.
    async fn load(&mut self, number: u64, points: u64) -> Result<()> {
        let seed = self.settings.seed.wrapping_add(number << 32);
        let load = Load {
            clients: self.settings.clients,
            seed,
            limit: self.settings.load,
        };
        let traced = load.trace(self.place, &self.config).await?;
        self.counts.lines += traced.trace.lines;
        for work in &traced.works {
            self.counts.answers += work.answers();
            self.broken(&format!("load {number}"), work.broken.clone());
        }
        let mut chance = Chance::lane(seed, 0);
        for cut in traced.places(points, &mut chance)? {
            self.cut(number, &traced, cut, &mut chance).await?;
        }
        std::fs::remove_dir_all(&traced.data).doing("removing the traced folder")
    }

    async fn cut(
        &mut self,
        number: u64,
        traced: &Traced,
        cut: usize,
        chance: &mut Chance,
    ) -> Result<()> {
        for luck in [Luck::Guaranteed, Luck::Prefix, Luck::Torn] {
            let outage = Outage {
                place: self.place,
                config: &self.config,
                traced,
                cut,
                luck,
            };
            let broken = outage.suffer(chance).await?;
            self.counts.outages += 1;
            self.broken(&format!("load {number}"), broken);
        }
        Ok(())
    }

    fn broken(&mut self, place: &str, broken: Vec<String>) {
        let seed = self.settings.seed;
        for what in broken {
            self.report.broken(format!("seed {seed}, {place}, {what}"));
        }
    }
}
