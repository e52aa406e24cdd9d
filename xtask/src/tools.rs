//! The programs that the verbs need and cargo does not bring: each is installed if missing, after saying so.

use std::process::Command;

use crate::failure::Failure;
use crate::shell;

/// A subcommand of cargo, from crates.io.
struct Tool {
    subcommand: &'static str,
    pinned: &'static str,
    features: &'static [&'static str],
}

const NEXTEST: Tool = Tool {
    subcommand: "nextest",
    pinned: "cargo-nextest@0.9.143",
    features: &["--no-default-features", "--features", "default-no-update"],
};

const DENY: Tool = Tool {
    subcommand: "deny",
    pinned: "cargo-deny@0.20.2",
    features: &[],
};

/// Makes sure of `cargo nextest`.
///
/// # Errors
/// When it is missing and can't be installed.
pub(crate) fn nextest() -> Result<(), Failure> {
    NEXTEST.ensure()
}

/// Makes sure of `cargo deny`.
///
/// # Errors
/// When it is missing and can't be installed.
pub(crate) fn deny() -> Result<(), Failure> {
    DENY.ensure()
}

/// Makes sure of `strace`, which watches and cuts the writes of a server.
///
/// # Errors
/// When it is missing and can't be installed from here; says how to.
pub(crate) fn strace() -> Result<(), Failure> {
    if shell::succeeds(Command::new("strace").arg("-V")) {
        return Ok(());
    }
    if !is_root() || !shell::succeeds(Command::new("apt-get").arg("--version")) {
        return Err(Failure::Failed(
            "this drill needs strace: `sudo apt-get install strace`, or your system's package of that name".to_owned(),
        ));
    }
    eprintln!("strace is missing: installing Debian's package");
    shell::run(apt_get().arg("update"))?;
    shell::run(apt_get().args(["install", "--yes", "--no-install-recommends", "strace"]))
}

impl Tool {
    fn ensure(&self) -> Result<(), Failure> {
        if shell::succeeds(&mut shell::cargo(&[self.subcommand, "--version"])) {
            return Ok(());
        }
        eprintln!(
            "cargo {} is missing: installing {}",
            self.subcommand, self.pinned
        );
        // Without optimisation: it builds in a third of the time and runs for seconds.
        let install = &["install", "--locked", "--debug", self.pinned];
        shell::run(shell::cargo(install).args(self.features))
    }
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        .arg("--quiet")
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}
