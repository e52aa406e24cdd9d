//! Attackers who send their guesses at a steady rate, whatever they are answered, and users who log in beside them.

use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep_until};

use super::{GUESSES, PASSWORD, SprayingSettings, account};
use crate::api::Api;
use crate::failure::{Failure, Result};
use crate::server::Server;

/// Guesses under way at once.
const HANDS: usize = 128;

/// How often a real user logs in.
const PAUSE: Duration = Duration::from_secs(20);

/// What became of logins of one kind.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) sent: u32,
    pub(super) right: u32,
    pub(super) wrong: u32,
    /// Told to wait.
    pub(super) refused: u32,
    /// Answered otherwise, or not at all.
    pub(super) lost: u32,
    times: Vec<Duration>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.right += other.right;
        self.wrong += other.wrong;
        self.refused += other.refused;
        self.lost += other.lost;
        self.times.extend(other.times);
    }

    async fn log_in(&mut self, api: &mut Api, body: &Value) {
        let begun = Instant::now();
        let answer = api.post("/auth/login", None, Some(body)).await;
        self.times.push(begun.elapsed());
        self.sent += 1;
        let count = match answer.map(|answer| answer.status) {
            Ok(200) => &mut self.right,
            Ok(401) => &mut self.wrong,
            Ok(429) => &mut self.refused,
            _ => &mut self.lost,
        };
        *count += 1;
    }

    /// The time within which so many in a hundred were answered.
    pub(super) fn percentile_ms(&self, percent: usize) -> f64 {
        let mut times = self.times.clone();
        times.sort();
        let place = times.len() * percent / 100;
        let time = times.get(place.min(times.len().saturating_sub(1)));
        time.copied().unwrap_or_default().as_secs_f64() * 1e3
    }
}

/// What became of all of them.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) guesses: Tally,
    pub(super) known: Tally,
    pub(super) new: Tally,
}

#[derive(Clone, Copy)]
enum Who {
    Attacker,
    Known,
    New,
}

/// Runs the attack until every guess was sent.
pub(super) async fn run(
    server: &Server,
    settings: &SprayingSettings,
    devices: &[String],
) -> Result<Found> {
    let local = LocalSet::new();
    let found = local.run_until(attack(server, settings, devices)).await;
    found.map_err(|error| Failure::Told(format!("a client: {error}")))
}

async fn attack(
    server: &Server,
    settings: &SprayingSettings,
    devices: &[String],
) -> std::result::Result<Found, tokio::task::JoinError> {
    let begun = Instant::now();
    let end = begun + settings.length;
    let (address, next) = (server.address(), Rc::new(AtomicUsize::new(0)));
    let total = settings.accounts * GUESSES.len();
    let gap = settings.length / u32::try_from(total.max(1)).unwrap_or(u32::MAX);
    let mut tasks = JoinSet::new();
    for _ in 0..HANDS {
        let (next, accounts, addresses) = (Rc::clone(&next), settings.accounts, settings.addresses);
        tasks.spawn_local(async move {
            let mut tally = Tally::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= total {
                    return (Who::Attacker, tally);
                }
                sleep_until(begun + gap * u32::try_from(number).unwrap_or(u32::MAX)).await;
                let (guess, victim) = (number / accounts, number % accounts);
                let password = GUESSES.get(guess).copied().unwrap_or_default();
                let body = json!({ "username": account(victim), "password": password });
                let mut api = Api::from(address, source(10, number % addresses));
                tally.log_in(&mut api, &body).await;
            }
        });
    }
    for (user, device) in (0_u32..).zip(devices) {
        // Spread over the pause between two visits.
        let first = begun + PAUSE * user / u32::try_from(devices.len()).unwrap_or(1);
        for who in [Who::Known, Who::New] {
            let number = usize::try_from(user).unwrap_or(0);
            let (name, known) = (account(number * 4), matches!(who, Who::Known));
            let mut body = json!({ "username": name, "password": PASSWORD });
            if let (true, Some(members)) = (known, body.as_object_mut()) {
                members.insert("device_token".to_owned(), device.clone().into());
            }
            let net = if known { 20 } else { 30 };
            let api = Api::from(address, source(net, number));
            tasks.spawn_local(async move { (who, visits(api, body, first..end).await) });
        }
    }
    gather(tasks).await
}

async fn visits(mut api: Api, body: Value, when: std::ops::Range<Instant>) -> Tally {
    let (mut tally, mut next) = (Tally::default(), when.start);
    while next < when.end {
        sleep_until(next).await;
        api.hang_up();
        tally.log_in(&mut api, &body).await;
        next += PAUSE;
    }
    tally
}

async fn gather(
    mut tasks: JoinSet<(Who, Tally)>,
) -> std::result::Result<Found, tokio::task::JoinError> {
    let mut found = Found::default();
    while let Some(joined) = tasks.join_next().await {
        let (who, tally) = joined?;
        match who {
            Who::Attacker => found.guesses.add(tally),
            Who::Known => found.known.add(tally),
            Who::New => found.new.add(tally),
        }
    }
    Ok(found)
}

/// An address of loopback's network, which all is this machine.
fn source(net: u8, number: usize) -> Ipv4Addr {
    let [.., high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, net, high, low)
}
