//! `bench tls`: refreshes over kept-alive TLS against the same in plain, in turn in the same run; and full handshakes, each on a
//! connection of its own.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::refresh::{plan, serve, sessions, sessions_over};
use super::{Settings, middle};
use crate::api::Api;
use crate::carrier::{Carrier, Certificate};
use crate::cpu;
use crate::drill::folder;
use crate::failure::{Doing, Failure, Result};
use crate::load::{self, Sample};
use crate::place::Place;
use crate::report::Report;
use crate::server::Server;

/// Handshakes under way at once.
const AT_ONCE: usize = 16;

/// The least that refreshes over TLS may keep of their rate.
const LEAST: f64 = 0.85;

/// Runs the measurement.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn tls(place: &Place, settings: &Settings) -> Result<Report> {
    let certificate = Certificate::make(place, &place.folder.join("certificate"))?;
    let carrier = certificate.carrier("http/1.1")?;
    let config = place.folder.join("tls.toml");
    std::fs::write(&config, certificate.section()).doing("writing the configuration")?;
    let plain = serve(place, &place.folder.join("plain"))?;
    let command = folder::serve_logging(place, &config, &place.folder.join("tls"));
    let secure = Server::start(command, &place.folder.join("tls.log"))?;
    let mut report = Report::new("bench tls");
    let pairs = pairs((&plain, &secure), &carrier, settings)?;
    note(&mut report, settings, &pairs);
    let mut handshakes = Vec::with_capacity(settings.rounds);
    for _ in 0..settings.rounds {
        handshakes.push(shake(&secure, &carrier, settings.seconds)?);
    }
    let rate = middle(&handshakes, |shaken| shaken.rate);
    let remark = "full, ECDSA P-256 certificate, TLS 1.3, with the client on the same cores";
    report.remark("handshakes_per_second", rate, remark);
    let cost = middle(&handshakes, |shaken| shaken.cpu_micros);
    report.remark(
        "handshake_cpu_us",
        cost,
        "the server's processor time for one",
    );
    plain.stop()?;
    secure.stop()?;
    Ok(report)
}

struct Pair {
    plain: Sample,
    secure: Sample,
}

fn pairs(
    (plain, secure): (&Server, &Server),
    carrier: &Carrier,
    settings: &Settings,
) -> Result<Vec<Pair>> {
    let mut in_plain = sessions(plain, settings.connections)?;
    let api = Api::over(carrier.clone(), secure.address());
    let mut over_tls = sessions_over(api, settings.connections)?;
    let mut pairs = Vec::with_capacity(settings.rounds);
    for round in 0..settings.rounds {
        let (mut plain_sample, mut secure_sample) = (None, None);
        // Whichever comes first has the warmer machine: it is the other one's turn next.
        for turn in [round % 2 == 0, round % 2 != 0] {
            let sample;
            if turn {
                (sample, in_plain) = load::run(plan(plain, settings), in_plain)?;
                plain_sample = Some(sample);
            } else {
                let plan = plan(secure, settings);
                (sample, over_tls) = load::run_over(plan, carrier, over_tls)?;
                secure_sample = Some(sample);
            }
        }
        pairs.extend(
            plain_sample
                .zip(secure_sample)
                .map(|(plain, secure)| Pair { plain, secure }),
        );
    }
    Ok(pairs)
}

fn note(report: &mut Report, settings: &Settings, pairs: &[Pair]) {
    let ratio = middle(pairs, |pair| pair.secure.rate() / pair.plain.rate());
    report.note("connections", settings.connections);
    report.note("rounds", settings.rounds);
    let remark = "refreshes a second over kept-alive TLS to the same in plain; at least 0.85";
    report.remark("tls_to_plain", ratio, remark);
    if ratio < LEAST {
        report.broken(format!("tls_to_plain: {ratio}"));
    }
    report.note("plain_rps", middle(pairs, |pair| pair.plain.rate()));
    report.note("tls_rps", middle(pairs, |pair| pair.secure.rate()));
    let p99 = |sample: &Sample| sample.percentile_ms(990);
    report.note("plain_p99_ms", middle(pairs, |pair| p99(&pair.plain)));
    report.note("tls_p99_ms", middle(pairs, |pair| p99(&pair.secure)));
    let cpu = middle(pairs, |pair| pair.plain.cpu_micros());
    report.remark(
        "plain_cpu_us",
        cpu,
        "the server's processor time for a refresh",
    );
    report.note("tls_cpu_us", middle(pairs, |pair| pair.secure.cpu_micros()));
    let generator = middle(pairs, |pair| {
        pair.secure.generator_micros() - pair.plain.generator_micros()
    });
    report.remark(
        "generator_tls_us",
        generator,
        "what TLS costs the load generator, which runs on the same cores",
    );
    let samples = || pairs.iter().flat_map(|pair| [&pair.plain, &pair.secure]);
    if samples().any(|sample| sample.refused() > 0) {
        let what: Vec<_> = samples().map(Sample::refusals).collect();
        report.broken(format!("an answer was not 2xx: {}", what.join(" ")));
    }
}

struct Shaken {
    rate: f64,
    cpu_micros: f64,
}

/// Shakes hands for so long, and hangs up each time.
fn shake(server: &Server, carrier: &Carrier, time: Duration) -> Result<Shaken> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.doing("starting clients")?;
    let before = cpu::time(server.pid())?;
    let begun = Instant::now();
    let count = runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE {
            tasks.spawn(until(begun + time, carrier.clone(), server.address()));
        }
        let counts = tasks.join_all().await;
        counts.into_iter().sum::<std::io::Result<u32>>()
    });
    let count = f64::from(count.doing("shaking hands")?.max(1));
    let elapsed = begun.elapsed().as_secs_f64();
    let cpu = cpu::time(server.pid())?.saturating_sub(before);
    if elapsed <= 0.0 {
        return Err(Failure::Told("no time passed".to_owned()));
    }
    Ok(Shaken {
        rate: count / elapsed,
        cpu_micros: cpu.as_secs_f64() * 1e6 / count,
    })
}

async fn until(end: Instant, carrier: Carrier, address: SocketAddr) -> std::io::Result<u32> {
    let mut count = 0;
    while Instant::now() < end {
        carrier.connect(address).await?;
        count += 1;
    }
    Ok(count)
}
