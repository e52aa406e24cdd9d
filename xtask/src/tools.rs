//! The programs that the verbs need and cargo does not bring: each is installed if missing, after saying so.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

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
    debian(&["strace"], Command::new("strace").arg("-V"))
}

/// Makes sure of PostgreSQL and PgBouncer, which the tests start for themselves.
///
/// # Errors
/// When it is missing and can't be installed from here; says how to.
pub(crate) fn postgres() -> Result<(), Failure> {
    // Debian has `initdb` outside the path, in a folder for each version.
    let find = "ls /usr/lib/postgresql/*/bin/initdb";
    debian(&["postgresql"], Command::new("sh").args(["-c", find]))?;
    let version = &mut Command::new("/usr/sbin/pgbouncer");
    debian(&["pgbouncer"], version.arg("--version"))
}

/// Makes sure of `sslscan`, which looks at what a server speaks.
///
/// # Errors
/// When it is missing and can't be installed from here; says how to.
pub(crate) fn sslscan() -> Result<(), Failure> {
    debian(&["sslscan"], Command::new("sslscan").arg("--version"))
}

/// How long one step of an installation may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// Makes sure of Node.
///
/// # Errors
/// When it is missing and can't be installed from here.
pub(crate) fn node() -> Result<(), Failure> {
    debian(&["nodejs"], Command::new("node").arg("--version"))
}

/// Makes sure of Node, Python and nginx, and of the packages that the example services name.
///
/// # Errors
/// When something is missing and can't be installed from here.
pub(crate) fn languages() -> Result<(), Failure> {
    debian(&["nodejs", "npm"], Command::new("npm").arg("--version"))?;
    let venv = ["-c", "import venv, ensurepip"];
    debian(
        &["python3", "python3-venv"],
        Command::new("python3").args(venv),
    )?;
    debian(&["nginx-light"], Command::new("nginx").arg("-v"))?;
    let examples = shell::root().join("examples");
    let (express, fastapi) = (examples.join("express"), examples.join("fastapi"));
    // Done each time: it is quick where nothing is missing, and mends what is half done.
    let steps: [(&str, &[&str], &Path); 3] = [
        ("npm", &["ci", "--no-fund", "--no-audit"], &express),
        ("python3", &["-m", "venv", ".venv"], &fastapi),
        (
            ".venv/bin/pip",
            &["install", "--quiet", "--requirement", "requirements.txt"],
            &fastapi,
        ),
    ];
    for (program, arguments, folder) in steps {
        eprintln!("in {}:", folder.display());
        // Not by `current_dir` alone: where a relative program is looked for then is up to the system.
        let here = folder.join(program);
        let program = if here.exists() { here } else { program.into() };
        let mut step = Command::new(program);
        let done = shell::succeeds_within(step.args(arguments).current_dir(folder), PATIENCE)?;
        if !done {
            return Err(Failure::Failed(format!(
                "what {} needs could not be installed",
                folder.display()
            )));
        }
    }
    Ok(())
}

/// Installs Debian's packages unless `probe` succeeds.
fn debian(packages: &[&str], probe: &mut Command) -> Result<(), Failure> {
    if shell::succeeds(probe) {
        return Ok(());
    }
    let names = packages.join(" ");
    if !is_root() || !shell::succeeds(Command::new("apt-get").arg("--version")) {
        return Err(Failure::Failed(format!(
            "{names} is missing: `sudo apt-get install {names}`, or your system's packages of that name"
        )));
    }
    eprintln!("{names} is missing: installing Debian's");
    shell::run(apt_get().arg("update"))?;
    let install = ["install", "--yes", "--no-install-recommends"];
    shell::run(apt_get().args(install).args(packages))
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
