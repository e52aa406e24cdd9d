//! Starting programs: each is shown before it runs, and speaks for itself while it does.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Where cargo puts what it builds with `profile`.
pub(crate) fn built(profile: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| OsString::from("target"));
    root().join(target).join(profile)
}

/// Whether a CI service runs us: it sets `CI`.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false")
}

/// The cargo that runs us, at the root of the workspace.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}

/// Shows the command, runs it and waits for its success.
///
/// # Errors
/// When it can't be started or fails.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    match code(command)? {
        0 => Ok(()),
        code => Err(Failure::Failed(format!(
            "`{}` ended with code {code}",
            shown(command)
        ))),
    }
}

/// Shows the command, runs it and gives its exit code; 255 when a signal ended it.
///
/// # Errors
/// When it can't be started.
pub(crate) fn code(command: &mut Command) -> Result<u8, Failure> {
    eprintln!("$ {}", shown(command));
    let status = command
        .status()
        .map_err(|error| not_started(command, &error))?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX))
}

/// Runs the command unseen; its stderr goes where ours goes.
///
/// # Errors
/// When it can't be started.
pub(crate) fn output(command: &mut Command) -> Result<Output, Failure> {
    command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| not_started(command, &error))
}

/// Whether the command can be started and succeeds, all unseen.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Shows the command and runs it; false when it fails or is not done in `limit`, which ends it.
///
/// # Errors
/// When it can't be started or waited for.
pub(crate) fn succeeds_within(command: &mut Command, limit: Duration) -> Result<bool, Failure> {
    eprintln!("$ {}", shown(command));
    let mut child = command
        .spawn()
        .map_err(|error| not_started(command, &error))?;
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) if start.elapsed() < limit => std::thread::sleep(Duration::from_millis(50)),
            Ok(None) => {
                let ended = child.kill().and_then(|()| child.wait());
                return ended
                    .map(|_| false)
                    .map_err(|error| not_started(command, &error));
            }
            Err(error) => return Err(not_started(command, &error)),
        }
    }
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("`{}` could not be run: {error}", shown(command)))
}

/// The command as one would type it, without the folders of its program.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    words
        .map(|word| quoted(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains([' ', '(', ')', '&', '|', '$']) {
        format!("'{word}'")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/opt/rust/bin/cargo");
        command.args(["nextest", "run", "-E", "not binary(=model)"]);
        assert_eq!(shown(&command), "cargo nextest run -E 'not binary(=model)'");
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended() {
        let done = succeeds_within(Command::new("sleep").arg("30"), Duration::from_millis(100));
        assert_eq!(done, Ok(false));
    }
}
