//! The binary in a process of its own, in a temporary folder, killed when it is dropped.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::pause;

const LONGEST_START: Duration = Duration::from_secs(20);

/// Hashing that costs nothing and a disk that nobody waits for: most attacks are on neither.
const QUICK: [(&str, &str); 6] = [
    ("password.memory", "64KiB"),
    ("password.passes", "1"),
    ("password.allow_weak", "true"),
    ("store.synchronous", "off"),
    ("server.listen", "127.0.0.1:0"),
    ("issuer.url", "http://relatch.test"),
];

/// The place of a server: its configuration, its data and what it printed.
pub(crate) struct Folder(TempDir);

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) folder: Folder,
}

/// A server that did not start.
pub(crate) struct Refusal {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(crate) fn master_key(&self) -> PathBuf {
        self.data().join("master.key")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.data().join("relatch.db")
    }

    /// The configuration of the last start.
    pub(crate) fn config(&self) -> PathBuf {
        self.0.path().join("relatch.toml")
    }

    fn output(&self) -> PathBuf {
        self.0.path().join("stdout")
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("stderr")
    }

    /// All that the server said so far, on both outputs.
    pub(crate) fn said(&self) -> String {
        read(&self.output()) + &read(&self.log())
    }

    /// Its log alone.
    pub(crate) fn logged(&self) -> String {
        read(&self.log())
    }

    /// A file beside the configuration.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Starts a server here, with `settings` over the quick ones.
    pub(crate) fn start(self, settings: &[(&str, &str)]) -> Server {
        self.start_logging("info", settings)
    }

    /// The same with another filter for its log.
    pub(crate) fn start_logging(self, filter: &str, settings: &[(&str, &str)]) -> Server {
        let mut child = self.spawn(filter, settings);
        let address = self
            .wait_for_address(&mut child)
            .unwrap_or_else(|| panic!("the server did not start:\n{}", self.said()));
        Server {
            child,
            address,
            folder: self,
        }
    }

    /// Starts a server that must refuse to serve.
    pub(crate) fn refuses(&self, settings: &[(&str, &str)]) -> Refusal {
        let mut child = self.spawn("info", settings);
        let address = self.wait_for_address(&mut child);
        if address.is_some() {
            let _ = child.kill();
        }
        let status = child.wait().unwrap();
        assert_eq!(address, None, "the server started:\n{}", self.said());
        Refusal {
            code: status.code(),
            said: self.said(),
        }
    }

    /// The same by a script, which ends with `exec "$0" "$@"`.
    pub(crate) fn start_by(self, script: &str, settings: &[(&str, &str)]) -> Server {
        let mut shell = Command::new("bash");
        shell.args(["-c", script]);
        shell.arg(env!("CARGO_BIN_EXE_relatch"));
        let mut child = self.spawn_by(shell, "info", settings);
        let address = self.wait_for_address(&mut child);
        Server {
            child,
            address: address.unwrap_or_else(|| panic!("no start:\n{}", self.said())),
            folder: self,
        }
    }

    fn spawn(&self, filter: &str, settings: &[(&str, &str)]) -> Child {
        self.spawn_by(
            Command::new(env!("CARGO_BIN_EXE_relatch")),
            filter,
            settings,
        )
    }

    fn spawn_by(&self, mut command: Command, filter: &str, settings: &[(&str, &str)]) -> Child {
        let config = self.config();
        std::fs::write(&config, toml(settings)).unwrap();
        command
            .arg("serve")
            .arg("--config")
            .arg(config)
            .arg("--data")
            .arg(self.data())
            .current_dir(self.0.path())
            .env_clear()
            .env("RELATCH_LOG", filter)
            .stdin(std::process::Stdio::null())
            .stdout(File::create(self.output()).unwrap())
            .stderr(File::create(self.log()).unwrap())
            .spawn()
            .unwrap()
    }

    /// The address that the server prints; nothing if it ended instead.
    fn wait_for_address(&self, child: &mut Child) -> Option<SocketAddr> {
        let begin = Instant::now();
        while begin.elapsed() < LONGEST_START {
            let ended = child.try_wait().unwrap().is_some();
            let output = read(&self.output());
            let line = output
                .lines()
                .find_map(|line| line.strip_prefix("listening on "))
                .and_then(|url| url.split_once("://"))
                .map(|(_, address)| address);
            if let (Some(address), true) = (line, output.contains('\n')) {
                return Some(address.parse().unwrap());
            }
            if ended {
                return None;
            }
            pause(5);
        }
        let _ = child.kill();
        None
    }
}

impl Server {
    /// A server with a fresh folder.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        Folder::new().start(settings)
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens for plain HTTP to be led away.
    pub(crate) fn redirect_address(&self) -> SocketAddr {
        let said = self.folder.said();
        let line = said.lines().find_map(|line| {
            let line = line.strip_prefix("leading plain HTTP on http://")?;
            line.strip_suffix(" there")
        });
        line.expect("it says so").parse().unwrap()
    }

    /// The process ends at once, as in a crash; its folder is what is left.
    pub(crate) fn crash(mut self) -> Folder {
        // It may be gone already.
        let _ = self.child.kill();
        self.child.wait().unwrap();
        self.take_folder()
    }

    /// Tells it to stop, and gives its folder once it has.
    pub(crate) fn stop(mut self) -> Folder {
        self.terminate();
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "{}", self.folder.said());
        self.take_folder()
    }

    /// Tells it to stop.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let (signal, process) = (format!("-{name}"), self.child.id().to_string());
        let sent = Command::new("kill").args([&signal, &process]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end, for twenty seconds.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let begin = Instant::now();
        while begin.elapsed() < LONGEST_START {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            pause(5);
        }
        panic!("the server did not stop:\n{}", self.folder.said());
    }

    /// The folder of one that has stopped.
    pub(crate) fn into_folder(mut self) -> Folder {
        self.take_folder()
    }

    fn take_folder(&mut self) -> Folder {
        std::mem::replace(&mut self.folder, Folder::new())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn toml(settings: &[(&str, &str)]) -> String {
    let all: BTreeMap<_, _> = QUICK.into_iter().chain(settings.iter().copied()).collect();
    all.iter().fold(String::new(), |mut text, (key, value)| {
        writeln!(text, "{key} = {value:?}").unwrap();
        text
    })
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}
