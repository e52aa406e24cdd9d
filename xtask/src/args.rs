//! What was typed, as a value. Pure, so that every answer to a wrong word has a test.

use std::path::PathBuf;

use crate::{failure::Failure, parts, release::Proof};

const BENCHES: &[&str] = &["refresh", "login", "size", "idle", "verify", "dpop", "tls"];
const DRILLS: &[&str] = &[
    "kill",
    "power-cut",
    "backup",
    "keys",
    "revocation",
    "certificate",
    "slow",
    "spraying",
    "timing",
    "fuzz",
    "schemathesis",
    "model",
    "tabs",
    "lost-answers",
    "theft",
];
/// The drills that a browser does.
const BROWSER: &[&str] = &["tabs", "lost-answers", "theft"];
const PROFILES: &[&str] = &["release", "quick"];
const VERBS: &[&str] = &[
    "demo", "test", "gen", "fix", "bench", "drill", "release", "help",
];

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Help,
    Demo,
    Test(Selection),
    Gen {
        check: bool,
    },
    Fix,
    Release(Proof),
    Measure(Measurement),
    Model(Model),
    Fuzz(Fuzz),
    Schemathesis(Measurement),
    /// A drill in a browser.
    Browser(Measurement),
}

/// Which parts of the tests to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// All that protects main.
    All,
    /// The loop before a commit.
    Quick,
    /// One part, by its name.
    Part(&'static str),
}

/// A bench or drill of the program `relatch-bench`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Measurement {
    pub(crate) kind: &'static str,
    pub(crate) name: &'static str,
    pub(crate) profile: &'static str,
    /// Handed on as typed.
    pub(crate) rest: Vec<String>,
}

/// The larger bound of the model of the rotation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) profile: &'static str,
    /// Where to write the result, as typed.
    pub(crate) json: Option<PathBuf>,
}

/// Inputs that are almost right, many of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fuzz {
    pub(crate) profile: &'static str,
    /// How many for each reader.
    pub(crate) runs: u64,
    /// Where to begin; nothing: anywhere.
    pub(crate) seed: Option<u64>,
    /// Where to write the result, as typed.
    pub(crate) json: Option<PathBuf>,
}

/// Reads the words after `cargo xtask`.
///
/// # Errors
/// [`Failure::Usage`] with a sentence that lists what is known.
pub(crate) fn parse(words: &[String]) -> Result<Verb, Failure> {
    let Some((verb, rest)) = words.split_first() else {
        return Ok(Verb::Help);
    };
    match verb.as_str() {
        "help" | "--help" | "-h" => Ok(Verb::Help),
        _ if rest.iter().any(|word| word == "--help" || word == "-h") && !measures(verb) => {
            Ok(Verb::Help)
        }
        "demo" => nothing_more(rest).map(|()| Verb::Demo),
        "test" => test(rest),
        "gen" => generate(rest),
        "fix" => nothing_more(rest).map(|()| Verb::Fix),
        "release" => release(rest),
        "bench" => measurement("bench", BENCHES, rest).map(Verb::Measure),
        "drill" => drill(rest),
        unknown => Err(not_known("verb", unknown, VERBS)),
    }
}

/// Whether the verb hands words on to a program that has a help of its own.
fn measures(verb: &str) -> bool {
    matches!(verb, "bench" | "drill")
}

fn test(words: &[String]) -> Result<Verb, Failure> {
    let Some((name, rest)) = words.split_first() else {
        return Ok(Verb::Test(Selection::All));
    };
    nothing_more(rest)?;
    if name == "quick" {
        return Ok(Verb::Test(Selection::Quick));
    }
    let mut known = parts::names();
    if let Some(part) = known.iter().find(|part| *part == name) {
        return Ok(Verb::Test(Selection::Part(part)));
    }
    known.push("quick");
    Err(not_known("part", name, &known))
}

fn generate(words: &[String]) -> Result<Verb, Failure> {
    match words {
        [] => Ok(Verb::Gen { check: false }),
        [flag] if flag == "--check" => Ok(Verb::Gen { check: true }),
        _ => Err(Failure::Usage("gen takes nothing but --check".to_owned())),
    }
}

