//! `bench refresh`: POST /auth/refresh on a server with its defaults against a server that answers a
//! constant, in turn on the same machine in the same run, for a machine's speed wanders and the
//! ratio of two neighbours does not.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tokio::runtime::Builder;

use super::chains::{Constant, Turning};
use super::floor::{Floor, floor};
use super::{Settings, large, middle};
use crate::api::Api;
use crate::failure::{Doing, Failure, Result};
use crate::load::{self, Plan, Sample};
use crate::place::Place;
use crate::report::Report;
use crate::server::Server;

/// How long each part alone is measured.
const PART: Duration = Duration::from_millis(400);

/// Sessions that each connection turns, one after the other.
const SESSIONS: usize = 4;

/// Runs the measurement.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn refresh(place: &Place, settings: &Settings) -> Result<Report> {
    let mut report = Report::new("bench refresh");
    let pairs = pairs(place, settings)?;
    note_ratios(&mut report, settings, &pairs);
    note_figures(&mut report, &pairs);
    if let Some(sessions) = settings.large {
        large::compare(place, settings, sessions, &mut report)?;
    }
    Ok(report)
}

/// Two neighbouring intervals, and the parts alone beside them.
struct Pair {
    bare: Sample,
    refresh: Sample,
    floor: Floor,
}

fn pairs(place: &Place, settings: &Settings) -> Result<Vec<Pair>> {
    let log = place.folder.join("server.log");
    let own = std::env::current_exe().doing("looking for the bare server")?;
    let mut command = Command::new(own);
    command.arg("bare");
    let bare = Server::start(command, &log)?;
    let server = serve(place, &place.folder.join("data"))?;
    let mut constants: Vec<Constant> = (0..settings.connections).map(|_| Constant).collect();
    let mut chains = sessions(&server, settings.connections)?;
    let mut pairs = Vec::with_capacity(settings.rounds);
    for _ in 0..settings.rounds {
        let (refresh, bare_sample);
        (bare_sample, constants) = load::run(plan(&bare, settings), constants)?;
        (refresh, chains) = load::run(plan(&server, settings), chains)?;
        pairs.push(Pair {
            bare: bare_sample,
            refresh,
            floor: floor(&place.folder, PART)?,
        });
    }
    server.stop()?;
    Ok(pairs)
}

/// A server with its defaults.
pub(super) fn serve(place: &Place, data: &Path) -> Result<Server> {
    let mut command = Command::new(&place.server);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data);
    Server::start(command, &place.folder.join("server.log"))
}

pub(super) fn plan(server: &Server, settings: &Settings) -> Plan {
    Plan {
        address: server.address(),
        pid: server.pid(),
        warm_up: Duration::from_secs(1),
        measured: settings.seconds,
    }
}

/// Registers users, one session each.
pub(super) fn sessions(server: &Server, connections: usize) -> Result<Vec<Turning>> {
    sessions_over(Api::new(server.address()), connections)
}

/// The same by this client.
pub(super) fn sessions_over(mut api: Api, connections: usize) -> Result<Vec<Turning>> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.doing("registering users")?;
    (0..connections)
        .map(|connection| {
            let names = (0..SESSIONS).map(|n| format!("user-{connection}-{n}"));
            let tokens = names.map(|name| runtime.block_on(register(&mut api, &name)));
            Ok(Turning::new(tokens.collect::<Result<_>>()?))
        })
        .collect()
}

pub(crate) async fn register(api: &mut Api, name: &str) -> Result<String> {
    let body = json!({
        "username": name,
        "email": format!("{name}@example.com"),
        "password": "correct horse battery",
    });
    let answer = api.post("/auth/register", None, Some(&body)).await;
    let answer = answer.doing("registering a user")?;
    match answer.text("refresh_token") {
        "" => Err(Failure::Told(format!(
            "a registration answered {}",
            answer.brief()
        ))),
        token => Ok(token.to_owned()),
    }
}

fn note_ratios(report: &mut Report, settings: &Settings, pairs: &[Pair]) {
    let rate = middle(pairs, |pair| pair.refresh.rate() / pair.bare.rate());
    let p99 = middle(pairs, |pair| pair.refresh.percentile_ms(990));
    let cpu = middle(pairs, |pair| {
        pair.refresh.cpu_micros() / pair.bare.cpu_micros()
    });
    report.note("connections", settings.connections);
    report.note("rounds", settings.rounds);
    report.remark("ratio_to_bare", rate, "at least 0.30, aim 0.40");
    report.remark("p99_ms", p99, "under 25, aim 10");
    report.remark("cpu_ratio", cpu, "at most 3.4, aim 2.5");
}

fn note_floor(report: &mut Report, pairs: &[Pair]) {
    let least = |pair: &Pair| pair.bare.cpu_micros() + pair.floor.tokens + pair.floor.row;
    let remark = "both tokens, alone on one thread";
    report.remark(
        "tokens_alone_us",
        middle(pairs, |pair| pair.floor.tokens),
        remark,
    );
    let remark = "a row read and written, alone";
    report.remark("row_alone_us", middle(pairs, |pair| pair.floor.row), remark);
    let lowest = middle(pairs, |pair| least(pair) / pair.bare.cpu_micros());
    report.remark(
        "cpu_ratio_floor",
        lowest,
        "the lowest cpu_ratio that this machine allows",
    );
    let above = middle(pairs, |pair| pair.refresh.cpu_micros() / least(pair));
    report.remark("cpu_to_floor", above, "");
}

fn note_figures(report: &mut Report, pairs: &[Pair]) {
    let bare = |figure: fn(&Sample) -> f64| middle(pairs, |pair| figure(&pair.bare));
    let refresh = |figure: fn(&Sample) -> f64| middle(pairs, |pair| figure(&pair.refresh));
    report.note("refresh_rps", refresh(Sample::rate));
    report.note(
        "refresh_p50_ms",
        refresh(|sample| sample.percentile_ms(500)),
    );
    report.note(
        "refresh_worst_ms",
        refresh(|sample| sample.percentile_ms(1000)),
    );
    report.note("refresh_cpu_us", refresh(Sample::cpu_micros));
    report.note("bare_rps", bare(Sample::rate));
    report.note("bare_p50_ms", bare(|sample| sample.percentile_ms(500)));
    report.note("bare_p99_ms", bare(|sample| sample.percentile_ms(990)));
    report.note("bare_cpu_us", bare(Sample::cpu_micros));
    report.remark(
        "generator_cpu_us",
        bare(Sample::generator_micros),
        "of the load generator, a bare request",
    );
    report.note(
        "generator_refresh_cpu_us",
        refresh(Sample::generator_micros),
    );
    note_floor(report, pairs);
    let samples = || pairs.iter().flat_map(|pair| [&pair.bare, &pair.refresh]);
    let refused: u64 = samples().map(Sample::refused).sum();
    let what: Vec<String> = samples()
        .map(Sample::refusals)
        .filter(|text| !text.is_empty())
        .collect();
    report.remark("refused", refused, &what.join("; "));
    if refused > 0 {
        report.broken("an answer was not 2xx");
    }
}
