//! The verb `demo`: the notes app of `examples/notes-spa` and all that it needs, from one command. It starts the server and the
//! notes API as a reader would, and ends with them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::shell::{self, cargo, run};
use crate::spa;

/// Where the app is: `notes` listens there, and `relatch.toml` lets its pages log in.
const ADDRESS: &str = "http://127.0.0.1:3000";

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Builds everything, starts it, and stays until one of the two ends.
///
/// # Errors
/// When something can't be built or started, or ends.
pub(crate) fn start() -> Result<(), Failure> {
    let app = spa::build()?;
    run(&mut cargo(&[
        "build",
        "--locked",
        "--package",
        "relatch",
        "--package",
        "notes",
    ]))?;
    let folder = shell::built("demo");
    std::fs::create_dir_all(&folder).map_err(|error| Failure::Failed(error.to_string()))?;
    let mut running = Running::default();
    running.start(
        &mut server(&folder),
        "listening on ",
        folder.join("relatch.log"),
    )?;
    run(&mut relatch(&folder, &["role", "put", "writer", "notes:*"]))?;
    running.start(
        &mut notes(&folder, &app),
        "Notes are at ",
        folder.join("notes.log"),
    )?;
    println!(
        "\nThe notes app is at {ADDRESS}\n\nIts accounts, notes and logs are kept in {}; Ctrl-C ends it.",
        folder.display()
    );
    Err(running.wait())
}

fn relatch(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(shell::built("debug").join("relatch"));
    command
        .args(arguments)
        .env("RELATCH_SERVER_DATA_DIR", folder);
    command
}

fn server(folder: &Path) -> Command {
    let mut command = relatch(folder, &["serve", "--config"]);
    command.arg(spa::folder().join("relatch.toml"));
    command
}

fn notes(folder: &Path, app: &Path) -> Command {
    let mut command = Command::new(shell::built("debug").join("notes"));
    command
        .arg("--file")
        .arg(folder.join("notes.db"))
        .arg("--app")
        .arg(app);
    command
}

/// What was started; it ends with this.
#[derive(Default)]
struct Running(Vec<(Child, PathBuf)>);

impl Running {
    /// Starts a program, which speaks into a log, and waits until it says that it is ready.
    fn start(&mut self, command: &mut Command, ready: &str, log: PathBuf) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("{}: {error}", log.display()));
        let file = File::create(&log).map_err(failed)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().map_err(failed)?)
            .stderr(file)
            .spawn()
            .map_err(failed)?;
        self.0.push((child, log.clone()));
        let begin = Instant::now();
        while !std::fs::read_to_string(&log).is_ok_and(|said| said.contains(ready)) {
            if self.ended().is_some() || begin.elapsed() > PATIENCE {
                return Err(said(&log));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The log of one that has ended.
    fn ended(&mut self) -> Option<PathBuf> {
        let mut ended = self.0.iter_mut().filter_map(|(child, log)| {
            let runs = matches!(child.try_wait(), Ok(None));
            (!runs).then(|| log.clone())
        });
        ended.next()
    }

    fn wait(&mut self) -> Failure {
        loop {
            if let Some(log) = self.ended() {
                return said(&log);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for (child, _) in &mut self.0 {
            // It may be gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The end of what a program said before it ended.
fn said(log: &Path) -> Failure {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(10)..).unwrap_or(&[]);
    Failure::Failed(format!(
        "it does not run; {} says:\n{}",
        log.display(),
        last.join("\n")
    ))
}
