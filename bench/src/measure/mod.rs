//! Measurements: how fast, against something that is measured in the same run.

mod chains;
mod dpop;
pub(crate) mod filling;
mod floor;
mod idle;
mod large;
mod login;
pub(crate) mod population;
mod proof;
mod refresh;
mod size;
mod tls;
mod verify;

use std::time::Duration;

pub(crate) use chains::Turning;
pub(crate) use dpop::dpop;
pub(crate) use idle::{IdleSettings, idle, memory};
pub(crate) use login::{LoginSettings, login};
pub(crate) use refresh::{refresh, register};
pub(crate) use size::size;
pub(crate) use tls::tls;
pub(crate) use verify::{VerifySettings, verify};

use crate::load::median;

/// How to measure.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) connections: usize,
    /// The length of each measured interval.
    pub(crate) seconds: Duration,
    /// How often each side is measured.
    pub(crate) rounds: usize,
    /// Sessions in the large database, if there is to be one.
    pub(crate) large: Option<u32>,
}

/// The median of one figure over all rounds.
fn middle<T>(rounds: &[T], figure: impl Fn(&T) -> f64) -> f64 {
    median(rounds.iter().map(figure).collect())
}
