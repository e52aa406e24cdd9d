//! How a verb ends when it does not end well, and the exit code of each way.

use std::process::ExitCode;

/// Why a verb stopped.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// What was typed makes no sense; exit code 2.
    Usage(String),
    /// Something that was run, read or written failed; exit code 1.
    Failed(String),
    /// A program of the project's own has said why; its exit code is handed on.
    Exit(u8),
}

impl Failure {
    /// Says why, as the last line, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Usage(why) => {
                eprintln!("error: {why}");
                ExitCode::from(2)
            }
            Self::Failed(why) => {
                eprintln!("error: {why}");
                ExitCode::FAILURE
            }
            Self::Exit(code) => ExitCode::from(code),
        }
    }
}
