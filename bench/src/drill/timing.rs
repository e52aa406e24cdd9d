//! Whether the time of a refused login tells that there is such a user: unknown names against wrong passwords, interleaved,
//! and a test of equivalence, so that noise does not decide.

use std::fs;
use std::time::{Duration, Instant};

use relatch_core::password::Password;
use relatch_core::password::hash::{Cost, Scratch};
use serde_json::json;

use super::{folder, runtime};
use crate::api::Api;
use crate::chance::Chance;
use crate::failure::{Doing, Failure, Result};
use crate::load::median;
use crate::measure::Random;
use crate::place::Place;
use crate::report::Report;
use crate::server::Server;

/// How to compare.
#[derive(Debug)]
pub(crate) struct TimingSettings {
    /// Repeats the order and the resampling of a run.
    pub(crate) seed: u64,
    /// Of each side.
    pub(crate) samples: usize,
}

/// How often the samples are drawn anew.
const RESAMPLES: usize = 2_000;

const COST: Cost = Cost {
    memory: 19 * 1024,
    passes: 2,
};

/// Runs the drill.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn timing(place: &Place, settings: &TimingSettings) -> Result<Report> {
    let config = place.folder.join("relatch.toml");
    // Past the limits, nothing is hashed at all.
    fs::write(&config, "[attempts]\nenabled = false\n").doing("writing the configuration")?;
    let data = place.folder.join("data");
    let log = place.folder.join("server.log");
    let server = Server::start(folder::serve(place, &config, &data), &log)?;
    let mut chance = Chance::lane(settings.seed, 1);
    let samples = runtime()?.block_on(sample(&server, settings, &mut chance))?;
    server.stop()?;
    let hash = median(samples.hashes.clone());
    let found = compare(&samples, hash, &mut chance);
    let mut report = Report::new("drill timing");
    report.note("seed", settings.seed);
    report.note("samples", settings.samples);
    report.note("hash_ms", hash);
    report.note("wrong_password_ms", median(samples.wrong.clone()));
    report.note("unknown_user_ms", median(samples.unknown.clone()));
    report.remark("difference_percent", found.medians, "of a hash; within 1");
    report.remark("from_percent", found.from, "at least -3");
    report.remark("to_percent", found.to, "at most 3: 95 % of the resamples");
    if found.medians.abs() >= 1.0 {
        report.broken(format!("{:.2} % of a hash between", found.medians));
    }
    if found.from < -3.0 || found.to > 3.0 {
        let (from, to) = (found.from, found.to);
        report.broken(format!(
            "from {from:.2} to {to:.2} %: not shown to be alike"
        ));
    }
    Ok(report)
}

/// Times in milliseconds.
#[derive(Default)]
struct Samples {
    wrong: Vec<f64>,
    unknown: Vec<f64>,
    hashes: Vec<f64>,
}

async fn sample(
    server: &Server,
    settings: &TimingSettings,
    chance: &mut Chance,
) -> Result<Samples> {
    let mut api = Api::new(server.address());
    let body = json!({
        "username": "user-0", "email": "ada@example.com", "password": "correct horse battery",
    });
    let answer = api.post("/auth/register", None, Some(&body)).await;
    answer.doing("registering")?;
    let password = Password::attempt("wrong horse battery")
        .map_err(|_| Failure::Told("the password cannot be".to_owned()))?;
    let (mut scratch, mut samples) = (Scratch::default(), Samples::default());
    for number in 0..settings.samples {
        // Which one comes first is chance, so that whatever one leaves behind meets both.
        let known_first = chance.percent(50);
        for known in [known_first, !known_first] {
            let name = if known { 0 } else { number + 1 };
            let took = refused(&mut api, &format!("user-{name}")).await?;
            if known {
                samples.wrong.push(took);
            } else {
                samples.unknown.push(took);
            }
        }
        if number.is_multiple_of(20) {
            let begun = Instant::now();
            scratch.hash(&password, COST, &Random);
            samples.hashes.push(millis(begun.elapsed()));
        }
    }
    Ok(samples)
}

async fn refused(api: &mut Api, name: &str) -> Result<f64> {
    let body = json!({ "username": name, "password": "wrong horse battery" });
    let begun = Instant::now();
    let answer = api.post("/auth/login", None, Some(&body)).await;
    let took = begun.elapsed();
    match answer.doing("logging in")? {
        answer if answer.text("code") == "invalid_credentials" => Ok(millis(took)),
        answer => Err(Failure::Told(format!("a login: {}", answer.brief()))),
    }
}

/// In percent of a hash.
struct Difference {
    medians: f64,
    from: f64,
    to: f64,
}

/// The difference of the medians in percent of a hash, and where 95 of 100 resamples have it.
fn compare(samples: &Samples, hash: f64, chance: &mut Chance) -> Difference {
    let percent = |wrong, unknown| (median(unknown) - median(wrong)) / hash * 100.0;
    let mut again = |of: &[f64]| -> Vec<f64> {
        (0..of.len())
            .filter_map(|_| chance.pick(of).copied())
            .collect()
    };
    let mut differences: Vec<_> = (0..RESAMPLES)
        .map(|_| {
            let wrong = again(&samples.wrong);
            percent(wrong, again(&samples.unknown))
        })
        .collect();
    differences.sort_by(f64::total_cmp);
    let at = |place: usize| differences.get(place).copied().unwrap_or(f64::NAN);
    Difference {
        medians: percent(samples.wrong.clone(), samples.unknown.clone()),
        from: at(RESAMPLES / 40),
        to: at(RESAMPLES - 1 - RESAMPLES / 40),
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(shift: f64) -> Difference {
        let mut chance = Chance::lane(1, 2);
        let mut noise = || f64::from(u32::try_from(chance.below(1_000)).unwrap_or(0)) / 500.0;
        let wrong: Vec<_> = (0..1_000).map(|_| 13.0 + noise()).collect();
        let unknown: Vec<_> = (0..1_000).map(|_| 13.0 + shift + noise()).collect();
        let samples = Samples {
            wrong,
            unknown,
            hashes: Vec::new(),
        };
        compare(&samples, 13.0, &mut Chance::lane(1, 3))
    }

    #[test]
    fn what_is_alike_is_within_the_bounds_and_what_is_not_is_out() {
        let alike = found(0.0);
        assert!(alike.medians.abs() < 1.0 && alike.from > -3.0 && alike.to < 3.0);
        let other = found(0.5);
        assert!(other.medians > 2.0 && other.to > 3.0 && other.from > 1.0);
    }
}
