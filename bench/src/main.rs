//! `relatch-bench`: measurements and drills of Relatch that a reader can repeat. It knows the server
//! only from outside: as a process, over HTTP on 127.0.0.1, and by the files it leaves behind.

mod api;
mod bare;
mod carrier;
mod chance;
mod cli;
mod cpu;
mod drill;
mod failure;
mod load;
mod measure;
mod place;
mod report;
mod server;
mod trace;
mod wire;

use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("relatch-bench: {failure}");
            let mut cause = failure.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}
