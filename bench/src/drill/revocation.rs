//! `drill revocation`: many resource servers follow one server's revocations, each with `relatch-verify`; sessions end, and
//! every follower is asked again and again until it refuses. Then the feed is cut for a while and healed.

mod crowd;
mod proxy;

use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use self::crowd::Crowd;
use self::proxy::Proxy;
use super::backup::run;
use super::{folder, runtime};
use crate::api::Api;
use crate::failure::{Doing, Failure, Result};
use crate::load::{self, Plan, median};
use crate::measure::{Turning, memory};
use crate::place::Place;
use crate::report::Report;
use crate::server::Server;

/// All followers come from this machine.
const MANY: &str = "[server]\nmax_per_address = 10000\n";

const ISSUER: &str = "[issuer]\nurl = \"http://relatch.test\"\n";

/// How to run it.
#[derive(Debug)]
pub(crate) struct RevocationSettings {
    pub(crate) followers: usize,
    /// Sessions that end one by one, before the cut and after it.
    pub(crate) logouts: usize,
    /// Sessions that end while the feed is cut.
    pub(crate) missed: usize,
    /// How long it is cut.
    pub(crate) cut: Duration,
    /// How often refreshes are measured with followers and without.
    pub(crate) rounds: usize,
    /// How long each time.
    pub(crate) seconds: Duration,
    /// Connections that refresh.
    pub(crate) connections: usize,
}

/// Runs the drill.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn revocation(place: &Place, settings: &RevocationSettings) -> Result<Report> {
    let config = folder::config(place, &[ISSUER, MANY])?;
    let data = place.folder.join("data");
    let command = folder::serve(place, &config, &data);
    let server = Server::start(command, &place.folder.join("server.log"))?;
    let drill = Drill {
        credential: credential(place, &config, &data)?,
        server,
        runtime: runtime()?,
        settings,
    };
    let mut report = Report::new("drill revocation");
    report.note("followers", settings.followers);
    drill.promptness(&mut report)?;
    drill.refreshes(&mut report)?;
    drill.server.stop()?;
    Ok(report)
}

fn credential(place: &Place, config: &Path, data: &Path) -> Result<String> {
    let mut command = std::process::Command::new(&place.server);
    command.args(["resource-server", "add", "followers", "--json"]);
    command.arg("--data").arg(data).arg("--config").arg(config);
    let added = run(command)?.1;
    let credential = added.get("credential").and_then(Value::as_str);
    credential
        .map(str::to_owned)
        .ok_or_else(|| Failure::Told("no credential was given".to_owned()))
}

struct Drill<'a> {
    server: Server,
    credential: String,
    /// For requests; followers have one of their own.
    runtime: Runtime,
    settings: &'a RevocationSettings,
}

/// One session that will end.
struct Victim {
    access: String,
    refresh: String,
}

