//! The `relatch` command: reads its arguments and calls the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    relatch::cli::run()
}
