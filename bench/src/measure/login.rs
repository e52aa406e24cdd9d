//! `bench login`: logins per second against the hash alone, with its memory kept, on as many threads;
//! and what refreshes feel of a flood of logins.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use relatch_core::Entropy;
use relatch_core::password::Password;
use relatch_core::password::hash::{Cost, Scratch};
use serde_json::json;
use tokio::runtime::Builder;

use super::chains::Turning;
use super::middle;
use super::refresh::{register, serve, sessions};
use crate::api::Api;
use crate::cpu;
use crate::failure::{Doing, Failure, Result};
use crate::load::{self, Chain, Plan, Sample};
use crate::place::Place;
use crate::report::Report;
use crate::server::Server;

/// How to measure.
#[derive(Debug)]
pub(crate) struct LoginSettings {
    /// Logins under way at once.
    pub(crate) logins: usize,
    /// Refreshes under way at once beside them.
    pub(crate) refreshes: usize,
    pub(crate) seconds: Duration,
    pub(crate) rounds: usize,
}

/// What the server hashes with if nobody says otherwise.
const COST: Cost = Cost {
    memory: 19 * 1024,
    passes: 2,
};

/// So many that none of them comes near the limit of sessions.
const USERS: usize = 200;

const PASSWORD: &str = "correct horse battery";

/// Runs the measurement.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn login(place: &Place, settings: &LoginSettings) -> Result<Report> {
    let mut report = Report::new("bench login");
    let server = serve(place, &place.folder.join("data"))?;
    users(&server)?;
    let mut logins = Login::on(settings.logins);
    let mut refreshes = sessions(&server, settings.refreshes)?;
    let mut rounds = Vec::with_capacity(settings.rounds);
    for _ in 0..settings.rounds {
        let bare = hash_alone(settings.seconds)?;
        let (alone, quiet, both);
        (alone, logins) = load::run(plan(&server, settings.seconds), logins)?;
        (quiet, refreshes) = load::run(plan(&server, settings.seconds), refreshes)?;
        (both, logins, refreshes) = at_once(&server, settings, logins, refreshes)?;
        rounds.push(Round {
            bare,
            alone,
            quiet,
            flood: both.0,
            beside: both.1,
        });
    }
    server.stop()?;
    note(&mut report, settings, &rounds);
    Ok(report)
}

struct Round {
    /// Hashes without a server.
    bare: Bare,
    /// Logins.
    alone: Sample,
    /// Refreshes.
    quiet: Sample,
    /// Logins beside refreshes.
    flood: Sample,
    /// Refreshes beside logins.
    beside: Sample,
}

fn note(report: &mut Report, settings: &LoginSettings, rounds: &[Round]) {
    let ratio = middle(rounds, |round| round.alone.rate() / round.bare.rate);
    let p99 = middle(rounds, |round| round.beside.percentile_ms(990));
    report.note("logins_at_once", settings.logins);
    report.note("refreshes_at_once", settings.refreshes);
    report.note("rounds", settings.rounds);
    report.remark("ratio_to_argon2", ratio, "at least 0.9");
    report.remark("refresh_p99_ms_during_logins", p99, "under 50");
    let cpu = middle(rounds, |round| {
        round.alone.cpu_micros() / round.bare.cpu_micros
    });
    report.remark(
        "cpu_ratio_to_argon2",
        cpu,
        "which wanders less where others compute, too",
    );
    report.note("argon2_per_s", middle(rounds, |round| round.bare.rate));
    report.note("login_rps", middle(rounds, |round| round.alone.rate()));
    let p50 = middle(rounds, |round| round.alone.percentile_ms(500));
    report.note("login_p50_ms", p50);
    let quiet = middle(rounds, |round| round.quiet.percentile_ms(990));
    report.note("refresh_p99_ms_alone", quiet);
    report.note(
        "refresh_rps_alone",
        middle(rounds, |round| round.quiet.rate()),
    );
    report.note(
        "refresh_rps_during_logins",
        middle(rounds, |round| round.beside.rate()),
    );
    report.note(
        "refresh_worst_ms_during_logins",
        middle(rounds, |round| round.beside.percentile_ms(1000)),
    );
    report.note(
        "login_rps_beside_refreshes",
        middle(rounds, |round| round.flood.rate()),
    );
    let overloaded: u64 = rounds.iter().map(|round| round.flood.refused()).sum();
    report.remark("logins_refused", overloaded, "past the queue");
    let refused = rounds
        .iter()
        .map(|round| round.beside.refused() + round.quiet.refused());
    if refused.sum::<u64>() > 0 {
        report.broken("a refresh was refused");
    }
    if ratio < 0.9 {
        report.broken(format!(
            "logins come at {ratio:.3} of what their hashes allow"
        ));
    }
    if p99 >= 50.0 {
        report.broken(format!(
            "a refresh in a hundred takes {p99:.1} ms beside logins"
        ));
    }
}

