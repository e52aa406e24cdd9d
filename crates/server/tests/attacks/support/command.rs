//! Other commands of the binary, on a server's folder.

use std::process::Command;

use serde_json::Value;

use super::Folder;

/// What a command did.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) said: String,
}

impl Folder {
    /// Runs `relatch ARGUMENTS` with the server's configuration.
    pub(crate) fn command(&self, arguments: &[&str]) -> Done {
        let done = Command::new(env!("CARGO_BIN_EXE_relatch"))
            .args(arguments)
            .arg("--config")
            .arg(self.config())
            .arg("--data")
            .arg(self.data())
            .env_clear()
            .output()
            .unwrap();
        Done {
            code: done.status.code(),
            output: String::from_utf8(done.stdout).unwrap(),
            said: String::from_utf8(done.stderr).unwrap(),
        }
    }

    /// The same where it must succeed: what it prints with `--json`.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Value {
        let done = self.command(&[arguments, &["--json"]].concat());
        assert_eq!(done.code, Some(0), "{}", done.said);
        serde_json::from_str(&done.output).unwrap()
    }
}
