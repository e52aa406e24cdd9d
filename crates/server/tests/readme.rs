//! The README's first command, and what the server prints then to be pasted; the guides type the rest.
//!
//! The server is started with a folder and a port of its own, so that it disturbs nobody.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

const SERVE: &str = "cargo run --release -- serve";
const TEST: &str = "cargo xtask test";

/// A release build takes minutes where nothing is built yet.
const LONGEST_START: Duration = Duration::from_mins(20);

#[test]
fn the_first_command_of_the_readme_starts_a_server_whose_welcome_works() {
    let readme = readme();
    for command in [SERVE, TEST] {
        let block = format!("\n```sh\n{command}\n```\n");
        assert!(
            readme.contains(&block),
            "README.md has no block ```sh that is just `{command}`"
        );
    }
    let server = Server::start();
    let welcome = type_in(&server.welcome());
    let username = welcome[0]["user"]["username"].as_str();
    assert!(username.is_some_and(|name| name.starts_with("ada")));
    assert_eq!(welcome[1]["username"].as_str(), username);
    assert!(is_text(&welcome[2]["refresh_token"]) && welcome.len() == 3);
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

fn readme() -> String {
    let path = root().join("README.md");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
}

/// Runs lines in one shell, in which a curl that gets an error is an error; gives the JSON that they printed.
fn type_in(lines: &str) -> Vec<Value> {
    let script =
        format!("set -euo pipefail\ncurl() {{ command curl --fail-with-body \"$@\"; }}\n{lines}");
    let done = Command::new("bash")
        .args(["-c", &script])
        .env("no_proxy", "127.0.0.1")
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .expect("bash runs");
    let (said, complaint) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert!(
        done.status.success(),
        "{lines}\nfailed:\n{said}\n{complaint}"
    );
    let values = serde_json::Deserializer::from_str(&said).into_iter();
    values
        .map(|value| value.unwrap_or_else(|error| panic!("{error} in {said}")))
        .collect()
}

/// A server started as the README says.
struct Server {
    child: Child,
    folder: TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        // `exec`, and cargo does the same: the child is the server itself, and dropping it leaves nothing behind.
        let child = Command::new("bash")
            .args(["-c", &format!("exec {SERVE}")])
            .current_dir(root())
            .env("RELATCH_SERVER_DATA_DIR", folder.path().join("data"))
            .env("RELATCH_SERVER_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(File::create(folder.path().join("stdout")).unwrap())
            .stderr(File::create(folder.path().join("stderr")).unwrap())
            .spawn()
            .expect("bash runs");
        let mut server = Self { child, folder };
        server.wait_for_welcome();
        server
    }

    fn wait_for_welcome(&mut self) {
        let begin = Instant::now();
        while begin.elapsed() < LONGEST_START {
            // The last of the printed lines.
            if self.said("stdout").contains("/auth/refresh") {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            assert_eq!(ended, None, "`{SERVE}` ended:\n{}", self.said("stderr"));
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("`{SERVE}` does not listen:\n{}", self.said("stderr"))
    }

    fn said(&self, output: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(output)).unwrap_or_default()
    }

    /// The lines that it prints to be pasted.
    fn welcome(&self) -> String {
        let said = self.said("stdout");
        let lines = said
            .lines()
            .skip_while(|line| !line.trim_start().starts_with("TOKENS="));
        lines.fold(String::new(), |text, line| text + line + "\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
