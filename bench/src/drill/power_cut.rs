//! `drill power-cut`: the server works under strace; then the power is cut at random points of the
//! trace. What the disk may hold is replayed into a fresh folder, a real server started on it, and
//! every client looks for what it was promised. See [`crate::trace`] for what a cut leaves.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::account::{Account, Habit};
use super::backup;
use super::check::check;
use super::client::{Shift, Work, join};
use super::history::Answers;
use super::{folder, runtime};
use crate::chance::Chance;
use crate::cli::Place;
use crate::failure::{Doing, Failure, Result};
use crate::report::Report;
use crate::server::Server;
use crate::trace::{Luck, Recorder, Trace, disk};

/// Points that share one traced load: a replay must come within the retry window.
const POINTS: u64 = 5;

/// How to run it.
#[derive(Debug)]
pub(crate) struct CutSettings {
    pub(crate) seed: u64,
    pub(crate) clients: u64,
    pub(crate) points: u64,
    pub(crate) load: Duration,
    pub(crate) syncs: bool,
}

/// Runs the drill.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn power_cut(place: &Place, settings: &CutSettings) -> Result<Report> {
    let run = Run {
        place,
        settings,
        config: folder::config(place, settings.syncs)?,
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
    points: usize,
    starts: usize,
    lines: usize,
}

/// One traced load, and what its clients were told.
struct Load {
    number: u64,
    data: PathBuf,
    trace: Trace,
    answers: Answers,
    works: Vec<Work>,
}

impl Run<'_> {
    async fn all(mut self) -> Result<Report> {
        let loads = self.settings.points.div_ceil(POINTS);
        for number in 0..loads {
            let load = self.load(number).await?;
            let done = number * POINTS;
            let points = POINTS.min(self.settings.points - done);
            self.cuts(&load, points).await?;
        }
        let backup = backup::restore(self.place, &self.config, self.settings.seed).await?;
        self.report.note("seed", self.settings.seed);
        self.report.note("points", self.counts.points);
        self.report.remark(
            "restarts",
            self.counts.starts,
            "each point three times: nothing, a prefix, torn sectors of what was not synced",
        );
        self.report.note("answers", self.counts.answers);
        self.report.note("trace_lines", self.counts.lines);
        self.report.note("backup_sessions", backup.sessions);
        for what in backup.broken {
            self.report.broken(format!("older backup: {what}"));
        }
        Ok(self.report)
    }

    /// Lets the clients work at a server under strace, and kills it.
    async fn load(&mut self, number: u64) -> Result<Load> {
        let data = self.place.folder.join(format!("traced-{number}"));
        let recorder = Recorder::new(&self.place.folder.join("strace.txt"))?;
        let mut command = recorder.command(&self.place.server);
        folder::serve_with(&mut command, &self.config, &data);
        let server = Server::start(command, &self.place.folder.join("server.log"))?;
        let names = 0..self.settings.clients;
        let accounts = names.map(|n| Account::new(format!("cut-{n:03}"))).collect();
        let shift = Shift {
            address: server.address(),
            habit: Habit::Everything,
            seed: self.settings.seed.wrapping_add(number << 32),
            limit: self.settings.load,
        };
        let works = join(shift.begin(accounts)).await?;
        let pid = server.pid();
        server.kill();
        let trace = Trace::read(recorder.finish(pid)?, &data)?;
        for work in &works {
            self.counts.answers += work.answers();
            self.broken(&format!("load {number}"), &work.broken);
        }
        self.counts.lines += trace.lines;
        let answers = Answers::of(&trace);
        Ok(Load {
            number,
            data,
            trace,
            answers,
            works,
        })
    }

    /// One cut while the first start is under way, for it must not leave a folder that never starts,
    /// and then those under load.
    async fn cuts(&mut self, load: &Load, points: u64) -> Result<()> {
        let seed = self.settings.seed.wrapping_add(load.number << 32);
        let mut chance = Chance::lane(seed, 0);
        let span = load.answers.span();
        let (first, last) = span.ok_or_else(|| Failure::Told("nothing was answered".to_owned()))?;
        let early = chance.between(0, first as u64);
        let under_load = (0..points).map(|_| chance.between(first as u64, last as u64 + 1));
        let places: Vec<u64> = std::iter::once(early).chain(under_load).collect();
        for place in places {
            let cut = usize::try_from(place).unwrap_or(last);
            self.counts.points += 1;
            for luck in [Luck::Guaranteed, Luck::Prefix, Luck::Torn] {
                self.cut(load, cut, luck, &mut chance).await?;
            }
        }
        Ok(())
    }

    async fn cut(
        &mut self,
        load: &Load,
        cut: usize,
        luck: Luck,
        chance: &mut Chance,
    ) -> Result<()> {
        let number = load.number;
        let seed = self.settings.seed;
        let what = format!("load {number}, line {cut}, {luck:?}, seed {seed}");
        let data = self.place.folder.join("replayed");
        let files = disk(&load.trace.events, cut, luck, chance);
        replay(&files, &load.data, &data)?;
        let verdict = folder::integrity(&data, &self.place.folder.join("copy"));
        match verdict {
            Ok(verdict) if verdict == "ok" => {}
            Ok(verdict) => self.broken(&what, &[format!("integrity_check: {verdict}")]),
            Err(error) => self.broken(&what, &[format!("integrity_check: {error}")]),
        }
        let broken = self.restart(load, cut, &data, chance).await?;
        self.broken(&what, &broken);
        fs::remove_dir_all(&data).doing("removing the replayed folder")
    }

    /// Starts a server on what the cut left, and lets every client look.
    async fn restart(
        &mut self,
        load: &Load,
        cut: usize,
        data: &Path,
        chance: &mut Chance,
    ) -> Result<Vec<String>> {
        let command = folder::serve(self.place, &self.config, data);
        let started = Server::start(command, &self.place.folder.join("server.log"));
        let Ok(server) = started else {
            return Ok(vec!["the server does not start".to_owned()]);
        };
        self.counts.starts += 1;
        let mut broken = Vec::new();
        for work in &load.works {
            let mut stand = load.answers.stand(work, cut, chance.percent(30))?;
            let in_flight = stand.in_flight.as_ref();
            match check(&mut stand.account, in_flight, server.address()).await {
                Ok(mut found) => broken.append(&mut found),
                Err(error) => {
                    broken.push(format!("the server does not answer: {error}"));
                    break;
                }
            }
        }
        server.kill();
        Ok(broken)
    }

    fn broken(&mut self, place: &str, broken: &[String]) {
        for what in broken {
            self.report.broken(format!("{place}: {what}"));
        }
    }
}

/// Writes the files of a disk into the folder `to`; they are named as in the folder `from`.
fn replay(files: &BTreeMap<PathBuf, Vec<u8>>, from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).doing(to.display().to_string())?;
    for (name, bytes) in files {
        let Ok(name) = name.strip_prefix(from) else {
            continue;
        };
        let path = to.join(name);
        let file = fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path);
        let mut file = file.doing(path.display().to_string())?;
        file.write_all(bytes).doing(path.display().to_string())?;
    }
    Ok(())
}
