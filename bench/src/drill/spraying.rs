//! One password at every account, then the next one, from a thousand addresses; and meanwhile the real users log in, on
//! devices on which they did before and on new ones.

mod crowd;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use relatch_core::password::Password;
use relatch_core::password::hash::{Cost, Scratch};
use rusqlite::params;
use serde_json::json;

use self::crowd::{Found, Tally};
use super::{folder, runtime};
use crate::api::Api;
use crate::cpu;
use crate::failure::{Doing, Failure, Querying, Result};
use crate::measure::{Random, memory};
use crate::place::Place;
use crate::report::Report;
use crate::server::Server;

/// How to spray.
#[derive(Debug)]
pub(crate) struct SprayingSettings {
    /// Over how long the guesses are spread.
    pub(crate) length: Duration,
    pub(crate) accounts: usize,
    pub(crate) addresses: usize,
    /// Users who log in meanwhile.
    pub(crate) users: usize,
}

/// What is tried at every account. Each is the password of one account in a thousand.
const GUESSES: [&str; 5] = [
    "Summer2026!",
    "Welcome2026",
    "Password123!",
    "Relatch2026",
    "Qwerty12345!",
];

const PASSWORD: &str = "correct horse battery staple";

/// What the server hashes with if nobody says otherwise.
const COST: Cost = Cost {
    memory: 19 * 1024,
    passes: 2,
};

/// What the limit for the whole lets through by its default: at once, and then a second.
const WHOLE: (f64, f64) = (500.0, 5.0);

/// Runs the drill against a server with its defaults.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn spraying(place: &Place, settings: &SprayingSettings) -> Result<Report> {
    let data = place.folder.join("data");
    let log = place.folder.join("server.log");
    let config = place.folder.join("relatch.toml");
    fs::write(&config, "[attempts]\nenabled = true\n").doing("writing the configuration")?;
    let start = || Server::start(folder::serve(place, &config, &data), &log);
    start()?.stop()?;
    fill(&data, settings.accounts)?;
    let server = start()?;
    let devices = introduce(&server, settings.users)?;
    let (quiet, before) = (memory(server.pid())?, cpu::time(server.pid())?);
    let begun = Instant::now();
    let found = runtime()?.block_on(crowd::run(&server, settings, &devices))?;
    let took = begun.elapsed();
    let used = cpu::time(server.pid())?.saturating_sub(before);
    let mut report = Report::new("drill spraying");
    note(&mut report, settings, &found, took);
    report.note("cpu_share", used.as_secs_f64() / took.as_secs_f64());
    report.note("rss_mb_before", quiet);
    report.note("rss_mb_after", memory(server.pid())?);
    server.stop()?;
    Ok(report)
}

fn note(report: &mut Report, settings: &SprayingSettings, found: &Found, took: Duration) {
    let (through, guesses) = (found.guesses.tried(), found.guesses.sent);
    let allowed = WHOLE.0 + WHOLE.1 * took.as_secs_f64() + 100.0;
    report.note("minutes", took.as_secs_f64() / 60.0);
    report.note("accounts", settings.accounts);
    report.note("addresses", settings.addresses);
    report.note("guesses", guesses);
    report.remark(
        "guesses_through",
        through,
        "what attempts.whole lets through",
    );
    report.note("guesses_refused", found.guesses.refused);
    report.note("guesses_unanswered", found.guesses.lost);
    report.remark(
        "accounts_taken",
        found.guesses.right,
        &format!("of {} with such a password", settings.accounts / 200),
    );
    report.note("known_device_logins", found.known.sent);
    let success = found.known.share();
    report.remark("known_device_success", success, "at least 0.99");
    report.note("known_device_p99_ms", found.known.percentile_ms(99));
    report.note("new_device_logins", found.new.sent);
    report.note("new_device_success", found.new.share());
    if success < 0.99 {
        report.broken(format!("{success} of the logins on known devices"));
    }
    if f64::from(through) > allowed {
        report.broken(format!("{through} guesses were tried, not {allowed:.0}"));
    }
}

/// Accounts of which nobody has a session, past the server, for hashing each would take minutes.
fn fill(data: &Path, accounts: usize) -> Result<()> {
    let mut scratch = Scratch::default();
    let mut hash = |text: &str| {
        let password = Password::attempt(text).ok();
        let hash = password.and_then(|password| scratch.hash(&password, COST, &Random));
        hash.ok_or_else(|| Failure::Told("hashing a password".to_owned()))
    };
    let weak = GUESSES.iter().map(|guess| hash(guess));
    let weak: Vec<_> = weak.collect::<Result<_>>()?;
    let good = hash(PASSWORD)?;
    let connection = rusqlite::Connection::open(data.join("relatch.db"));
    let connection = connection.querying("opening the database to fill it")?;
    connection.execute_batch("BEGIN").querying("BEGIN")?;
    for number in 0..accounts {
        // One in two hundred has one of the five.
        let hash = match number % 200 {
            7 => weak.get(number / 200 % weak.len()).unwrap_or(&good),
            _ => &good,
        };
        let id = [[1; 8], (number as u64).to_be_bytes()].concat();
        let name = account(number);
        let email = format!("{name}@example.com");
        let sql = "INSERT INTO user (id, username, email, password_hash, credential_version, disabled, created_at)
             VALUES (?1, ?2, ?3, ?4, 0, 0, 1700000000000)";
        let row = params![id, name, email, hash.expose()];
        connection.execute(sql, row).querying("adding a user")?;
    }
    connection.execute_batch("COMMIT").querying("COMMIT")
}

/// The name of an account.
fn account(number: usize) -> String {
    format!("user-{number:05}")
}

/// Those who log in during the attack have done so before: their devices' tokens.
fn introduce(server: &Server, users: usize) -> Result<Vec<String>> {
    let runtime = runtime()?;
    let mut api = Api::new(server.address());
    // None of them has a password that is tried.
    let names = (0..users).map(|user| account(user * 4));
    names
        .map(|name| {
            let body = json!({ "username": name, "password": PASSWORD });
            let answer = runtime.block_on(api.post("/auth/login", None, Some(&body)));
            let answer = answer.doing("logging in before the attack")?;
            match answer.text("device_token") {
                "" => Err(Failure::Told(format!("logging in: {}", answer.brief()))),
                token => Ok(token.to_owned()),
            }
        })
        .collect()
}

impl Tally {
    fn tried(&self) -> u32 {
        self.right + self.wrong
    }

    fn share(&self) -> f64 {
        f64::from(self.right) / f64::from(self.sent.max(1))
    }
}
