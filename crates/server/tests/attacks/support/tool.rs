//! The binary as an operator calls it.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{Folder, Server};

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// It must have done what it was asked.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        assert_eq!(self.err, "", "{}", self.out);
        self
    }

    /// It must have failed with this code and these words.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, words: &str) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.contains(words), "{self:?}");
        self
    }

    /// The same, and it must have printed nothing else.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, words: &str) -> Self {
        assert_eq!(self.out, "", "{self:?}");
        self.failed(code, words)
    }

    /// What it printed for scripts.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs `relatch` with nothing in its environment, `input` on its standard input.
pub(crate) fn relatch(arguments: &[&str], input: &str) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relatch"));
    relatch_with(command.args(arguments).env_clear(), input)
}

/// The same as somebody else has prepared it.
pub(crate) fn relatch_with(command: &mut Command, input: &str) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may be gone.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

impl Folder {
    /// A command in this folder, on its database, under the configuration of the last start if there was one.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Said {
        let (config, data) = (self.config(), self.data());
        let mut command = Command::new(env!("CARGO_BIN_EXE_relatch"));
        command.args(arguments).arg("--data").arg(&data);
        if config.is_file() {
            command.arg("--config").arg(&config);
        }
        let place = data.parent().unwrap();
        relatch_with(command.current_dir(place).env_clear(), input)
    }

    /// What a command prints for scripts, which must succeed; it may say more to people.
    #[track_caller]
    pub(crate) fn ask(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[arguments, &["--json"]].concat(), "");
        assert_eq!(said.code, 0, "{said:?}");
        said.json()
    }
}

impl Server {
    /// The same beside this server.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.folder.run(arguments, "")
    }

    /// The same, which must succeed.
    #[track_caller]
    pub(crate) fn runs(&self, arguments: &[&str]) -> Said {
        self.run(arguments).done()
    }
}
