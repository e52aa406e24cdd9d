//! `drill kill`: the server is killed at random moments under load and started again on the same
//! folder; every client then looks for what it was promised.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;

use super::account::{Account, Habit};
use super::check::check;
use super::client::{Shift, Work, join};
use super::{folder, runtime};
use crate::chance::Chance;
use crate::failure::{Doing, Result};
use crate::place::Place;
use crate::report::Report;
use crate::server::Server;

/// How to run it.
#[derive(Debug)]
pub(crate) struct KillSettings {
    pub(crate) seed: u64,
    pub(crate) clients: u64,
    pub(crate) kills: u64,
}

/// Runs the drill.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn kill(place: &Place, settings: &KillSettings) -> Result<Report> {
    runtime()?.block_on(Run::new(place, settings)?.all())
}

struct Run<'a> {
    place: &'a Place,
    settings: &'a KillSettings,
    config: PathBuf,
    data: PathBuf,
    report: Report,
    answers: usize,
    unanswered: usize,
}

impl<'a> Run<'a> {
    fn new(place: &'a Place, settings: &'a KillSettings) -> Result<Self> {
        let seed = settings.seed;
        Ok(Self {
            place,
            settings,
            config: folder::config(place, &[])?,
            data: place.folder.join("data"),
            report: Report::new(format!("drill kill --seed {seed}")),
            answers: 0,
            unanswered: 0,
        })
    }

    async fn all(mut self) -> Result<Report> {
        let names = 0..self.settings.clients;
        let mut accounts: Vec<Account> = names
            .map(|n| Account::new(format!("kill-{n:03}")))
            .collect();
        let mut server = self.start()?;
        for round in 0..self.settings.kills {
            let works = self.load(server, accounts, round).await?;
            self.integrity(round)?;
            server = self.start()?;
            accounts = self.verify(&server, works, round).await?;
        }
        server.stop()?;
        self.report.note("seed", self.settings.seed);
        self.report.note("kills", self.settings.kills);
        self.report.note("answers", self.answers);
        self.report.note("in_flight", self.unanswered);
        Ok(self.report)
    }

    fn start(&self) -> Result<Server> {
        let command = folder::serve(self.place, &self.config, &self.data);
        Server::start(command, &self.place.folder.join("server.log"))
    }

    /// Lets the clients work until a random moment, then kills.
    async fn load(
        &mut self,
        server: Server,
        accounts: Vec<Account>,
        round: u64,
    ) -> Result<Vec<Work>> {
        let seed = self.settings.seed.wrapping_add(round << 32);
        let shift = Shift {
            address: server.address(),
            habit: Habit::Everything,
            seed,
            limit: Duration::from_secs(20),
        };
        let tasks = shift.begin(accounts);
        sleep(Duration::from_millis(
            Chance::lane(seed, 0).between(200, 2000),
        ))
        .await;
        server.kill();
        let works = join(tasks).await?;
        for work in &works {
            self.answers += work.answers();
            self.unanswered += usize::from(work.in_flight().is_some());
            self.broken(round, &work.broken);
        }
        Ok(works)
    }

    fn integrity(&mut self, round: u64) -> Result<()> {
        let verdict = folder::integrity(&self.data, &self.place.folder.join("copy"))?;
        if verdict != "ok" {
            self.broken(round, &[format!("integrity_check: {verdict}")]);
        }
        Ok(())
    }

    /// Lets every client look for what it was promised, at the server that came back.
    async fn verify(
        &mut self,
        server: &Server,
        works: Vec<Work>,
        round: u64,
    ) -> Result<Vec<Account>> {
        let mut accounts = Vec::with_capacity(works.len());
        for mut work in works {
            let in_flight = work.in_flight().cloned();
            let checked = check(&mut work.account, in_flight.as_ref(), server.address());
            let broken = checked.await.doing("asking the server that came back")?;
            self.broken(round, &broken);
            accounts.push(work.account);
        }
        Ok(accounts)
    }

    fn broken(&mut self, round: u64, what: &[String]) {
        let seed = self.settings.seed;
        for what in what {
            self.report
                .broken(format!("kill {round} of seed {seed}: {what}"));
        }
    }
}
