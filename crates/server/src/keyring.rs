//! The master key's file, the first keys, and reading keys anew.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use relatch_core::{
    Entropy, Store, StoreError, Timestamp, chance,
    event::Administrator,
    key::{
        KeyPolicy, KeyRecord, KeyTable, Keyring, KeyringError, Maker, MasterKey, MasterKeys,
        Moment, Purpose, seal::Unsealable, to_hex, turn,
    },
};
use zeroize::Zeroizing;

use crate::Config;

/// Why there are no keys to serve with.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The database has keys and the file that opens them is not there.
    #[error(
        "the database has keys, but the master key that opens them is missing: {0} is not there. Put it back from where you keep it; a new one cannot open them"
    )]
    MasterKeyMissing(PathBuf),
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

/// The file of the master keys.
pub fn master_path(config: &Config) -> PathBuf {
    config.server.data_dir.join("master.key")
}

/// Opens the keys of a store; makes master key and first keys where there are none at all.
///
/// # Errors
/// [`KeysError`].
pub async fn open(
    store: &dyn Store,
    config: &Config,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<(Keyring, MasterKeys), KeysError> {
    let path = master_path(config);
    let mut table = store.load_keys().await?;
    let master = match (read_masters(&path)?, table.records.is_empty()) {
        (Some(master), _) => master,
        (None, true) => write_master(&path, entropy)?,
        (None, false) => return Err(KeysError::MasterKeyMissing(path)),
    };
    if table.records.is_empty() {
        let moment = Moment {
            now,
            served: Duration::ZERO,
        };
        let turned = turn::turn(&table.records, &policy(config), moment);
        let records = supplied(turned, config, (&master, entropy), now)?;
        // If another process was faster, its keys are there now.
        let by = Administrator::server(now);
        store.save_keys(table.version, records, by).await?;
        table = store.load_keys().await?;
    }
    Ok((Keyring::open(&table, &master, now)?, master))
}

/// What [`turn::turn`] found, with the keys that are lacking. Takes a while where those are RSA keys.
///
/// # Errors
/// [`Unsealable`] if a key cannot be made.
pub fn supplied(
    (records, lacking): (Vec<KeyRecord>, Vec<Purpose>),
    config: &Config,
    (master, entropy): (&MasterKeys, &dyn Entropy),
    now: Timestamp,
) -> Result<Vec<KeyRecord>, Unsealable> {
    let maker = Maker {
        entropy,
        master,
        algorithm: config.keys.algorithm,
    };
    turn::supply(records, &lacking, &maker, now)
}

/// Opens the keys of a store with the master key that is there, and makes nothing.
///
/// # Errors
/// [`KeysError`].
pub fn open_only(
    table: &KeyTable,
    path: &Path,
    now: Timestamp,
) -> Result<(Keyring, MasterKeys), KeysError> {
    let master = masters(path)?;
    Ok((Keyring::open(table, &master, now)?, master))
}

/// The master keys of the file, which must be there.
///
/// # Errors
/// As [`read_masters`], and [`KeysError::MasterKeyMissing`].
pub fn masters(path: &Path) -> Result<MasterKeys, KeysError> {
    read_masters(path)?.ok_or_else(|| KeysError::MasterKeyMissing(path.to_owned()))
}

/// The master keys of the file, one a line, the newest first; none if there is no file.
///
/// # Errors
/// [`KeysError`] if it cannot be read, is open to others, or holds anything else.
pub fn read_masters(path: &Path) -> Result<Option<MasterKeys>, KeysError> {
    let fault = |source| KeysError::MasterKeyFile {
        path: path.to_owned(),
        source,
    };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error)),
    };
    let mode = file.metadata().map_err(fault)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeysError::MasterKeyReadable {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(fault)?;
    let keys: Option<Vec<_>> = text.lines().map(from_hex).collect();
    let mut keys = keys.into_iter().flatten().map(MasterKey::from_bytes);
    let newest = keys
        .next()
        .ok_or_else(|| KeysError::MasterKeyMalformed(path.to_owned()))?;
    Ok(Some(MasterKeys::new(newest, keys.collect())))
}

/// A first master key. It does not take the place of one that another process has just made.
fn write_master(path: &Path, entropy: &dyn Entropy) -> Result<MasterKeys, KeysError> {
    let master = MasterKeys::new(MasterKey::from_bytes(chance::draw(entropy)), Vec::new());
    match place(path, &master, entropy, |from, to| {
        std::fs::hard_link(from, to)?;
        std::fs::remove_file(from)
    }) {
        Ok(()) => Ok(master),
        Err(source) => match read_masters(path)? {
            Some(theirs) if source.kind() == std::io::ErrorKind::AlreadyExists => Ok(theirs),
            _ => Err(KeysError::MasterKeyFile {
                path: path.to_owned(),
                source,
            }),
        },
    }
}

/// Puts `master` in the place of what the file holds.
///
/// # Errors
/// [`KeysError::MasterKeyFile`].
pub fn replace_masters(
    path: &Path,
    master: &MasterKeys,
    entropy: &dyn Entropy,
) -> Result<(), KeysError> {
    place(path, master, entropy, |from, to| std::fs::rename(from, to)).map_err(|source| {
        KeysError::MasterKeyFile {
            path: path.to_owned(),
            source,
        }
    })
}

/// A new master key before those that are there.
pub fn with_new_master(old: &MasterKeys, entropy: &dyn Entropy) -> MasterKeys {
    let new = MasterKey::from_bytes(chance::draw(entropy));
    MasterKeys::new(new, old.iter().cloned().collect())
}

/// Where a master key is kept that nothing here needs any more.
pub fn old_master_path(path: &Path, master: &MasterKey) -> PathBuf {
    path.with_extension(format!("key.old-{}", to_hex(&master.id())))
}

/// Keeps other commands from changing the master keys as long as it is held.
///
/// # Errors
/// [`KeysError::MasterKeyFile`], also if another command holds it.
pub fn lock_masters(path: &Path) -> Result<File, KeysError> {
    let lock = || {
        // A file of its own, for that of the keys is replaced.
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.with_extension("key.lock"))?;
        file.try_lock()?;
        Ok(file)
    };
    lock().map_err(|source: std::io::Error| KeysError::MasterKeyFile {
        path: path.to_owned(),
        source,
    })
}

/// The file is whole and on disk before its name is, and nothing that is sealed with it is written before.
fn place(
    path: &Path,
    master: &MasterKeys,
    entropy: &dyn Entropy,
    name: impl Fn(&Path, &Path) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut text = Zeroizing::new(String::new());
    for key in master.iter() {
        text.push_str(&Zeroizing::new(to_hex(key.expose())));
        text.push('\n');
    }
    let number = u64::from_be_bytes(chance::draw(entropy));
    let unfinished = path.with_extension(format!("{number:016x}.new"));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let named = name(&unfinished, path);
    if named.is_err() {
        // What went wrong with the name is what counts.
        let _ = std::fs::remove_file(&unfinished);
    }
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
    named
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (to, place) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *to = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn of_two_first_starts_at_once_both_have_the_key_that_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("master.key");
        let make = || write_master(&path, &SystemEntropy).expect("a key");
        let made = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            let made = threads
                .into_iter()
                .map(|thread| thread.join().expect("ends"));
            made.collect::<Vec<_>>()
        });
        let kept = read_masters(&path).expect("reads").expect("is there");
        let kept = kept.newest().expose();
        assert!(made.iter().all(|master| master.newest().expose() == kept));
        let names = std::fs::read_dir(folder.path()).expect("lists").count();
        assert_eq!(names, 1, "nothing unfinished is left");
    }
}
