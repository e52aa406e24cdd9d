//! Where PostgreSQL's programs are, and as whom they run. What is missing is installed where that can be done.

use std::{
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The folder of `initdb` and its like, of the newest version there is.
pub(crate) fn programs() -> PathBuf {
    find().unwrap_or_else(|| {
        install("postgresql");
        find().expect("the package has initdb")
    })
}

fn find() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let versions = versions.filter_map(|version| version.ok().map(|version| version.path()));
    let version = |path: &PathBuf| -> u32 {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse().ok()).unwrap_or(0)
    };
    versions
        .filter(|path| path.join("bin/initdb").is_file())
        .max_by_key(version)
        .map(|path| path.join("bin"))
}

/// Installs Debian's package, or says how to.
pub(crate) fn install(package: &str) {
    let quiet = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null());
        apt.status().is_ok_and(|status| status.success())
    };
    let installed = is_root()
        && quiet(&["--quiet", "update"])
        && quiet(&[
            "--quiet",
            "--yes",
            "--no-install-recommends",
            "install",
            package,
        ]);
    assert!(
        installed,
        "{package} is missing: `sudo apt-get install {package}`"
    );
}

/// PostgreSQL refuses to run as root.
pub(crate) fn prefix() -> Vec<&'static str> {
    if is_root() {
        vec![
            "setpriv",
            "--reuid=postgres",
            "--regid=postgres",
            "--init-groups",
        ]
    } else {
        Vec::new()
    }
}

/// A program that runs as the user of Debian's package, or as whoever runs the tests.
pub(crate) fn as_postgres(program: &Path) -> Command {
    let mut words = prefix().into_iter();
    let mut command = match words.next() {
        Some(first) => {
            let mut command = Command::new(first);
            command.args(words).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.current_dir("/");
    command
}

/// Lets that user have a folder or file, and others as far as the mode says.
pub(crate) fn give(path: &Path, mode: u32) {
    if is_root() {
        let owner = std::process::Command::new("chown")
            .arg("postgres")
            .arg(path)
            .status();
        assert!(owner.is_ok_and(|status| status.success()), "chown");
    }
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, mode).expect("sets");
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0)
}
