//! The browser's client in `clients/browser`: its tests, and the drills that a real browser does against the real server.

use std::{path::PathBuf, process::Command};

use crate::{args::Measurement, failure::Failure, measure, parts::Outcome, shell, tools};

/// Lints, builds and tests it, the last in Chromium against a server of the profile `dev`.
///
/// # Errors
/// When something is missing and can't be installed, or a test fails.
pub(crate) fn test() -> Result<Outcome, Failure> {
    tools::browser()?;
    shell::run(&mut shell::cargo(&[
        "build",
        "--locked",
        "--package",
        "relatch",
    ]))?;
    let mut npm = in_folder("npm");
    shell::run(npm.arg("test").env("SERVER_UNDER_TEST", server("debug")))?;
    Ok(Outcome::Passed)
}

/// Builds server and client, and hands over to the drill.
///
/// # Errors
/// When something is missing or a build fails; the exit code of the drill when it isn't 0.
pub(crate) fn drill(drill: &Measurement) -> Result<(), Failure> {
    tools::browser()?;
    let build = ["build", "--locked", "--package", "relatch", "--profile"];
    shell::run(shell::cargo(&build).arg(drill.profile))?;
    shell::run(in_folder("npm").args(["run", "build"]))?;
    let program = folder().join("drills").join(format!("{}.mjs", drill.name));
    // In the caller's folder, so that the files it names are meant as typed.
    let mut command = Command::new("node");
    command.arg(program).args(&drill.rest);
    measure::hand_over(command.env("SERVER_UNDER_TEST", server(drill.profile)))
}

fn folder() -> PathBuf {
    shell::root().join("clients/browser")
}

fn in_folder(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder());
    command
}

fn server(profile: &str) -> PathBuf {
    shell::built(profile).join("relatch")
}
