//! `relatch key rewrap`: another master key.

use std::path::Path;

use relatch_core::key::{KeyRecord, KeyState, KeyTable, Keyring, MasterKeys};
use serde_json::json;

use super::{
    super::{Failure, chain, output::Output, place::Opened},
    change,
};
use crate::{
    entropy::SystemEntropy,
    keyring::{self, MasterSource},
};

pub(super) fn run(opened: &Opened, output: Output) -> Result<(), Failure> {
    let _alone = keyring::lock_masters(&opened.config).map_err(chain)?;
    let source = MasterSource::of(&opened.config);
    let masters = source.read().map_err(chain)?;
    match &source {
        MasterSource::Own(path) => replace(opened, path, &masters, output),
        MasterSource::Named(_) | MasterSource::Given(_) => adopt(opened, &source, &masters, output),
    }
}

/// The file is ours: a new key, and the old ones beside it.
fn replace(opened: &Opened, path: &Path, old: &MasterKeys, output: Output) -> Result<(), Failure> {
    // Before anything is sealed with the new one, the file has both: whatever happens then, everything opens.
    let both = keyring::with_new_master(old, &SystemEntropy);
    keyring::replace_masters(path, &both, &SystemEntropy).map_err(chain)?;
    let keys = seal(opened, &both)?;
    let mut kept = Vec::new();
    for master in old.iter() {
        let place = keyring::old_master_path(path, master);
        let alone = MasterKeys::new(master.clone(), Vec::new());
        keyring::replace_masters(&place, &alone, &SystemEntropy).map_err(chain)?;
        kept.push(place.display().to_string());
    }
    let new = MasterKeys::new(both.newest().clone(), Vec::new());
    keyring::replace_masters(path, &new, &SystemEntropy).map_err(chain)?;
    output.print(
        &json!({ "master_key": path, "old": kept, "keys": keys }),
        || {
            format!(
                "{keys} keys are sealed with the new master key in {}.\nThe old one is in {}: backups made before now need it. Move it to where they are, or delete it.",
                path.display(),
                kept.join(", ")
            )
        },
    );
    Ok(())
}

/// The keys come from elsewhere: the first of them seals, and the others are not needed any more.
fn adopt(
    opened: &Opened,
    source: &MasterSource,
    masters: &MasterKeys,
    output: Output,
) -> Result<(), Failure> {
    if masters.iter().count() < 2 {
        return Err(Failure::Failed(format!(
            "there is one master key in {source}, which is not written from here: put a new one (`openssl rand -hex 32`) before it, \
             so that there are both, let the running servers have both, and run this again"
        )));
    }
    let keys = seal(opened, masters)?;
    output.print(
        &json!({ "master_key": source.to_string(), "old": [], "keys": keys }),
        || {
            format!(
                "{keys} keys are sealed with the first master key in {source}.\nTake the others out of it; backups made before now need them."
            )
        },
    );
    Ok(())
}

/// Seals everything with the newest; how many keys there are.
fn seal(opened: &Opened, masters: &MasterKeys) -> Result<usize, Failure> {
    let table: KeyTable = change(opened, |records| {
        // What is withdrawn is never opened again, and may be sealed with a key that is gone.
        let wanted = |key: &&mut KeyRecord| !matches!(key.state, KeyState::Compromised { .. });
        for record in records.iter_mut().filter(wanted) {
            record.rewrap(masters).map_err(chain)?;
        }
        Ok(())
    })?;
    Keyring::open(&table, masters, opened.now()).map_err(chain)?;
    Ok(table.records.len())
}
