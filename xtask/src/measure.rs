//! The verbs `bench` and `drill`: build for release, then hand over to what measures.

use std::path::PathBuf;
use std::process::Command;

use crate::args::{Fuzz, Measurement, Model};
use crate::failure::Failure;
use crate::{shell, suites, tools};

/// Builds the server and `relatch-bench`, and runs the one against the other.
///
/// # Errors
/// When the build fails; the exit code of `relatch-bench` when it isn't 0.
pub(crate) fn run(measurement: &Measurement) -> Result<(), Failure> {
    if measurement.name == "power-cut" {
        tools::strace()?;
    }
    let profile = measurement.profile;
    shell::run(&mut shell::cargo(&[
        "build",
        "--locked",
        "--profile",
        profile,
        "--package",
        "relatch",
        "--package",
        "relatch-bench",
    ]))?;
    // In the caller's folder, so that the files it names are meant as typed.
    let mut command = Command::new(shell::built(profile).join("relatch-bench"));
    command
        .args([measurement.kind, measurement.name, "--server"])
        .arg(server(profile));
    hand_over(command.args(&measurement.rest))
}

/// Runs the larger bound of the model: its tests that are marked as ignored.
///
/// # Errors
/// When the build or the model fails, or the file can't be named.
pub(crate) fn model(model: &Model) -> Result<(), Failure> {
    let name = suites::MODEL.name;
    let mut command = shell::cargo(&["test", "--locked", "--profile", model.profile]);
    command.args([
        "--package",
        "relatch-core",
        "--test",
        name,
        "--",
        "--ignored",
        "--nocapture",
    ]);
    if let Some(file) = &model.json {
        // Tests run in the folder of their package.
        let file = std::path::absolute(file)
            .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
        command.env("RELATCH_MODEL_JSON", file);
    }
    hand_over(&mut command)
}

/// Runs the tests whose names begin with `fuzz`, with many inputs each and every check that a build can have.
///
/// # Errors
/// When the build fails, an input breaks a reader, or the file can't be written.
pub(crate) fn fuzz(fuzz: &Fuzz) -> Result<(), Failure> {
    let profile = fuzz.profile;
    let seed = fuzz.seed.unwrap_or_else(any_seed);
    let mut command = shell::cargo(&["test", "--locked", "--profile", profile]);
    for check in ["overflow-checks", "debug-assertions"] {
        command
            .arg("--config")
            .arg(format!("profile.{profile}.{check}=true"));
    }
    for package in ["relatch-verify", "relatch-core", "relatch"] {
        command.args(["--package", package]);
    }
    command.args(["--lib", "--test", "it", "fuzz_", "--", "--nocapture"]);
    command.env("RELATCH_FUZZ_RUNS", fuzz.runs.to_string());
    command.env("RELATCH_FUZZ_SEED", seed.to_string());
    hand_over(&mut command)?;
    let Some(file) = &fuzz.json else {
        return Ok(());
    };
    let result = format!(
        "{{\"runs\": {}, \"seed\": {seed}, \"findings\": 0}}\n",
        fuzz.runs
    );
    std::fs::write(file, result)
        .map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))
}

/// Lets Schemathesis at a server that has an empty database.
///
/// # Errors
/// When something is missing and can't be installed, or the build fails; the exit code of the drill when it isn't 0.
pub(crate) fn schemathesis(drill: &Measurement) -> Result<(), Failure> {
    let python = tools::schemathesis()?;
    let build = ["build", "--locked", "--package", "relatch", "--profile"];
    shell::run(shell::cargo(&build).arg(drill.profile))?;
    let mut command = Command::new(python);
    command
        .arg(shell::root().join("xtask/schemathesis/run.py"))
        .arg("--server")
        .arg(shell::built(drill.profile).join("relatch"))
        .args(&drill.rest);
    hand_over(&mut command)
}

fn any_seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    RandomState::new().build_hasher().finish() % 1_000_000
}

/// Runs a program whose exit code is ours.
///
/// # Errors
/// When it can't be started; the exit code when it isn't 0.
pub(crate) fn hand_over(command: &mut Command) -> Result<(), Failure> {
    match shell::code(command)? {
        0 => Ok(()),
        code => Err(Failure::Exit(code)),
    }
}

/// The server's path, relative where it can be: a result names it, and should read the same everywhere.
fn server(profile: &str) -> PathBuf {
    let server = shell::built(profile).join("relatch");
    let here = std::env::current_dir().unwrap_or_default();
    server
        .strip_prefix(here)
        .map_or(server.clone(), PathBuf::from)
}
