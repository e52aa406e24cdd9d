//! What protects main, as one table: a name, why it is there, and what it runs.

use crate::browser;
use crate::deny;
use crate::failure::Failure;
use crate::shell::{cargo, run};
use crate::suites::{self, ATTACKS, GUIDES, LANGUAGES, MODEL, README};
use crate::{reference, spa, tools};

/// A part of the tests that can be run alone.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) checks: &'static str,
    pub(crate) run: fn() -> Result<Outcome, Failure>,
}

/// How a part that did not fail went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// Passed, except for what could not be looked at.
    PassedBut(&'static str),
}

/// All of them, in the order in which they run: what fails soonest first.
pub(crate) const ALL: &[Part] = &[
    Part {
        name: "fmt",
        checks: "the code is formatted",
        run: fmt,
    },
    Part {
        name: "clippy",
        checks: "no warning from rustc or clippy",
        run: clippy,
    },
    Part {
        name: "generated",
        checks: "docs/configuration.md, errors.md and openapi.json are what the server says",
        run: generated,
    },
    Part {
        name: "unit",
        checks: "every test that is in no other part, and those in the documentation",
        run: unit,
    },
    Part {
        name: "model",
        checks: "every schedule of the rotation, within a small bound",
        run: model,
    },
    Part {
        name: "attacks",
        checks: "attacks on the real binary",
        run: attacks,
    },
    Part {
        name: "guides",
        checks: "every command in the README and docs/, typed",
        run: guides,
    },
    Part {
        name: "languages",
        checks: "the example services, in Rust, JavaScript and Python, and behind nginx",
        run: languages,
    },
    Part {
        name: "browser",
        checks: "the browser's client: schedules, the real server, Chromium, size, types, package",
        run: browser::test,
    },
    Part {
        name: "spa",
        checks: "the notes app in Chromium, against the server and the notes API",
        run: notes_app,
    },
    Part {
        name: "deny",
        checks: "licences, sources, banned crates, advisories",
        run: deny::run,
    },
    Part {
        name: "docs",
        checks: "the documentation builds without a warning",
        run: docs,
    },
    Part {
        name: "readme",
        checks: "the README's first command, on a release build",
        run: readme,
    },
];

/// The loop before a commit.
pub(crate) const QUICK: &[Part] = &[
    Part {
        name: "fmt",
        checks: "the code is formatted",
        run: fmt,
    },
    Part {
        name: "clippy",
        checks: "no warning in the server",
        run: clippy_of_the_server,
    },
    Part {
        name: "unit",
        checks: "every test that is in no other part",
        run: unit_alone,
    },
];

/// The names of the parts.
pub(crate) fn names() -> Vec<&'static str> {
    ALL.iter().map(|part| part.name).collect()
}

fn fmt() -> Result<Outcome, Failure> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    Ok(Outcome::Passed)
}

fn clippy() -> Result<Outcome, Failure> {
    clippy_of(&["--workspace"])
}

fn clippy_of_the_server() -> Result<Outcome, Failure> {
    clippy_of(&[])
}

fn clippy_of(packages: &[&str]) -> Result<Outcome, Failure> {
    let rest = ["--all-targets", "--locked", "--", "-D", "warnings"];
    run(cargo(&["clippy"]).args(packages).args(rest))?;
    Ok(Outcome::Passed)
}

fn generated() -> Result<Outcome, Failure> {
    reference::check()?;
    Ok(Outcome::Passed)
}

fn unit() -> Result<Outcome, Failure> {
    unit_alone()?;
    run(&mut cargo(&["test", "--doc", "--workspace", "--locked"]))?;
    Ok(Outcome::Passed)
}

fn unit_alone() -> Result<Outcome, Failure> {
    tools::nextest()?;
    tools::postgres()?;
    suites::run_the_rest()?;
    Ok(Outcome::Passed)
}

fn model() -> Result<Outcome, Failure> {
    tools::nextest()?;
    // Shown as it comes, since the number of states is the result.
    MODEL.run(&["--no-capture"])?;
    Ok(Outcome::Passed)
}

fn attacks() -> Result<Outcome, Failure> {
    tools::nextest()?;
    tools::postgres()?;
    tools::sslscan()?;
    ATTACKS.run(&[])?;
    Ok(Outcome::Passed)
}

fn guides() -> Result<Outcome, Failure> {
    tools::nextest()?;
    tools::node()?;
    let program = ["build", "--locked", "--package", "notes-cli"];
    run(&mut cargo(&program))?;
    GUIDES.run(&[])?;
    Ok(Outcome::Passed)
}

fn languages() -> Result<Outcome, Failure> {
    tools::nextest()?;
    tools::languages()?;
    run(&mut cargo(&["build", "--locked", "--package", "notes"]))?;
    LANGUAGES.run(&[])?;
    Ok(Outcome::Passed)
}

fn notes_app() -> Result<Outcome, Failure> {
    spa::build()?;
    let packages = ["--package", "relatch", "--package", "notes"];
    run(cargo(&["build", "--locked"]).args(packages))?;
    spa::test()?;
    Ok(Outcome::Passed)
}

fn docs() -> Result<Outcome, Failure> {
    let mut doc = cargo(&["doc", "--no-deps", "--workspace", "--locked"]);
    run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Outcome::Passed)
}

fn readme() -> Result<Outcome, Failure> {
    tools::nextest()?;
    run(&mut cargo(&["build", "--release", "--locked"]))?;
    README.run(&[])?;
    Ok(Outcome::Passed)
}
