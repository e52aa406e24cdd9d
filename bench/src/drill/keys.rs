//! `drill keys`: keys turn, under load and while the server is down, and one is withdrawn; sessions go on refreshing, and
//! verifiers that keep the JWKS for as long as its headers allow check every access token.

mod crowd;

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::LocalSet;
use tokio::time::sleep;

use self::crowd::{Crowd, Watched};
use super::backup::{millis, run};
use super::{folder, runtime};
use crate::api::Api;
use crate::failure::{Doing, Failure, Result};
use crate::place::Place;
use crate::report::Report;
use crate::server::Server;

/// Keys that may turn every few seconds, tokens that outlive a turn, and clients that may be slow.
const QUICK: &str = "\
[issuer]
url = \"http://relatch.test\"
[keys]
announce = \"3s\"
jwks_max_age = \"1s\"
[session]
access_lifetime = \"10s\"
retry_window = \"300s\"
";

/// How long one turn may take: announced, served, turned, seen.
const PATIENCE: Duration = Duration::from_secs(30);

/// How to run it.
#[derive(Debug)]
pub(crate) struct KeysSettings {
    pub(crate) seed: u64,
    pub(crate) sessions: usize,
    pub(crate) turns: u64,
    /// Verifiers with a JWKS of their own.
    pub(crate) verifiers: usize,
}

/// Runs the drill.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn keys(place: &Place, settings: &KeysSettings) -> Result<Report> {
    let drill = Drill {
        place,
        config: folder::config(place, &[QUICK])?,
        data: place.folder.join("data"),
    };
    runtime()?.block_on(LocalSet::new().run_until(drill.all(settings)))
}

struct Drill<'a> {
    place: &'a Place,
    config: PathBuf,
    data: PathBuf,
}

impl Drill<'_> {
    async fn all(&self, settings: &KeysSettings) -> Result<Report> {
        let mut report = Report::new(format!("drill keys --seed {}", settings.seed));
        let mut server = self.serve()?;
        let address = Rc::new(Cell::new(server.address()));
        let watched = Rc::new(Watched::default());
        let crowd = Crowd::gather(settings, Rc::clone(&address), Rc::clone(&watched)).await?;
        let tasks = crowd.begin();
        for _ in 0..settings.turns {
            self.turn().await?;
        }
        let old = self.active("signing").await?;
        server.stop()?;
        self.key(&["rotate"]).await?;
        sleep(Duration::from_secs(4)).await;
        server = self.serve()?;
        address.set(server.address());
        self.wait_for_turn("signing", &old).await?;
        let refused = self.withdraw(&server, &watched, &mut report).await?;
        // Once more round, so that everybody has a token of the key that took over.
        sleep(Duration::from_secs(2)).await;
        watched.stop();
        for task in tasks {
            task.await
                .map_err(|error| Failure::Told(format!("a client: {error}")))?;
        }
        server.stop()?;
        report.note("seed", settings.seed);
        report.note("sessions", settings.sessions);
        report.note("turns", settings.turns + 1);
        report.note("compromised_refused_ms", millis(refused));
        watched.tell(&mut report);
        Ok(report)
    }

    fn serve(&self) -> Result<Server> {
        let command = folder::serve(self.place, &self.config, &self.data);
        Server::start(command, &self.place.folder.join("server.log"))
    }

    /// `relatch key …`, away from the thread on which clients work.
    async fn key(&self, words: &[&str]) -> Result<Value> {
        let mut command = std::process::Command::new(&self.place.server);
        command.arg("key").args(words).arg("--json");
        command.arg("--data").arg(&self.data);
        command.arg("--config").arg(&self.config);
        let done = tokio::task::spawn_blocking(move || run(command)).await;
        done.unwrap_or_else(|error| Err(Failure::Told(error.to_string())))
            .map(|done| done.1)
    }

    async fn active(&self, purpose: &str) -> Result<String> {
        let keys = self.key(&["list"]).await?;
        let keys = keys.get("keys").and_then(Value::as_array);
        let mut keys = keys.into_iter().flatten();
        let id = keys.find(|key| {
            key.get("purpose") == Some(&purpose.into())
                && key.get("state") == Some(&"active".into())
        });
        let id = id.and_then(|key| key.get("id")?.as_str());
        id.map(str::to_owned)
            .ok_or_else(|| Failure::Told(format!("no {purpose} key is active")))
    }

    /// Both kinds of keys turn by command.
    async fn turn(&self) -> Result<()> {
        let old = (
            self.active("signing").await?,
            self.active("refresh_tag").await?,
        );
        self.key(&["rotate"]).await?;
        self.wait_for_turn("signing", &old.0).await?;
        self.wait_for_turn("refresh_tag", &old.1).await
    }

    async fn wait_for_turn(&self, purpose: &str, old: &str) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.active(purpose).await? != old {
                return Ok(());
            }
            sleep(Duration::from_millis(200)).await;
        }
        Err(Failure::Told(format!("the {purpose} key did not turn")))
    }

    /// A signing key is compromised: how long until the server refuses what it signed.
    async fn withdraw(
        &self,
        server: &Server,
        watched: &Watched,
        report: &mut Report,
    ) -> Result<Duration> {
        let bad = self.active("signing").await?;
        let token = watched.a_token_of(&bad).await?;
        let mut api = Api::new(server.address());
        let me = api
            .get("/auth/me", Some(&token))
            .await
            .doing("GET /auth/me")?;
        if me.status != 200 {
            report.broken(format!(
                "a good token before the withdrawal: {}",
                me.brief()
            ));
        }
        watched.withdraw(&bad);
        self.key(&["compromise", &bad]).await?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let me = api
                .get("/auth/me", Some(&token))
                .await
                .doing("GET /auth/me")?;
            if me.status == 401 {
                return Ok(begun.elapsed());
            }
            sleep(Duration::from_millis(10)).await;
        }
        report.broken("what a compromised key signed was never refused");
        Ok(begun.elapsed())
    }
}
