//! The part `deny`: cargo-deny by deny.toml. It must not fail where the advisory database is out of reach, and must
//! where an advisory is real, so fetching and checking are two commands.

use std::time::Duration;

use crate::failure::Failure;
use crate::parts::Outcome;
use crate::shell::{self, cargo, succeeds_within};
use crate::tools;

const FETCH_LIMIT: Duration = Duration::from_mins(2);
const NOT_CHECKED: &str = "advisories not checked: the advisory database could not be reached";

/// Checks licences, banned crates and sources, then the advisories if they can be had.
///
/// # Errors
/// When a check fails or cargo-deny can't be installed.
pub(crate) fn run() -> Result<Outcome, Failure> {
    tools::deny()?;
    shell::run(&mut cargo(&[
        "deny",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]))?;
    let mut fetch = cargo(&["deny", "fetch", "db"]);
    if !succeeds_within(fetch.env("GIT_TERMINAL_PROMPT", "0"), FETCH_LIMIT)? {
        eprintln!("{NOT_CHECKED}");
        return Ok(Outcome::PassedBut(NOT_CHECKED));
    }
    shell::run(&mut cargo(&["deny", "--offline", "check", "advisories"]))?;
    Ok(Outcome::Passed)
}
