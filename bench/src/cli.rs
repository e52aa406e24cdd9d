//! The command line.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::chance::fresh_seed;
use crate::failure::Result;
use crate::place::Common;
use crate::{bare, drill, measure};

/// Measurements and drills of Relatch that a reader can repeat.
#[derive(Debug, Parser)]
#[command(name = "relatch-bench", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Measures speed.
    #[command(subcommand)]
    Bench(Bench),
    /// Breaks things and checks what was promised.
    #[command(subcommand)]
    Drill(Drill),
    /// A server that answers a constant, to be measured against.
    #[command(hide = true)]
    Bare,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// POST /auth/refresh against a bare server, and with a large database against a small one.
    Refresh(Refresh),
    /// POST /auth/login against Argon2id alone, and refreshes beside it.
    Login(Login),
    /// The bytes of database that a session takes.
    Size(Size),
    /// Memory at rest, time to the first answer, size of the binary.
    Idle(Idle),
    /// POST /auth/refresh of bound sessions against others, and what checking a proof takes.
    Dpop(Dpop),
    /// Checking access tokens against Ed25519 alone, and what the layer adds to a request.
    Verify(Verify),
    /// POST /auth/refresh over kept-alive TLS against the same in plain, and full handshakes.
    Tls(Tls),
}

#[derive(Debug, Subcommand)]
enum Drill {
    /// kill -9 at random moments under load.
    Kill(Kill),
    /// A backup beside a server under load, restored in both ways.
    Backup(Backup),
    /// Keys that turn and one that is withdrawn, under load, with verifiers that keep the JWKS.
    Keys(Keys),
    /// Resource servers that follow revocations, sessions that end, and a feed that is cut.
    Revocation(Revocation),
    /// A certificate that is replaced again and again beside clients at work.
    Certificate(Certificate),
    /// Attackers who are slow: heads, bodies, handshakes, and streams that are reset.
    Slow(Slow),
    /// Power cuts, replayed from a trace of the server's writes and syncs; and an older backup.
    PowerCut(PowerCut),
}

#[derive(Debug, Args)]
struct Refresh {
    #[command(flatten)]
    common: Common,
    /// Requests under way at once.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Seconds of each measured interval.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often the two sides are measured in turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Sessions in the large database; at least 10,000.
    #[arg(long, default_value_t = 10_000_000)]
    sessions: u32,
    /// Leaves the large database out.
    #[arg(long)]
    no_large: bool,
}

