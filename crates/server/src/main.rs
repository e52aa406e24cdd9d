//! The `relatch` command: reads its arguments and calls the library.

use std::process::ExitCode;

/// A refresh allocates some sixty times: glibc's allocator costs twice as much of it as this one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    relatch::cli::run()
}
