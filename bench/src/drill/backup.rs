//! `drill backup`: a backup is taken beside a server under load, its clients go on and end sessions,
//! and it is restored in both ways; every client then looks for what it was told to expect.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::account::{Account, Habit};
use super::check::Heard;
use super::client::{Shift, Work, join};
use super::{folder, pressure, runtime};
use crate::chance::Chance;
use crate::failure::{Doing, Failure, Result};
use crate::measure::filling;
use crate::measure::population::Population;
use crate::place::Place;
use crate::report::Report;
use crate::server::Server;

/// How to run it.
#[derive(Debug)]
pub(crate) struct BackupSettings {
    pub(crate) seed: u64,
    pub(crate) clients: u64,
    /// Sessions in the database besides those of the clients.
    pub(crate) sessions: u32,
    /// Connections that refresh while figures are taken.
    pub(crate) connections: u32,
    /// The length of each measured interval.
    pub(crate) seconds: Duration,
}

/// Runs the drill.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn backup(place: &Place, settings: &BackupSettings) -> Result<Report> {
    let drill = Drill {
        place,
        settings,
        config: folder::config(place, &[folder::PATIENT])?,
        data: place.folder.join("data"),
    };
    let mut report = Report::new(format!("drill backup --seed {}", settings.seed));
    drill.serve(&drill.data)?.stop()?;
    let population = Population {
        sessions: settings.sessions,
    };
    let key = runtime()?.block_on(filling::token_key(&drill.data))?;
    filling::fill(&drill.data, population, filling::Order::ById)?;
    let server = drill.serve(&drill.data)?;
    let chains = (population, key);
    pressure::measure(&server, settings, chains, &drill, &mut report)?;
    runtime()?.block_on(drill.promises(server, &mut report))?;
    Ok(report)
}

/// What clients held at three times.
struct Story {
    /// When the backup was about to be taken: it knows all of this.
    before: Vec<Account>,
    /// Once it was there. Nobody ended anything meanwhile; sessions that are new may be in it or not.
    meanwhile: Vec<Account>,
    /// At the end.
    after: Vec<Account>,
}

pub(super) struct Drill<'a> {
    place: &'a Place,
    settings: &'a BackupSettings,
    config: PathBuf,
    data: PathBuf,
}

impl Drill<'_> {
    fn serve(&self, data: &Path) -> Result<Server> {
        let command = folder::serve(self.place, &self.config, data);
        Server::start(command, &self.place.folder.join("server.log"))
    }

    fn db(&self, data: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(&self.place.server);
        command
            .arg("db")
            .args(words)
            .args(["--json", "--data"])
            .arg(data)
            .arg("--config")
            .arg(&self.config);
        command
    }

    /// `relatch db backup` of the running server into the `number`th file.
    pub(super) fn command(&self, number: usize) -> Command {
        self.db(&self.data, &["backup", &self.file(number)])
    }

    fn file(&self, number: usize) -> String {
        let file = self.place.folder.join(format!("backup-{number}"));
        file.display().to_string()
    }

    async fn promises(&self, server: Server, report: &mut Report) -> Result<()> {
        let story = self.story(server, report).await?;
        let known: usize = story.before.iter().map(|account| account.live.len()).sum();
        report.note("clients", self.settings.clients);
        report.note("sessions_known", known);
        for sessions in ["keep", "end-all"] {
            self.restore(&story, sessions, report).await?;
        }
        Ok(())
    }

    /// Lets clients work before, while and after a backup is taken.
    async fn story(&self, server: Server, report: &mut Report) -> Result<Story> {
        let names = 0..self.settings.clients;
        let accounts = names.map(|n| Account::new(format!("client-{n:03}")));
        let mut shift = Shift {
            address: server.address(),
            habit: Habit::Everything,
            seed: self.settings.seed,
            limit: Duration::from_secs(2),
        };
        let before = told(join(shift.begin(accounts.collect())).await?, report);
        shift.habit = Habit::EndingNothing;
        shift.seed = !self.settings.seed;
        let tasks = shift.begin(before.clone());
        let pause = Chance::lane(self.settings.seed, 0).between(100, 500);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let command = self.command(0);
        let taking = tokio::task::spawn_blocking(move || run(command));
        let taken = taking
            .await
            .unwrap_or_else(|error| Err(Failure::Told(error.to_string())));
        taken?;
        let meanwhile = told(join(tasks).await?, report);
        shift.habit = Habit::Everything;
        shift.seed = self.settings.seed.wrapping_add(1);
        let after = told(join(shift.begin(meanwhile.clone())).await?, report);
        server.stop()?;
        Ok(Story {
            before,
            meanwhile,
            after,
        })
    }

    /// Restores the backup on a copy of the folder and lets every client ask.
    async fn restore(
        &self,
        story: &Story,
        sessions: &'static str,
        report: &mut Report,
    ) -> Result<()> {
        let data = self.place.folder.join(sessions);
        folder::copy(&self.data, &data)?;
        let words = ["restore", &self.file(0), "--sessions", sessions];
        let (took, _) = run(self.db(&data, &words))?;
        let server = self.serve(&data)?;
        let stories = story.before.iter().zip(&story.meanwhile).zip(&story.after);
        let mut broken = Vec::new();
        for ((before, meanwhile), after) in stories {
            let heard = Heard {
                before,
                meanwhile,
                after,
            };
            let found = match sessions {
                "keep" => heard.after_keep(server.address()).await,
                _ => heard.after_end_all(server.address()).await,
            };
            broken.extend(found.doing("asking the restored server")?);
        }
        server.stop()?;
        for what in broken {
            report.broken(format!("--sessions {sessions}: {what}"));
        }
        let key = match sessions {
            "keep" => "restore_keep_ms",
            _ => "restore_end_all_ms",
        };
        report.note(key, millis(took));
        Ok(())
    }
}

/// Runs `relatch db …` and reads its answer; how long it took.
pub(super) fn run(mut command: Command) -> Result<(Duration, Value)> {
    let begun = Instant::now();
    let output = command.output().doing("relatch db")?;
    let took = begun.elapsed();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::Told(format!("{command:?}: {said}")));
    }
    let value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    Ok((took, value))
}

pub(super) fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// The accounts of clients that ended their work; answers that they should not have got are reported.
fn told(works: Vec<Work>, report: &mut Report) -> Vec<Account> {
    let accounts = works.into_iter().map(|work| {
        for what in work.broken {
            report.broken(format!("under load: {what}"));
        }
        work.account
    });
    accounts.collect()
}
