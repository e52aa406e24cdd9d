//! The verb `fix`: what cargo can put right by itself.

use crate::failure::Failure;
use crate::shell::{self, cargo};

/// Applies clippy's own corrections, then the format, which they may break.
///
/// # Errors
/// When clippy or the formatter fails.
pub(crate) fn run() -> Result<(), Failure> {
    shell::run(&mut cargo(&[
        "clippy",
        "--fix",
        "--allow-dirty",
        "--allow-staged",
        "--workspace",
        "--all-targets",
    ]))?;
    shell::run(&mut cargo(&["fmt", "--all"]))
}
