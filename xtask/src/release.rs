//! The verb `release`: the binary, built twice in different folders to see that it comes out the same; what is in it; the unit for
//! systemd; and the sums of all of these.

mod parts_list;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::shell;

/// Whether the build is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Built twice, and compared.
    Twice,
    /// Built once: whether anybody else gets the same is not known.
    Once,
}

/// Builds what is committed, and lays all of it into `target/dist`.
///
/// # Errors
/// When something cannot be built or written, or two builds differ.
pub(crate) fn run(proof: Proof) -> Result<(), Failure> {
    let root = shell::root();
    let place = root.join("target/release-check");
    let dist = root.join("target/dist");
    for folder in [&place, &dist] {
        remake(folder)?;
    }
    let commit = Commit::newest()?;
    let first = build(&place.join("one"), &commit)?;
    if proof == Proof::Twice {
        let second = build(&place.join("another/and/a/longer/one"), &commit)?;
        let (one, other) = (read(&first)?, read(&second)?);
        if one != other {
            return Err(Failure::Failed(format!(
                "two builds of {} differ: compare {} and {}",
                commit.name,
                first.display(),
                second.display()
            )));
        }
        println!("two builds in different folders are the same");
    }
    copy(&first, &dist.join("relatch"))?;
    copy(
        &root.join("dist/relatch.service"),
        &dist.join("relatch.service"),
    )?;
    let list = parts_list::of(&place.join("one"))?;
    write(&dist.join("relatch.cdx.json"), &list)?;
    let sums = sums(&dist)?;
    write(&dist.join("SHA256SUMS"), &sums)?;
    print!("{}: {}\n{sums}", commit.name, dist.display());
    Ok(())
}

/// What is built.
struct Commit {
    name: String,
    /// In seconds since 1970: what C compilers take for the time of the build.
    time: String,
}

impl Commit {
    fn newest() -> Result<Self, Failure> {
        if !said(git().args(["status", "--porcelain"]))?.is_empty() {
            eprintln!("what is not committed is left out");
        }
        let name = said(git().args(["describe", "--always", "--tags"]))?;
        let time = said(git().args(["log", "-1", "--format=%ct"]))?;
        Ok(Self { name, time })
    }
}

/// Builds the commit in a folder of its own, from which nothing gets into the binary; where that is.
fn build(folder: &Path, commit: &Commit) -> Result<PathBuf, Failure> {
    remake(folder)?;
    let archive = folder.with_extension("tar");
    let (archive_name, folder_name) = (archive.display().to_string(), folder.display().to_string());
    let output = format!("--output={archive_name}");
    shell::run(git().args(["archive", "--format=tar", &output, "HEAD"]))?;
    shell::run(Command::new("tar").args(["-xf", &archive_name, "-C", &folder_name]))?;
    let folders = [(folder_name, "/relatch"), (cargo_home()?, "/cargo")];
    let maps = |option: &str| {
        let maps = folders
            .iter()
            .map(|(from, to)| format!("{option}={from}={to}"));
        maps.collect::<Vec<_>>().join(" ")
    };
    let mut cargo = shell::cargo(&["build", "--release", "--locked", "--package", "relatch"]);
    cargo
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("RUSTFLAGS", maps("--remap-path-prefix"))
        .env("CFLAGS", maps("-ffile-prefix-map"))
        .env("SOURCE_DATE_EPOCH", &commit.time);
    shell::run(&mut cargo)?;
    Ok(folder.join("target/release/relatch"))
}

fn cargo_home() -> Result<String, Failure> {
    let set = |name| std::env::var_os(name).map(PathBuf::from);
    let home = set("CARGO_HOME").or_else(|| Some(set("HOME")?.join(".cargo")));
    home.map(|home| home.display().to_string())
        .ok_or_else(|| Failure::Failed("neither CARGO_HOME nor HOME is set".to_owned()))
}

/// By the program that will check them.
fn sums(dist: &Path) -> Result<String, Failure> {
    let files = ["relatch", "relatch.cdx.json", "relatch.service"];
    let mut sums = said(Command::new("sha256sum").args(files).current_dir(dist))?;
    sums.push('\n');
    Ok(sums)
}

fn git() -> Command {
    let mut git = Command::new("git");
    git.current_dir(shell::root());
    git
}

/// What a command prints, which must succeed.
fn said(command: &mut Command) -> Result<String, Failure> {
    let output = shell::output(command)?;
    if !output.status.success() {
        return Err(Failure::Failed(format!("{command:?} failed")));
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}

fn remake(folder: &Path) -> Result<(), Failure> {
    let gone = match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    done(gone.and_then(|()| fs::create_dir_all(folder)), folder)
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    done(fs::copy(from, to).map(drop), to)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    done(fs::write(path, text), path)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    done(fs::read(path), path)
}

fn done<T>(result: std::io::Result<T>, path: &Path) -> Result<T, Failure> {
    result.map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))
}
