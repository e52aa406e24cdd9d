//! The `relatch` command: reads its arguments and calls the library.

use std::process::ExitCode;

/// A refresh allocates some sixty times: glibc's allocator costs twice as much of it as this one. Its feature `no_thp` keeps
/// it from asking for pages of 2 MiB, of which a server at rest would hold 12 MB for nothing.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    relatch::cli::run()
}
