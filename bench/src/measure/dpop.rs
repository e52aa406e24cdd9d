//! `bench dpop`: what it costs that a session is bound to a key. Refreshes of bound sessions and of others on one server, in turn in
//! one run; and in this process, on one thread, what checking a proof takes beside its signature alone (`proof`).

use std::rc::Rc;

use relatch_verify::{Clock as _, SystemClock};
use serde_json::json;
use tokio::runtime::Builder;
use wrong_tokens::{Prover, Target};

use super::chains::{Turning, proven_request};
use super::refresh::{plan, serve, sessions};
use super::{Settings, middle, proof};
use crate::api::Api;
use crate::failure::{Doing, Failure, Result};
use crate::load::{self, Chain, Sample};
use crate::place::Place;
use crate::report::Report;
use crate::server::Server;

/// Sessions that each connection turns, one after the other.
const SESSIONS: usize = 4;

/// More refreshes in a second than the machine will do: so many proofs are signed ahead, for signing is the client's work.
const MOST_A_SECOND: usize = 12_000;

/// Runs the measurement.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn dpop(place: &Place, settings: &Settings) -> Result<Report> {
    let mut report = Report::new("bench dpop");
    let rounds = rounds(place, settings)?;
    note(&mut report, settings, &rounds);
    proof::note(&mut report)?;
    Ok(report)
}

/// Three neighbouring intervals.
struct Round {
    unbound: Sample,
    p256: Sample,
    ed25519: Sample,
}

fn rounds(place: &Place, settings: &Settings) -> Result<Vec<Round>> {
    let server = serve(place, &place.folder.join("data"))?;
    let mut unbound = sessions(&server, settings.connections)?;
    let mut p256 = bound(&server, settings, Prover::p256(), "p256")?;
    let mut ed25519 = bound(&server, settings, Prover::ed25519(&[7; 32]), "ed25519")?;
    let mut rounds = Vec::with_capacity(settings.rounds);
    for _ in 0..settings.rounds {
        let (plain, by_p256, by_ed25519);
        (plain, unbound) = load::run(plan(&server, settings), unbound)?;
        (by_p256, p256) = load::run(plan(&server, settings), signed(p256, settings))?;
        (by_ed25519, ed25519) = load::run(plan(&server, settings), signed(ed25519, settings))?;
        rounds.push(Round {
            unbound: plain,
            p256: by_p256,
            ed25519: by_ed25519,
        });
    }
    server.stop()?;
    Ok(rounds)
}

/// Refreshes of the bound sessions of one connection in turn, each with a proof that was signed before.
struct Proving {
    sessions: Turning,
    signer: Rc<Signer>,
    proofs: Vec<String>,
}

struct Signer {
    prover: Prover,
    url: String,
}

impl Signer {
    fn prove(&self, path: &str) -> String {
        let url = format!("{}{path}", self.url);
        self.prover.prove(Target {
            method: "POST",
            url: &url,
            token: None,
            now: SystemClock.now(),
        })
    }
}

impl Chain for Proving {
    fn request(&mut self, buffer: &mut Vec<u8>) {
        let signed = self.proofs.pop();
        let proof = signed.unwrap_or_else(|| self.signer.prove("/auth/refresh"));
        proven_request(self.sessions.next(), Some(&proof), buffer);
    }

    fn answered(&mut self, status: u16, body: &[u8]) {
        self.sessions.answered(status, body);
    }
}

/// With proofs for one interval, none of them as old as to be refused.
fn signed(mut chains: Vec<Proving>, settings: &Settings) -> Vec<Proving> {
    let seconds = usize::try_from(settings.seconds.as_secs()).unwrap_or(1) + 1;
    let each = (MOST_A_SECOND * seconds).div_ceil(chains.len().max(1));
    for chain in &mut chains {
        let signer = Rc::clone(&chain.signer);
        chain.proofs.clear();
        chain
            .proofs
            .extend((0..each).map(|_| signer.prove("/auth/refresh")));
    }
    chains
}

/// Registers users, one session each, bound to that key.
fn bound(server: &Server, settings: &Settings, prover: Prover, name: &str) -> Result<Vec<Proving>> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.doing("registering users")?;
    let mut api = Api::new(server.address());
    let signer = Rc::new(Signer {
        prover,
        url: format!("http://{}", server.address()),
    });
    (0..settings.connections)
        .map(|connection| {
            let names = (0..SESSIONS).map(|n| format!("{name}-{connection}-{n}"));
            let tokens = names.map(|name| runtime.block_on(register(&mut api, &name, &signer)));
            Ok(Proving {
                sessions: Turning::new(tokens.collect::<Result<_>>()?),
                signer: Rc::clone(&signer),
                proofs: Vec::new(),
            })
        })
        .collect()
}

async fn register(api: &mut Api, name: &str, signer: &Signer) -> Result<String> {
    let body = json!({
        "username": name,
        "email": format!("{name}@example.com"),
        "password": "correct horse battery",
    });
    let proof = signer.prove("/auth/register");
    let answer = api.post_proven("/auth/register", &proof, &body).await;
    let answer = answer.doing("registering a user")?;
    match (answer.text("token_type"), answer.text("refresh_token")) {
        ("DPoP", token) => Ok(token.to_owned()),
        _ => Err(Failure::Told(format!(
            "a registration answered {}",
            answer.brief()
        ))),
    }
}

fn note(report: &mut Report, settings: &Settings, rounds: &[Round]) {
    let to_unbound = |figure: fn(&Round) -> &Sample, of: fn(&Sample) -> f64| {
        middle(rounds, |round| of(figure(round)) / of(&round.unbound))
    };
    report.note("connections", settings.connections);
    report.note("rounds", settings.rounds);
    let rate = to_unbound(|round| &round.p256, Sample::rate);
    report.remark("bound_to_unbound", rate, "refreshes per second, ES256");
    let rate = to_unbound(|round| &round.ed25519, Sample::rate);
    report.remark("bound_ed25519_to_unbound", rate, "the same, Ed25519");
    let cpu = to_unbound(|round| &round.p256, Sample::cpu_micros);
    report.remark("bound_cpu_ratio", cpu, "the server's work, ES256");
    for (keys, figure) in [
        (["unbound_rps", "unbound_cpu_us", "unbound_p99_ms"], {
            let figure: fn(&Round) -> &Sample = |round| &round.unbound;
            figure
        }),
        (["bound_rps", "bound_cpu_us", "bound_p99_ms"], |round| {
            &round.p256
        }),
        (
            [
                "bound_ed25519_rps",
                "bound_ed25519_cpu_us",
                "bound_ed25519_p99_ms",
            ],
            |round| &round.ed25519,
        ),
    ] {
        let [rps, cpu, p99] = keys;
        report.note(rps, middle(rounds, |round| figure(round).rate()));
        report.note(cpu, middle(rounds, |round| figure(round).cpu_micros()));
        report.note(
            p99,
            middle(rounds, |round| figure(round).percentile_ms(990)),
        );
    }
    let samples = || {
        let all =
            |round: &'_ Round| [&round.unbound, &round.p256, &round.ed25519].map(Clone::clone);
        rounds.iter().flat_map(all)
    };
    let refused: u64 = samples().map(|sample| sample.refused()).sum();
    let what: Vec<_> = samples()
        .map(|sample| sample.refusals())
        .filter(|text| !text.is_empty())
        .collect();
    report.remark("refused", refused, &what.join("; "));
    if refused > 0 {
        report.broken("an answer was not 2xx");
    }
}
