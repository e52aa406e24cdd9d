//! Clients that refresh at a steady pace on connections that stay, whatever others do.

use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::SlowSettings;
use crate::api::Api;
use crate::carrier::Carrier;
use crate::failure::{Doing, Failure, Result};
use crate::measure::register;
use crate::server::Server;

/// All of them.
pub(super) struct Honest {
    clients: Vec<Client>,
    /// Between two refreshes of one.
    pause: Duration,
    runtime: Runtime,
}

struct Client {
    api: Api,
    token: String,
    number: u32,
}

/// What they saw.
#[derive(Default)]
pub(super) struct Seen {
    /// Of each refresh that was answered, in order of length.
    pub(super) millis: Vec<f64>,
    pub(super) failed: Vec<String>,
}

impl Seen {
    pub(super) fn percentile(&self, per_mille: usize) -> f64 {
        let rank = (self.millis.len() * per_mille).div_ceil(1000).max(1);
        self.millis.get(rank - 1).copied().unwrap_or(f64::MAX)
    }
}

impl Honest {
    pub(super) fn register(
        server: &Server,
        carrier: Carrier,
        settings: &SlowSettings,
    ) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.doing("starting honest clients")?;
        let count = u32::try_from(settings.clients.max(1)).unwrap_or(u32::MAX);
        let client = |number| {
            let mut api = Api::over(carrier.clone(), server.address());
            let token = runtime.block_on(register(&mut api, &format!("client-{number}")))?;
            Ok(Client { api, token, number })
        };
        let clients = (0..count).map(client).collect::<Result<_>>()?;
        let pause = Duration::from_secs(1) * count / settings.rate.max(1);
        Ok(Self {
            clients,
            pause,
            runtime,
        })
    }

    /// Refreshes for so long.
    pub(super) fn refresh(&mut self, time: Duration) -> Result<Seen> {
        let clients = std::mem::take(&mut self.clients);
        let count = u32::try_from(clients.len()).unwrap_or(u32::MAX);
        let pause = self.pause;
        let done = self.runtime.block_on(async move {
            let mut tasks = JoinSet::new();
            for client in clients {
                let offset = pause * client.number / count.max(1);
                tasks.spawn(client.refresh(offset, pause, time));
            }
            tasks.join_all().await
        });
        let mut all = Seen::default();
        for (client, seen) in done {
            self.clients.push(client);
            all.millis.extend(seen.millis);
            all.failed.extend(seen.failed);
        }
        all.millis.sort_by(f64::total_cmp);
        if all.millis.is_empty() {
            return Err(Failure::Told("no refresh was answered".to_owned()));
        }
        Ok(all)
    }

    /// Sessions that do not go on, once all is over.
    pub(super) fn lost(&mut self) -> Result<Vec<String>> {
        let mut lost = Vec::new();
        for client in &mut self.clients {
            let last = client.api.post("/auth/refresh", Some(&client.token), None);
            let answer = self.runtime.block_on(last).doing("the last refresh")?;
            if answer.status != 200 {
                lost.push(format!("a session was lost: {}", answer.brief()));
            }
        }
        Ok(lost)
    }
}

impl Client {
    async fn refresh(mut self, offset: Duration, pause: Duration, time: Duration) -> (Self, Seen) {
        let mut seen = Seen::default();
        // One that idled between two intervals would find its connection closed.
        self.api.hang_up();
        let _ = self.api.get("/health/live", None).await;
        sleep(offset).await;
        let mut pace = interval(pause);
        pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let end = Instant::now() + time;
        while Instant::now() < end {
            pace.tick().await;
            let begun = Instant::now();
            match self
                .api
                .post("/auth/refresh", Some(&self.token), None)
                .await
            {
                Ok(answer) if answer.status == 200 => {
                    answer.text("refresh_token").clone_into(&mut self.token);
                    seen.millis.push(begun.elapsed().as_secs_f64() * 1_000.0);
                }
                Ok(answer) => seen.failed.push(answer.brief()),
                Err(error) => seen.failed.push(error.to_string()),
            }
        }
        (self, seen)
    }
}
