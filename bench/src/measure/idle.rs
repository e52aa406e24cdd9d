//! `bench idle`: what the server takes while nobody asks for anything, and how soon it answers.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use super::middle;
use super::refresh::{register, serve};
use crate::api::Api;
use crate::failure::{Doing, Failure, Result};
use crate::place::Place;
use crate::report::Report;
use crate::server::Server;

/// How to measure.
#[derive(Debug)]
pub(crate) struct IdleSettings {
    /// How often the server is started.
    pub(crate) starts: usize,
    /// Whether to wait until the memory for passwords is free again.
    pub(crate) rest: bool,
}

/// Longer than the hashing threads keep their memory.
const REST: Duration = Duration::from_secs(33);

/// Logins that make every hashing thread take its memory.
const LOGINS: usize = 20;

/// Runs the measurement.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn idle(place: &Place, settings: &IdleSettings) -> Result<Report> {
    let mut report = Report::new("bench idle");
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.doing("starting a client")?;
    let data = place.folder.join("data");
    let (server, first) = answer(place, &data, &runtime)?;
    let rss_of_first = memory(server.pid())?;
    server.stop()?;
    let mut starts = Vec::with_capacity(settings.starts);
    for _ in 0..settings.starts {
        let (server, took) = answer(place, &data, &runtime)?;
        starts.push((took, memory(server.pid())?));
        server.stop()?;
    }
    let rss = middle(&starts, |start| start.1);
    let took = middle(&starts, |start| start.0);
    let binary = fs::metadata(&place.server).doing("the binary")?.len();
    let binary = megabytes(binary);
    report.remark("rss_mb", rss, "at most 20");
    report.remark("first_answer_ms", took, "at most 60");
    report.remark("binary_mb", binary, "at most 20, without symbols");
    report.note("first_start_ms", first);
    report.note("first_start_rss_mb", rss_of_first);
    if settings.rest {
        rest(place, &data, &runtime, &mut report)?;
    }
    for (what, figure, most) in [
        ("resident memory in MB", rss, 20.0),
        ("ms to the first answer", took, 60.0),
    ] {
        if figure > most {
            report.broken(format!("{figure} {what}"));
        }
    }
    Ok(report)
}

/// Starts a server; the milliseconds until it has answered.
fn answer(place: &Place, data: &Path, runtime: &Runtime) -> Result<(Server, f64)> {
    let begun = Instant::now();
    let server = serve(place, data)?;
    let mut api = Api::new(server.address());
    let answer = runtime.block_on(api.post("/auth/refresh", None, None));
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    let status = answer.doing("the first request")?.status;
    if status >= 500 {
        return Err(Failure::Told(format!("the first answer was {status}")));
    }
    Ok((server, took))
}

/// The memory after logins, at once and when nobody has logged in for a while.
fn rest(place: &Place, data: &Path, runtime: &Runtime, report: &mut Report) -> Result<()> {
    let server = serve(place, data)?;
    let mut api = Api::new(server.address());
    runtime.block_on(register(&mut api, "ada"))?;
    let body = json!({"username": "ada", "password": "correct horse battery"});
    for _ in 0..LOGINS {
        let answer = runtime.block_on(api.post("/auth/login", None, Some(&body)));
        answer.doing("logging in")?;
    }
    report.note("rss_after_logins_mb", memory(server.pid())?);
    sleep(REST);
    let rested = memory(server.pid())?;
    report.remark("rss_after_rest_mb", rested, "half a minute later");
    server.stop()
}

/// Resident memory of a process in MB, by Linux's `/proc`.
pub(crate) fn memory(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).doing(&path)?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    line.map(|kilobytes| megabytes(kilobytes * 1024))
        .ok_or_else(|| Failure::Told(format!("{path} has no VmRSS")))
}

fn megabytes(bytes: u64) -> f64 {
    // Neither a process nor a binary here comes near 2⁵³ bytes.
    f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0
}
