//! Building the notes app of `examples/notes-spa`, which no checkout has built, and trying it in a browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::{shell, tools};

/// The example.
pub(crate) fn folder() -> PathBuf {
    shell::root().join("examples/notes-spa")
}

/// Builds the package `relatch` and the app with it; gives the folder that a server serves.
///
/// # Errors
/// When Node or a package is missing and can't be installed, or the app doesn't build.
pub(crate) fn build() -> Result<PathBuf, Failure> {
    tools::node()?;
    for folder in [shell::root().join("clients/browser"), folder()] {
        tools::npm_packages(&folder)?;
        npm(&folder, "build")?;
    }
    Ok(folder().join("dist"))
}

/// Tries the app in Chromium, against the server and the notes API.
///
/// # Errors
/// When something is missing, or a test fails.
pub(crate) fn test() -> Result<(), Failure> {
    tools::chromium()?;
    npm(&folder(), "test")
}

fn npm(folder: &Path, script: &str) -> Result<(), Failure> {
    eprintln!("in {}:", folder.display());
    let mut command = Command::new("npm");
    command.args(["run", "--silent", script]);
    shell::run(command.current_dir(folder))
}
