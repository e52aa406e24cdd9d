//! The keys of a running server: the first ones, the rules by which they turn, and opening them.

mod master;

use std::{path::PathBuf, time::Duration};

use relatch_core::{
    Entropy, Store, StoreError, Timestamp,
    event::Administrator,
    key::{
        Algorithm, KeyPolicy, KeyRecord, KeyTable, Keyring, KeyringError, Maker, MasterKeys,
        Moment, Purpose, seal::Unsealable, turn,
    },
};

use crate::Config;

pub use master::{MasterSource, lock_masters, old_master_path, replace_masters, with_new_master};

/// Why there are no keys to serve with.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The database has keys and the file that opens them is not there.
    #[error(
        "the database has keys, but the master key that opens them is missing: {0} is not there. Put it back from where you keep it; a new one cannot open them"
    )]
    MasterKeyMissing(PathBuf),
    /// The file that the configuration names is not there.
    #[error(
        "the master key {0} is not there, which keys.master_key_file names. A file that is named is never made by itself: `openssl rand -hex 32` makes a key for a new database"
    )]
    MasterKeyAbsent(PathBuf),
    /// The file cannot be read or written.
    #[error("the master key {path} cannot be used")]
    MasterKeyFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Others may read the file.
    #[error(
        "the master key {path} may be read by others (mode {mode:04o}): run `chmod 600 {path}`, and consider it known to whoever could read it"
    )]
    MasterKeyReadable {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Not 32 bytes in hexadecimal.
    #[error(
        "the master key {0} is not 64 hexadecimal digits a line: it was damaged or is another file"
    )]
    MasterKeyMalformed(PathBuf),
    /// The keys do not open.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Sealing failed.
    #[error("a new key could not be sealed")]
    Seal(#[from] Unsealable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The numbers that rule keys, from the whole configuration.
pub fn policy(config: &Config) -> KeyPolicy {
    let (keys, session) = (&config.keys, &config.session);
    let longest = session.usual.absolute.max(session.remembered.absolute);
    KeyPolicy {
        algorithm: keys.algorithm,
        signing_lifetime: keys.signing_lifetime,
        token_lifetime: keys.token_lifetime,
        announce: keys.announce,
        jwks_max_age: keys.jwks_max_age,
        longest_access: session.access,
        longest_session: longest + session.idle_grace,
    }
}

/// Opens the keys of a store; makes first keys, and the server's own master key, where there are none at all.
///
/// # Errors
/// [`KeysError`].
pub async fn open(
    store: &dyn Store,
    config: &Config,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<(Keyring, MasterKeys), KeysError> {
    let source = MasterSource::of(config);
    let table = store.load_keys().await?;
    if table.records.is_empty() {
        let master = source.read_or_make(entropy)?;
        let moment = Moment {
            now,
            served: Duration::ZERO,
        };
        let turned = turn::turn(&table.records, &policy(config), moment);
        let records = supplied(turned, config.keys.algorithm, (&master, entropy), now)?;
        // If another process was faster, its keys are there now.
        let by = Administrator::server(now);
        store.save_keys(table.version, records, by).await?;
    }
    settle(|| store.load_keys(), || source.read(), now).await
}

/// How often keys are opened that a rewrap changes meanwhile.
const TRIES: usize = 3;

/// Opens keys that may be on their way from one master key to another: what was read of both may be of two moments.
async fn settle<F: Future<Output = Result<KeyTable, StoreError>>>(
    load: impl Fn() -> F,
    read: impl Fn() -> Result<MasterKeys, KeysError>,
    now: Timestamp,
) -> Result<(Keyring, MasterKeys), KeysError> {
    let mut tries = 1;
    loop {
        let table = load().await?;
        let master = read()?;
        match Keyring::open(&table, &master, now) {
            Ok(keys) => return Ok((keys, master)),
            Err(KeyringError::WrongMasterKey { .. }) if tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// What [`turn::turn`] found, with the keys that are lacking. Takes a while where those are RSA keys.
///
/// # Errors
/// [`Unsealable`] if a key cannot be made.
pub fn supplied(
    (records, lacking): (Vec<KeyRecord>, Vec<Purpose>),
    algorithm: Algorithm,
    (master, entropy): (&MasterKeys, &dyn Entropy),
    now: Timestamp,
) -> Result<Vec<KeyRecord>, Unsealable> {
    let maker = Maker {
        entropy,
        master,
        algorithm,
    };
    turn::supply(records, &lacking, &maker, now)
}

/// Opens the keys of a store with the master key that is there, and makes nothing.
///
/// # Errors
/// [`KeysError`].
pub fn open_only(
    table: &KeyTable,
    config: &Config,
    now: Timestamp,
) -> Result<(Keyring, MasterKeys), KeysError> {
    let master = MasterSource::of(config).read()?;
    Ok((Keyring::open(table, &master, now)?, master))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use relatch_core::key::MasterKey;

    use super::*;
    use crate::entropy::SystemEntropy;

    fn masters(byte: u8) -> MasterKeys {
        MasterKeys::new(MasterKey::from_bytes([byte; 32]), Vec::new())
    }

    fn table(master: &MasterKeys) -> KeyTable {
        let config = Config::default();
        let now = Timestamp::default();
        let moment = Moment {
            now,
            served: Duration::ZERO,
        };
        let turned = turn::turn(&[], &policy(&config), moment);
        let records = supplied(turned, config.keys.algorithm, (master, &SystemEntropy), now);
        KeyTable {
            version: 1,
            records: records.expect("makes keys"),
        }
    }

    /// The table is of before a rewrap and the file of after it; the next look finds both of after it.
    #[tokio::test]
    async fn a_rewrap_between_two_looks_is_no_reason_not_to_start() {
        let [before, after] = [1, 2].map(|byte| table(&masters(byte)));
        let looks = Cell::new(0);
        let load = || {
            looks.set(looks.get() + 1);
            std::future::ready(Ok(if looks.get() == 1 {
                before.clone()
            } else {
                after.clone()
            }))
        };
        let now = Timestamp::default();
        settle(load, || Ok(masters(2)), now).await.expect("opens");
        assert_eq!(looks.get(), 2);
        let wrong = settle(
            || std::future::ready(Ok(before.clone())),
            || Ok(masters(2)),
            now,
        )
        .await;
        assert!(matches!(
            wrong.err(),
            Some(KeysError::Keyring(KeyringError::WrongMasterKey { .. }))
        ));
    }
}
