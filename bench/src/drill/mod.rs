//! Drills: break something at random, and look whether every answer is still true.

mod account;
mod backup;
mod certificate;
mod check;
mod client;
pub(crate) mod folder;
mod history;
mod keys;
mod kill;
mod older;
mod outage;
mod power_cut;
mod pressure;
mod revocation;
mod slow;
mod traced;

use tokio::runtime::{Builder, Runtime};

use crate::failure::{Doing, Result};

pub(crate) use backup::{BackupSettings, backup};
pub(crate) use certificate::{CertificateSettings, certificate};
pub(crate) use keys::{KeysSettings, keys};
pub(crate) use kill::{KillSettings, kill};
pub(crate) use power_cut::{CutSettings, power_cut};
pub(crate) use revocation::{RevocationSettings, revocation};
pub(crate) use slow::{SlowSettings, slow};

/// One thread for all clients: they wait most of the time.
fn runtime() -> Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .doing("starting the clients")
}
