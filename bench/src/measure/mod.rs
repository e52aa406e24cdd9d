//! Measurements: how fast, against something that is measured in the same run.

mod chains;
mod refresh;

use std::time::Duration;

pub(crate) use refresh::refresh;

/// How to measure.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) connections: usize,
    /// The length of each measured interval.
    pub(crate) seconds: Duration,
    /// How often each side is measured.
    pub(crate) rounds: usize,
}