impl Drill<'_> {
    /// How soon every follower refuses: at rest, what it missed while it was cut off, and after that.
    fn promptness(&self, report: &mut Report) -> Result<()> {
        let (logouts, missed) = (self.settings.logouts, self.settings.missed);
        let proxy = Proxy::before(self.server.address())?;
        let victims = self.victims("v", 2 * logouts + missed)?;
        let (before, rest) = victims.split_at(logouts);
        let (while_cut, after) = rest.split_at(missed);
        let bare = memory(self.server.pid())?;
        let crowd = self.crowd(proxy.address())?;
        thread::sleep(Duration::from_secs(5));
        let each = (memory(self.server.pid())? - bare) * 1024.0 / crowd.len();
        judge(report, ["p99_ms", "worst_ms"], &self.end(&crowd, before)?);

        crowd.must_accept(while_cut.iter().map(|victim| &victim.access))?;
        proxy.cut();
        let begun = Instant::now();
        for victim in while_cut {
            self.log_out(victim)?;
        }
        thread::sleep(self.settings.cut.saturating_sub(begun.elapsed()));
        proxy.heal();
        let healed = Instant::now();
        let tokens: Vec<_> = while_cut.iter().map(|victim| &victim.access).collect();
        let left_out = crowd.wait_until_refused(&tokens);
        report.remark(
            "cut_seconds",
            self.settings.cut.as_secs(),
            "no byte of the feed got through",
        );
        report.remark(
            "missed",
            left_out,
            "ended meanwhile and still accepted somewhere: must be 0",
        );
        report.remark(
            "caught_up_seconds",
            healed.elapsed().as_secs_f64(),
            "from healing to the last of all; followers come back at random within half a minute",
        );
        if left_out > 0 {
            report.broken(format!("{left_out} ended sessions were never refused"));
        }
        crowd.wait_until_fresh()?;
        let names = ["p99_after_cut_ms", "worst_after_cut_ms"];
        judge(report, names, &self.end(&crowd, after)?);
        report.remark("server_kb_per_follower", each, "resident memory");
        Ok(())
    }

    /// Ends them one by one; the milliseconds of each follower at each.
    fn end(&self, crowd: &Crowd, victims: &[Victim]) -> Result<Vec<f64>> {
        let mut millis = Vec::new();
        crowd.must_accept(victims.iter().map(|victim| &victim.access))?;
        for victim in victims {
            self.log_out(victim)?;
            millis.extend(crowd.last_accepted(&victim.access, Instant::now())?);
        }
        millis.sort_by(f64::total_cmp);
        Ok(millis)
    }

    /// The rate of refreshes with followers and without, in turn.
    fn refreshes(&self, report: &mut Report) -> Result<()> {
        let mut chains = self.chains()?;
        let (mut ratios, mut rates, mut costs) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..self.settings.rounds {
            // Whichever comes first has the warmer machine: it is the other one's turn next.
            let (mut pair, mut cpu) = ([0.0; 2], [0.0; 2]);
            for followed in [round % 2 == 0, round % 2 != 0] {
                let crowd = followed
                    .then(|| self.crowd(self.server.address()))
                    .transpose()?;
                let sample;
                (sample, chains) = load::run(self.plan(), chains)?;
                drop(crowd);
                if sample.refused() > 0 {
                    report.broken(format!("refreshes: {}", sample.refusals()));
                }
                let which = usize::from(followed);
                if let (Some(rate), Some(cost)) = (pair.get_mut(which), cpu.get_mut(which)) {
                    (*rate, *cost) = (sample.rate(), sample.cpu_micros());
                }
            }
            let [without, with] = pair;
            rates.push(without);
            costs.push(cpu[1] / cpu[0]);
            ratios.push(with / without);
        }
        let ratio = median(ratios);
        report.remark(
            "refresh_ratio",
            ratio,
            "with followers to without; at least 0.95",
        );
        report.remark(
            "refresh_cpu_ratio",
            median(costs),
            "the server's processor time for a refresh alone, likewise",
        );
        report.note("refresh_rps", median(rates));
        if ratio < 0.95 {
            report.broken(format!("refresh_ratio: {ratio}"));
        }
        Ok(())
    }

    fn plan(&self) -> Plan {
        Plan {
            address: self.server.address(),
            pid: self.server.pid(),
            warm_up: Duration::from_secs(1),
            measured: self.settings.seconds,
        }
    }

    fn chains(&self) -> Result<Vec<Turning>> {
        let connections = 0..self.settings.connections;
        let chain = |connection| {
            let victims = self.victims(&format!("r{connection}-"), 2)?;
            let tokens = victims.into_iter().map(|victim| victim.refresh);
            Ok(Turning::new(tokens.collect()))
        };
        connections.map(chain).collect()
    }

    fn crowd(&self, feed: SocketAddr) -> Result<Crowd> {
        let followers = self.settings.followers;
        Crowd::gather(followers, self.server.address(), feed, &self.credential)
    }

    fn victims(&self, prefix: &str, count: usize) -> Result<Vec<Victim>> {
        let mut api = Api::new(self.server.address());
        let mut register = |n| {
            let name = format!("{prefix}{n}");
            let body = json!({
                "username": name,
                "email": format!("{name}@example.com"),
                "password": "correct horse battery",
            });
            let answer = self
                .runtime
                .block_on(api.post("/auth/register", None, Some(&body)));
            let answer = answer.doing("registering a user")?;
            let [access, refresh] =
                ["access_token", "refresh_token"].map(|name| answer.text(name).to_owned());
            if refresh.is_empty() {
                return Err(Failure::Told(format!("a registration: {}", answer.brief())));
            }
            Ok(Victim { access, refresh })
        };
        (0..count).map(&mut register).collect()
    }

    fn log_out(&self, victim: &Victim) -> Result<()> {
        let mut api = Api::new(self.server.address());
        let logout = api.post("/auth/logout", Some(&victim.refresh), None);
        let answer = self.runtime.block_on(logout).doing("logging out")?;
        match answer.status {
            200 => Ok(()),
            _ => Err(Failure::Told(format!("a logout: {}", answer.brief()))),
        }
    }
}

/// Notes the time within which 99 of 100 followers refused, and the last.
fn judge(report: &mut Report, names: [&'static str; 2], millis: &[f64]) {
    let rank = (millis.len() * 99).div_ceil(100).max(1);
    let p99 = millis.get(rank - 1).copied().unwrap_or(f64::MAX);
    let worst = millis.last().copied().unwrap_or(f64::MAX);
    let [name, worst_name] = names;
    let remark = "from the answer of a logout to the last accepted token; under 1000";
    report.remark(name, p99, remark);
    report.note(worst_name, worst);
    if p99 >= 1_000.0 {
        report.broken(format!("{name}: {p99}"));
    }
}
