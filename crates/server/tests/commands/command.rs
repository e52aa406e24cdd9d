//! Runs commands of the binary.

use std::process::Command;

use serde_json::Value;

use crate::support::Folder;

/// How a command went.
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Outcome {
    /// Its one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.value()
    }

    /// The same of a command that answers no.
    #[track_caller]
    pub(crate) fn value(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }

    /// It did nothing, and says why.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, why: &str) {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert!(self.err.contains(why), "{}", self.err);
        assert_eq!(self.out, "");
    }
}

impl Folder {
    /// `relatch …` with this folder's data.
    pub(crate) fn relatch(&self, words: &[&str]) -> Outcome {
        let output = Command::new(env!("CARGO_BIN_EXE_relatch"))
            .args(words)
            .arg("--data")
            .arg(self.data())
            .current_dir(self.data().parent().unwrap())
            .env_clear()
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Outcome {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}
