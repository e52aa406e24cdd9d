//! The programs that the verbs need and cargo does not bring: each is installed if missing, after saying so.

use std::path::{Path, PathBuf};
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

/// Makes sure of Node and its npm.
///
/// # Errors
/// When they are missing and can't be installed from here.
pub(crate) fn node() -> Result<(), Failure> {
    debian(&["nodejs", "npm"], Command::new("npm").arg("--version"))
}

/// Makes sure of Chromium.
///
/// # Errors
/// When it is missing and can't be installed from here.
pub(crate) fn chromium() -> Result<(), Failure> {
    debian(&["chromium"], Command::new("chromium").arg("--version"))
}

/// Installs what a folder's `package-lock.json` names, unless that was done since it changed.
///
/// # Errors
/// When it can't be installed.
pub(crate) fn npm_packages(folder: &Path) -> Result<(), Failure> {
    let changed =
        |name: &str| std::fs::metadata(folder.join(name)).and_then(|file| file.modified());
    // npm writes the second one when it is done.
    let done = changed("node_modules/.package-lock.json");
    if let (Ok(named), Ok(done)) = (changed("package-lock.json"), done)
        && named <= done
    {
        return Ok(());
    }
    eprintln!("in {}:", folder.display());
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-fund", "--no-audit"]);
    if shell::succeeds_within(npm.current_dir(folder), PATIENCE)? {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "what {} needs could not be installed",
        folder.display()
    )))
}

/// How long one step of an installation may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// Makes sure of Node, Python and nginx, and of the packages that the example services name.
///
/// # Errors
/// When something is missing and can't be installed from here.
pub(crate) fn languages() -> Result<(), Failure> {
    node()?;
    let venv = ["-c", "import venv, ensurepip"];
    debian(
        &["python3", "python3-venv"],
        Command::new("python3").args(venv),
    )?;
    debian(&["nginx-light"], Command::new("nginx").arg("-v"))?;
    let examples = shell::root().join("examples");
    let (express, fastapi) = (examples.join("express"), examples.join("fastapi"));
    // Done each time: it is quick where nothing is missing, and mends what is half done.
    npm_packages(&express)?;
    let steps: [(&str, &[&str], &Path); 2] = [
        ("python3", &["-m", "venv", ".venv"], &fastapi),
        (
            ".venv/bin/pip",
            &["install", "--quiet", "--requirement", "requirements.txt"],
            &fastapi,
        ),
    ];
    steps
        .iter()
        .try_for_each(|(program, arguments, folder)| install(program, arguments, folder))
}

/// Runs one step of an installation in its folder, after saying so.
fn install(program: &str, arguments: &[&str], folder: &Path) -> Result<(), Failure> {
    eprintln!("in {}:", folder.display());
    // Not by `current_dir` alone: where a relative program is looked for then is up to the system.
    let here = folder.join(program);
    let program = if here.exists() { here } else { program.into() };
    let mut step = Command::new(program);
    if shell::succeeds_within(step.args(arguments).current_dir(folder), PATIENCE)? {
        Ok(())
    } else {
        Err(Failure::Failed(format!(
            "what {} needs could not be installed",
            folder.display()
        )))
    }
}

/// Makes sure of Node, Chromium and what the browser's client is built and tested with.
///
/// # Errors
/// When something is missing and can't be installed from here.
pub(crate) fn browser() -> Result<(), Failure> {
    node()?;
    chromium()?;
    npm_packages(&shell::root().join("clients/browser"))
}

/// Makes sure of Schemathesis, in an environment of its own; its Python.
///
/// # Errors
/// When something is missing and can't be installed from here.
pub(crate) fn schemathesis() -> Result<PathBuf, Failure> {
    let venv = ["-c", "import venv, ensurepip"];
    debian(
        &["python3", "python3-venv"],
        Command::new("python3").args(venv),
    )?;
    let folder = shell::root().join("xtask/schemathesis");
    install("python3", &["-m", "venv", ".venv"], &folder)?;
    let pinned = &["install", "--quiet", "schemathesis==4.32.5"];
    install(".venv/bin/pip", pinned, &folder)?;
    Ok(folder.join(".venv/bin/python"))
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