fn release(words: &[String]) -> Result<Verb, Failure> {
    match words {
        [] => Ok(Verb::Release(Proof::Twice)),
        [flag] if flag == "--once" => Ok(Verb::Release(Proof::Once)),
        _ => Err(Failure::Usage(
            "release takes nothing but --once".to_owned(),
        )),
    }
}

fn drill(words: &[String]) -> Result<Verb, Failure> {
    let drill = measurement("drill", DRILLS, words)?;
    match drill.name {
        "model" => model(&drill).map(Verb::Model),
        "fuzz" => fuzz(&drill).map(Verb::Fuzz),
        "schemathesis" => Ok(Verb::Schemathesis(drill)),
        name if BROWSER.contains(&name) => Ok(Verb::Browser(drill)),
        _ => Ok(Verb::Measure(drill)),
    }
}

fn fuzz(drill: &Measurement) -> Result<Fuzz, Failure> {
    let mut fuzz = Fuzz {
        profile: drill.profile,
        runs: 10_000_000,
        seed: None,
        json: None,
    };
    let wrong = || {
        let known =
            "drill fuzz takes nothing but --runs N, --seed N, --json FILE and --profile NAME";
        Failure::Usage(known.to_owned())
    };
    for pair in drill.rest.chunks(2) {
        let [flag, value] = pair else {
            return Err(wrong());
        };
        let number = || value.parse().map_err(|_| wrong());
        match flag.as_str() {
            "--runs" => fuzz.runs = number()?,
            "--seed" => fuzz.seed = Some(number()?),
            "--json" => fuzz.json = Some(value.into()),
            _ => return Err(wrong()),
        }
    }
    Ok(fuzz)
}

fn model(drill: &Measurement) -> Result<Model, Failure> {
    let json = match drill.rest.as_slice() {
        [] => None,
        [flag, file] if flag == "--json" => Some(PathBuf::from(file)),
        [word] if word.starts_with("--json=") => word.split_once('=').map(|(_, file)| file.into()),
        _ => {
            return Err(Failure::Usage(
                "drill model takes nothing but --json FILE and --profile NAME".to_owned(),
            ));
        }
    };
    Ok(Model {
        profile: drill.profile,
        json,
    })
}

fn measurement(
    kind: &'static str,
    known: &[&'static str],
    words: &[String],
) -> Result<Measurement, Failure> {
    let Some((name, rest)) = words.split_first() else {
        return Err(Failure::Usage(format!(
            "{kind} which? There are: {}",
            known.join(", ")
        )));
    };
    let name = choose(kind, name, known)?;
    let (profile, rest) = take_profile(rest)?;
    Ok(Measurement {
        kind,
        name,
        profile,
        rest,
    })
}

/// Takes `--profile NAME` or `--profile=NAME` out of the words: it is ours, the rest is the program's.
fn take_profile(words: &[String]) -> Result<(&'static str, Vec<String>), Failure> {
    let mut profile = "release";
    let mut rest = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--profile" {
            profile = choose("profile", words.next().map_or("", String::as_str), PROFILES)?;
        } else if let Some(name) = word.strip_prefix("--profile=") {
            profile = choose("profile", name, PROFILES)?;
        } else {
            rest.push(word.clone());
        }
    }
    Ok((profile, rest))
}

fn choose(kind: &str, name: &str, known: &[&'static str]) -> Result<&'static str, Failure> {
    known
        .iter()
        .find(|known| **known == name)
        .copied()
        .ok_or_else(|| not_known(kind, name, known))
}

fn not_known(kind: &str, name: &str, known: &[&str]) -> Failure {
    Failure::Usage(format!(
        "no {kind} is called `{name}`; there are: {}",
        known.join(", ")
    ))
}

fn nothing_more(words: &[String]) -> Result<(), Failure> {
    match words.first() {
        None => Ok(()),
        Some(word) => Err(Failure::Usage(format!("`{word}` is one word too many"))),
    }
}

#[cfg(test)]
mod tests;