fn plan(server: &Server, measured: Duration) -> Plan {
    Plan {
        address: server.address(),
        pid: server.pid(),
        warm_up: Duration::from_secs(1),
        measured,
    }
}

type Both = ((Sample, Sample), Vec<Login>, Vec<Turning>);

/// Logins and refreshes beside each other, each from a thread of its own.
fn at_once(
    server: &Server,
    settings: &LoginSettings,
    logins: Vec<Login>,
    refreshes: Vec<Turning>,
) -> Result<Both> {
    let plan = plan(server, settings.seconds);
    let (flood, beside) = std::thread::scope(|scope| {
        let flood = scope.spawn(|| load::run(plan, logins));
        let beside = load::run(plan, refreshes);
        (flood.join(), beside)
    });
    let flood = flood.map_err(|_| Failure::Told("the flood of logins panicked".to_owned()))?;
    let ((flood, logins), (beside, refreshes)) = (flood?, beside?);
    Ok(((flood, beside), logins, refreshes))
}

/// Registers those who log in.
fn users(server: &Server) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.doing("registering users")?;
    let mut api = Api::new(server.address());
    (0..USERS).try_for_each(|user| {
        let name = format!("login-{user}");
        runtime.block_on(register(&mut api, &name)).map(|_| ())
    })
}

/// `POST /auth/login` as one user after the other.
#[derive(Debug)]
struct Login {
    user: usize,
    step: usize,
}

impl Login {
    fn on(connections: usize) -> Vec<Self> {
        (0..connections)
            .map(|user| Self {
                user,
                step: connections,
            })
            .collect()
    }
}

impl Chain for Login {
    fn request(&mut self, buffer: &mut Vec<u8>) {
        self.user = (self.user + self.step) % USERS;
        let name = format!("login-{}", self.user);
        let body = json!({"username": name, "password": PASSWORD}).to_string();
        let head = format!(
            "POST /auth/login HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        buffer.extend_from_slice(head.as_bytes());
        buffer.extend_from_slice(body.as_bytes());
    }

    fn answered(&mut self, _status: u16, _body: &[u8]) {}
}

/// What hashes cost by themselves.
struct Bare {
    /// A second.
    rate: f64,
    /// Processor time of one.
    cpu_micros: f64,
}

/// What the processors can do if nothing else is asked of them: a thread each, its memory kept.
fn hash_alone(length: Duration) -> Result<Bare> {
    let threads = std::thread::available_parallelism().doing("counting processors")?;
    let (stop, count) = (AtomicBool::new(false), AtomicU32::new(0));
    let password = Password::attempt(PASSWORD)
        .map_err(|_| Failure::Told("the password cannot be".to_owned()))?;
    let own = || cpu::time(std::process::id());
    let (elapsed, used) = std::thread::scope(|scope| {
        for _ in 0..threads.get() {
            scope.spawn(|| {
                let mut scratch = Scratch::default();
                scratch.hash(&password, COST, &Zeros);
                while !stop.load(Ordering::Relaxed) {
                    scratch.hash(&password, COST, &Zeros);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(Duration::from_millis(200));
        count.store(0, Ordering::Relaxed);
        let (begun, before) = (Instant::now(), own());
        std::thread::sleep(length);
        let (elapsed, after) = (begun.elapsed(), own());
        stop.store(true, Ordering::Relaxed);
        (
            elapsed,
            after.and_then(|after| Ok(after.saturating_sub(before?))),
        )
    });
    let hashes = f64::from(count.load(Ordering::Relaxed)).max(1.0);
    Ok(Bare {
        rate: hashes / elapsed.as_secs_f64(),
        cpu_micros: used?.as_secs_f64() * 1e6 / hashes,
    })
}

/// A salt costs nothing, and nobody keeps these hashes.
pub(crate) struct Zeros;

impl Entropy for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}
