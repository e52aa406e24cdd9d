//! Data folders: the configuration that drills run with, copies, and SQLite's own check.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;

use crate::failure::{Doing, Querying, Result};
use crate::place::Place;

/// Cheap passwords, for the drills are about storage.
const CHEAP: &str = "\
[password]
memory = \"64KiB\"
passes = 1
allow_weak = true
";

/// The longest window for retries: a replay takes longer than the restart of a machine would.
pub(crate) const PATIENT: &str = "[session]\nretry_window = \"300s\"\n";

/// No syncs at all, to see what that loses.
pub(crate) const WITHOUT_SYNCS: &str = "[store]\nsynchronous = \"off\"\n";

/// Writes the drill's configuration, with `more` sections; the path of it.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn config(place: &Place, more: &[&str]) -> Result<PathBuf> {
    let path = place.folder.join("relatch.toml");
    let text = more.concat() + CHEAP;
    fs::write(&path, text).doing("writing the configuration")?;
    Ok(path)
}

/// `relatch serve` on `data` and any free port.
pub(crate) fn serve(place: &Place, config: &Path, data: &Path) -> Command {
    let mut command = Command::new(&place.server);
    serve_with(&mut command, config, data);
    command
}

/// The same with the server's own log, as it is by default: of one line a request.
pub(crate) fn serve_logging(place: &Place, config: &Path, data: &Path) -> Command {
    let mut command = serve(place, config, data);
    command.env_remove("RELATCH_LOG");
    command
}

/// Adds what follows the binary's name.
pub(crate) fn serve_with(command: &mut Command, config: &Path, data: &Path) {
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(config)
        .arg("--data")
        .arg(data)
        .env("RELATCH_LOG", "warn");
}

/// Copies the files of one folder into a new one.
///
/// # Errors
/// A file cannot be read or written.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).doing(to.display().to_string())?;
    for entry in fs::read_dir(from).doing(from.display().to_string())? {
        let entry = entry.doing("reading a folder")?;
        let path = entry.path();
        if path.is_file() {
            fs::copy(&path, to.join(entry.file_name())).doing(path.display().to_string())?;
        }
    }
    Ok(())
}

/// Runs `PRAGMA integrity_check` on a copy of `data`, for opening a database recovers it. `ok`, or
/// what is wrong.
///
/// # Errors
/// It cannot be copied, or is no database.
pub(crate) fn integrity(data: &Path, scratch: &Path) -> Result<String> {
    copy(data, scratch)?;
    let database = Connection::open(scratch.join("relatch.db")).querying("opening the copy")?;
    let verdict = database.query_row("PRAGMA integrity_check", [], |row| row.get(0));
    drop(database.close());
    fs::remove_dir_all(scratch).doing("removing the copy")?;
    verdict.querying("PRAGMA integrity_check")
}

/// The last line of a log, or nothing.
pub(crate) fn last_line(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().last().unwrap_or_default().to_owned()
}
