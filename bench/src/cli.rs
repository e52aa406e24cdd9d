//! The command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::chance::fresh_seed;
use crate::failure::{Doing, Failure, Result};
use crate::report::Report;
use crate::{bare, drill, measure};

/// Measurements and drills of Relatch that a reader can repeat.
#[derive(Debug, Parser)]
#[command(name = "relatch-bench", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Measures speed.
    #[command(subcommand)]
    Bench(Bench),
    /// Breaks things and checks what was promised.
    #[command(subcommand)]
    Drill(Drill),
    /// A server that answers a constant, to be measured against.
    #[command(hide = true)]
    Bare,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// POST /auth/refresh against a bare server, and with a large database against a small one.
    Refresh(Refresh),
}

#[derive(Debug, Subcommand)]
enum Drill {
    /// kill -9 at random moments under load.
    Kill(Kill),
    /// Power cuts, replayed from a trace of the server's writes and syncs; and an older backup.
    PowerCut(PowerCut),
}

#[derive(Debug, Args)]
struct Common {
    /// Writes the figures as one JSON object.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The server's binary; the one beside this binary if not given.
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Where data folders are made and removed again; the system's folder for temporary files if not given.
    #[arg(long, value_name = "FOLDER")]
    work_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Refresh {
    #[command(flatten)]
    common: Common,
    /// Requests under way at once.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Seconds of each measured interval.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often the two sides are measured in turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[derive(Debug, Args)]
struct Kill {
    #[command(flatten)]
    common: Common,
    /// Repeats a run's choices.
    #[arg(long)]
    seed: Option<u64>,
    /// Clients at once, each with a user and some sessions.
    #[arg(long, default_value_t = 24)]
    clients: u64,
    /// How often the server is killed.
    #[arg(long, default_value_t = 10)]
    kills: u64,
}

#[derive(Debug, Args)]
struct PowerCut {
    #[command(flatten)]
    common: Common,
    /// Repeats a run's choices.
    #[arg(long)]
    seed: Option<u64>,
    /// Clients at once, each with a user and some sessions.
    #[arg(long, default_value_t = 24)]
    clients: u64,
    /// Random points at which the power is cut.
    #[arg(long, default_value_t = 20)]
    points: u64,
    /// Seconds of load behind each five points.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Runs the server without syncs, to see the drill find what that loses.
    #[arg(long)]
    without_syncs: bool,
}

/// Runs what the command line says; whether every promise held.
///
/// # Errors
/// The run could not be carried out.
pub(crate) fn run() -> Result<bool> {
    match Cli::parse().verb {
        Verb::Bench(Bench::Refresh(refresh)) => refresh.run(),
        Verb::Drill(Drill::Kill(kill)) => kill.run(),
        Verb::Drill(Drill::PowerCut(cut)) => cut.run(),
        Verb::Bare => bare::serve().map(|()| true),
    }
}

impl Refresh {
    fn run(self) -> Result<bool> {
        let settings = measure::Settings {
            connections: self.connections.max(1),
            seconds: Duration::from_secs(self.seconds.max(1)),
            rounds: self.rounds.max(1),
        };
        self.common
            .carry_out(|place| measure::refresh(place, &settings))
    }
}

impl Kill {
    fn run(self) -> Result<bool> {
        let settings = drill::KillSettings {
            seed: self.seed.unwrap_or_else(fresh_seed),
            clients: self.clients,
            kills: self.kills,
        };
        self.common.carry_out(|place| drill::kill(place, &settings))
    }
}

impl PowerCut {
    fn run(self) -> Result<bool> {
        let settings = drill::CutSettings {
            seed: self.seed.unwrap_or_else(fresh_seed),
            clients: self.clients,
            points: self.points,
            load: Duration::from_secs(self.seconds.max(1)),
            syncs: !self.without_syncs,
        };
        self.common
            .carry_out(|place| drill::power_cut(place, &settings))
    }
}

/// The binary to run and the folder to run it in.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) server: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Common {
    fn carry_out(self, run: impl FnOnce(&Place) -> Result<Report>) -> Result<bool> {
        let folder = temporary(self.work_dir.as_deref())?;
        let place = Place {
            server: self.server.map_or_else(beside, Ok)?,
            folder: folder.path().to_owned(),
        };
        let report = run(&place)?;
        report.print();
        if let Some(path) = &self.json {
            report.save(path)?;
        }
        Ok(report.held())
    }
}

fn temporary(within: Option<&Path>) -> Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("relatch-bench-");
    match within {
        Some(folder) => builder.tempdir_in(folder),
        None => builder.tempdir(),
    }
    .doing("making a folder to work in")
}

fn beside() -> Result<PathBuf> {
    let own = std::env::current_exe().doing("looking for the server")?;
    let server = own.with_file_name("relatch");
    if server.is_file() {
        return Ok(server);
    }
    Err(Failure::Told(format!(
        "no server at {}: build it, or name it with --server",
        server.display()
    )))
}