#[derive(Debug, Args)]
struct Dpop {
    #[command(flatten)]
    common: Common,
    /// Requests under way at once.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Seconds of each measured interval.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often the three sides are measured in turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[derive(Debug, Args)]
struct Login {
    #[command(flatten)]
    common: Common,
    /// Logins under way at once; the server's queue holds 64.
    #[arg(long, default_value_t = 48)]
    logins: usize,
    /// Refreshes under way at once beside them.
    #[arg(long, default_value_t = 16)]
    refreshes: usize,
    /// Seconds of each measured interval.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// How often everything is measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[derive(Debug, Args)]
struct Size {
    #[command(flatten)]
    common: Common,
    /// Sessions in the database.
    #[arg(long, default_value_t = 1_000_000)]
    sessions: u32,
}

#[derive(Debug, Args)]
struct Idle {
    #[command(flatten)]
    common: Common,
    /// How often the server is started.
    #[arg(long, default_value_t = 11)]
    starts: usize,
    /// Leaves out the half minute after which memory is free again.
    #[arg(long)]
    no_rest: bool,
}

#[derive(Debug, Args)]
struct Verify {
    #[command(flatten)]
    common: Common,
    /// How often everything is measured in turn.
    #[arg(long, default_value_t = 200)]
    rounds: usize,
}

#[derive(Debug, Args)]
struct Tls {
    #[command(flatten)]
    common: Common,
    /// Requests under way at once.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Seconds of each measured interval.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// How often each side is measured in turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[derive(Debug, Args)]
struct Certificate {
    #[command(flatten)]
    common: Common,
    /// Clients, each with a session.
    #[arg(long, default_value_t = 20)]
    clients: u64,
    /// Requests a second of all of them together.
    #[arg(long, default_value_t = 1_000)]
    rate: u64,
    /// How often the certificate is replaced.
    #[arg(long, default_value_t = 5)]
    replacements: usize,
}

#[derive(Debug, Args)]
struct Slow {
    #[command(flatten)]
    common: Common,
    /// Connections on which the head of a request trickles.
    #[arg(long, default_value_t = 2_000)]
    heads: usize,
    /// Connections on which a body trickles.
    #[arg(long, default_value_t = 200)]
    bodies: usize,
    /// Handshakes that are begun and never go on.
    #[arg(long, default_value_t = 1_000)]
    handshakes: usize,
    /// Connections of HTTP/2 a second that open 1,000 streams and reset each.
    #[arg(long, default_value_t = 20)]
    resets: u32,
    /// Honest clients.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Refreshes a second of all of them together.
    #[arg(long, default_value_t = 400)]
    rate: u32,
    /// How often it is quiet and attacked in turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each measured interval.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

#[derive(Debug, Args)]
struct Kill {
    #[command(flatten)]
    common: Common,
    /// Repeats the choices of a run; its timing differs.
    #[arg(long)]
    seed: Option<u64>,
    /// Clients at once, each with a user and some sessions.
    #[arg(long, default_value_t = 24)]
    clients: u64,
    /// How often the server is killed.
    #[arg(long, default_value_t = 10)]
    kills: u64,
}

#[derive(Debug, Args)]
struct Backup {
    #[command(flatten)]
    common: Common,
    /// Repeats the choices of a run; its timing differs.
    #[arg(long)]
    seed: Option<u64>,
    /// Clients at once, each with a user and some sessions.
    #[arg(long, default_value_t = 24)]
    clients: u64,
    /// Sessions in the database besides theirs; at least 1,000.
    #[arg(long, default_value_t = 1_000_000)]
    sessions: u32,
    /// Connections that refresh while backups are measured.
    #[arg(long, default_value_t = 16)]
    connections: u32,
    /// Seconds of each measured interval.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

#[derive(Debug, Args)]
struct Keys {
    #[command(flatten)]
    common: Common,
    /// Repeats the choices of a run; its timing differs.
    #[arg(long)]
    seed: Option<u64>,
    /// Sessions that go on.
    #[arg(long, default_value_t = 1_000)]
    sessions: usize,
    /// How often both keys turn while the server runs.
    #[arg(long, default_value_t = 5)]
    turns: u64,
    /// Verifiers, each with a JWKS of its own.
    #[arg(long, default_value_t = 50)]
    verifiers: usize,
}

#[derive(Debug, Args)]
struct Revocation {
    #[command(flatten)]
    common: Common,
    /// Resource servers, each with a connection of its own.
    #[arg(long, default_value_t = 1_000)]
    followers: usize,
    /// Sessions that end one by one, before the feed is cut and after.
    #[arg(long, default_value_t = 20)]
    logouts: usize,
    /// Sessions that end while it is cut.
    #[arg(long, default_value_t = 50)]
    missed: usize,
    /// Seconds for which it is cut.
    #[arg(long, default_value_t = 300)]
    cut: u64,
    /// How often refreshes are measured with followers and without.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each measured interval.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Connections that refresh.
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

#[derive(Debug, Args)]
struct PowerCut {
    #[command(flatten)]
    common: Common,
    /// Repeats the choices of a run; its timing differs.
    #[arg(long)]
    seed: Option<u64>,
    /// Clients at once, each with a user and some sessions.
    #[arg(long, default_value_t = 24)]
    clients: u64,
    /// Random points at which the power is cut.
    #[arg(long, default_value_t = 20)]
    points: u64,
    /// Seconds of load behind each five points.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Runs the server without syncs, to see the drill find what that loses.
    #[arg(long)]
    without_syncs: bool,
}

/// Runs what the command line says; whether every promise held.
///
/// # Errors
/// The run could not be carried out.
pub(crate) fn run() -> Result<bool> {
    match Cli::parse().verb {
        Verb::Bench(Bench::Refresh(refresh)) => refresh.run(),
        Verb::Bench(Bench::Login(login)) => login.run(),
        Verb::Bench(Bench::Dpop(dpop)) => dpop.run(),
        Verb::Bench(Bench::Size(size)) => {
            let sessions = size.sessions.max(1_000);
            size.common
                .carry_out(|place| measure::size(place, sessions))
        }
        Verb::Bench(Bench::Idle(idle)) => {
            let settings = measure::IdleSettings {
                starts: idle.starts.max(1),
                rest: !idle.no_rest,
            };
            idle.common
                .carry_out(|place| measure::idle(place, &settings))
        }
        Verb::Bench(Bench::Verify(verify)) => {
            let rounds = verify.rounds.max(1);
            let settings = measure::VerifySettings { rounds };
            verify.common.carry_out(|_| measure::verify(&settings))
        }
        Verb::Bench(Bench::Tls(tls)) => tls.run(),
        Verb::Drill(Drill::Certificate(certificate)) => certificate.run(),
        Verb::Drill(Drill::Slow(slow)) => slow.run(),
        Verb::Drill(Drill::Kill(kill)) => kill.run(),
        Verb::Drill(Drill::Backup(backup)) => backup.run(),
        Verb::Drill(Drill::Keys(keys)) => keys.run(),
        Verb::Drill(Drill::Revocation(revocation)) => revocation.run(),
        Verb::Drill(Drill::PowerCut(cut)) => cut.run(),
        Verb::Bare => bare::serve().map(|()| true),
    }
}

impl Refresh {
    fn run(self) -> Result<bool> {
        let settings = measure::Settings {
            connections: self.connections.max(1),
            seconds: Duration::from_secs(self.seconds.max(1)),
            rounds: self.rounds.max(1),
            large: (!self.no_large).then_some(self.sessions.max(10_000)),
        };
        self.common
            .carry_out(|place| measure::refresh(place, &settings))
    }
}

impl Dpop {
    fn run(self) -> Result<bool> {
        let settings = measure::Settings {
            connections: self.connections.max(1),
            // A proof is good for a minute, and they are signed before the interval begins.
            seconds: Duration::from_secs(self.seconds.clamp(1, 20)),
            rounds: self.rounds.max(1),
            large: None,
        };
        self.common
            .carry_out(|place| measure::dpop(place, &settings))
    }
}

impl Login {
    fn run(self) -> Result<bool> {
        let settings = measure::LoginSettings {
            logins: self.logins.max(1),
            refreshes: self.refreshes.max(1),
            seconds: Duration::from_secs(self.seconds.max(1)),
            rounds: self.rounds.max(1),
        };
        self.common
            .carry_out(|place| measure::login(place, &settings))
    }
}

impl Tls {
    fn run(self) -> Result<bool> {
        let settings = measure::Settings {
            connections: self.connections.max(1),
            seconds: Duration::from_secs(self.seconds.max(1)),
            rounds: self.rounds.max(1),
            large: None,
        };
        self.common
            .carry_out(|place| measure::tls(place, &settings))
    }
}

impl Certificate {
    fn run(self) -> Result<bool> {
        let settings = drill::CertificateSettings {
            clients: self.clients.max(1),
            rate: self.rate.max(1),
            replacements: self.replacements.max(1),
        };
        self.common
            .carry_out(|place| drill::certificate(place, &settings))
    }
}

impl Slow {
    fn run(self) -> Result<bool> {
        let settings = drill::SlowSettings {
            heads: self.heads,
            bodies: self.bodies,
            handshakes: self.handshakes,
            resets: self.resets,
            clients: self.clients.max(1),
            rate: self.rate.max(1),
            rounds: self.rounds.max(1),
            seconds: Duration::from_secs(self.seconds.max(1)),
        };
        self.common.carry_out(|place| drill::slow(place, &settings))
    }
}

impl Kill {
    fn run(self) -> Result<bool> {
        let settings = drill::KillSettings {
            seed: self.seed.unwrap_or_else(fresh_seed),
            clients: self.clients,
            kills: self.kills,
        };
        self.common.carry_out(|place| drill::kill(place, &settings))
    }
}

impl Backup {
    fn run(self) -> Result<bool> {
        let settings = drill::BackupSettings {
            seed: self.seed.unwrap_or_else(fresh_seed),
            clients: self.clients,
            sessions: self.sessions.max(1_000),
            connections: self.connections.max(1),
            seconds: Duration::from_secs(self.seconds.max(1)),
        };
        self.common
            .carry_out(|place| drill::backup(place, &settings))
    }
}

impl Keys {
    fn run(self) -> Result<bool> {
        let settings = drill::KeysSettings {
            seed: self.seed.unwrap_or_else(fresh_seed),
            sessions: self.sessions.max(1),
            turns: self.turns,
            verifiers: self.verifiers,
        };
        self.common.carry_out(|place| drill::keys(place, &settings))
    }
}

impl Revocation {
    fn run(self) -> Result<bool> {
        let settings = drill::RevocationSettings {
            followers: self.followers.max(1),
            logouts: self.logouts.max(1),
            missed: self.missed,
            cut: Duration::from_secs(self.cut),
            rounds: self.rounds.max(1),
            seconds: Duration::from_secs(self.seconds.max(1)),
            connections: self.connections.max(1),
        };
        self.common
            .carry_out(|place| drill::revocation(place, &settings))
    }
}

impl PowerCut {
    fn run(self) -> Result<bool> {
        let settings = drill::CutSettings {
            seed: self.seed.unwrap_or_else(fresh_seed),
            clients: self.clients,
            points: self.points,
            load: Duration::from_secs(self.seconds.max(1)),
            syncs: !self.without_syncs,
        };
        self.common
            .carry_out(|place| drill::power_cut(place, &settings))
    }
}
