//! `drill slow`: attackers who hold what they take, and give nothing: heads and bodies that trickle, handshakes that never end, and
//! streams of HTTP/2 that are reset as soon as they are opened. Honest clients refresh meanwhile, and before, at the same pace.

mod attack;
mod honest;

use std::path::Path;
use std::thread;
use std::time::Duration;

use self::attack::Attack;
use self::honest::Honest;
use super::folder;
use crate::carrier::Certificate;
use crate::cpu;
use crate::failure::Result;
use crate::load::median;
use crate::measure::memory;
use crate::place::Place;
use crate::report::Report;
use crate::server::Server;

/// How much worse the attack may make it for the others.
const MOST_P99: f64 = 2.0;

/// What a connection that an attacker holds may cost, at most: rustls and hyper have their buffers.
const MOST_KIB: f64 = 128.0;

/// How to run it.
#[derive(Debug)]
pub(crate) struct SlowSettings {
    /// Connections on which a head trickles.
    pub(crate) heads: usize,
    /// Connections on which a body trickles.
    pub(crate) bodies: usize,
    /// Handshakes that are begun and never go on.
    pub(crate) handshakes: usize,
    /// Connections of HTTP/2 a second that open streams and reset them.
    pub(crate) resets: u32,
    /// Honest clients, and how often all of them together refresh in a second.
    pub(crate) clients: usize,
    pub(crate) rate: u32,
    /// How often it is quiet and attacked in turn, and for how long each time.
    pub(crate) rounds: usize,
    pub(crate) seconds: Duration,
}

/// Runs the drill.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn slow(place: &Place, settings: &SlowSettings) -> Result<Report> {
    let certificate = Certificate::make(place, &place.folder.join("certificate"))?;
    let config = folder::config(place, &[&certificate.section()])?;
    let command = folder::serve_logging(place, &config, &place.folder.join("data"));
    let log = place.folder.join("server.log");
    let server = Server::start(command, &log)?;
    let mut honest = Honest::register(&server, certificate.carrier("http/1.1")?, settings)?;
    let mut report = Report::new("drill slow");
    let mut rounds = Vec::new();
    for _ in 0..settings.rounds {
        rounds.push(round(&server, &certificate, settings, &mut honest)?);
    }
    note(&mut report, settings, &rounds);
    for what in honest.lost()? {
        report.broken(what);
    }
    report.note("log_mb", megabytes(&log));
    server.stop()?;
    Ok(report)
}

/// What was seen in quiet and under attack.
struct Round {
    p99: [f64; 2],
    p50: [f64; 2],
    answers: [usize; 2],
    failed: Vec<String>,
    memory: [f64; 2],
    /// Cores that the server kept busy.
    cores: [f64; 2],
    held: usize,
    resets: usize,
}

fn round(
    server: &Server,
    certificate: &Certificate,
    settings: &SlowSettings,
    honest: &mut Honest,
) -> Result<Round> {
    let measured = |honest: &mut Honest| {
        let before = cpu::time(server.pid())?;
        let seen = honest.refresh(settings.seconds)?;
        let busy = cpu::time(server.pid())?.saturating_sub(before);
        let cores = busy.as_secs_f64() / settings.seconds.as_secs_f64();
        Ok((seen, cores))
    };
    let (quiet, quiet_cores) = measured(honest)?;
    let quiet_memory = memory(server.pid())?;
    let attack = Attack::begin(server.address(), certificate, settings)?;
    // Until those who hold on hold.
    thread::sleep(Duration::from_secs(5));
    let (attacked, attacked_cores) = measured(honest)?;
    let memory = [quiet_memory, memory(server.pid())?];
    let (held, resets) = attack.end();
    let p = |per_mille| [quiet.percentile(per_mille), attacked.percentile(per_mille)];
    let round = Round {
        p99: p(990),
        p50: p(500),
        answers: [quiet.millis.len(), attacked.millis.len()],
        memory,
        cores: [quiet_cores, attacked_cores],
        held,
        resets,
        failed: [quiet.failed, attacked.failed].concat(),
    };
    // Until all that was held is cut off.
    thread::sleep(Duration::from_secs(3));
    Ok(round)
}

fn note(report: &mut Report, settings: &SlowSettings, rounds: &[Round]) {
    let middle = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
    let ratio = middle(&|round| round.p99[1] / round.p99[0].max(f64::EPSILON));
    report.remark(
        "p99_ratio",
        ratio,
        "of refreshes under attack to the same in quiet; at most 2",
    );
    if ratio > MOST_P99 {
        report.broken(format!("p99_ratio: {ratio}"));
    }
    let mut both = |[quiet, attacked]: [&'static str; 2], figure: fn(&Round) -> [f64; 2]| {
        report.note(quiet, middle(&|round| figure(round)[0]));
        report.note(attacked, middle(&|round| figure(round)[1]));
    };
    both(["quiet_p99_ms", "attacked_p99_ms"], |round| round.p99);
    both(["quiet_p50_ms", "attacked_p50_ms"], |round| round.p50);
    both(["quiet_memory_mb", "attacked_memory_mb"], |round| {
        round.memory
    });
    both(["quiet_cores", "attacked_cores"], |round| round.cores);
    let held = rounds.iter().map(|round| round.held).min().unwrap_or(0);
    report.remark(
        "held",
        held,
        "connections that attackers held, at the least",
    );
    report.note("rate", settings.rate);
    let resets = rounds.iter().map(|round| round.resets).sum::<usize>();
    report.remark("resets", resets, "streams that were opened and reset");
    let answers: usize = rounds.iter().flat_map(|round| round.answers).sum();
    report.note("refreshes", answers);
    let first = rounds.first().map_or(0.0, |round| round.memory[0]);
    let most = rounds
        .iter()
        .fold(first, |most, round| most.max(round.memory[1]));
    let held = f64::from(u32::try_from(held.max(1)).unwrap_or(u32::MAX));
    let each = (most - first).max(0.0) * 1024.0 / held;
    report.remark("kib_per_held", each, "of the server's memory; at most 128");
    if each > MOST_KIB {
        report.broken(format!("kib_per_held: {each}"));
    }
    let failed: Vec<_> = rounds.iter().flat_map(|round| &round.failed).collect();
    report.remark(
        "failed",
        failed.len(),
        "refreshes of honest clients; must be 0",
    );
    for what in failed {
        report.broken(what);
    }
}

fn megabytes(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |file| file.len() >> 20)
}
