//! The master key's file, the first keys, and reading keys anew.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use relatch_core::{
    Entropy, Store, StoreError, Timestamp, chance,
    key::{KeyRecord, Keyring, KeyringError, MasterKey, Purpose, to_hex},
};

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
    #[error("the master key {0} is not 64 hexadecimal digits: it was damaged or is another file")]
    MasterKeyMalformed(PathBuf),
    /// The keys do not open.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Sealing failed.
    #[error("a new key could not be sealed")]
    Seal(#[from] relatch_core::key::seal::Unsealable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens the keys of a store; makes master key and first keys where there are none at all.
///
/// # Errors
/// [`KeysError`].
pub async fn open(
    store: &dyn Store,
    path: &Path,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<(Keyring, MasterKey), KeysError> {
    let mut table = store.load_keys().await?;
    let master = match (read_master(path)?, table.records.is_empty()) {
        (Some(master), _) => master,
        (None, true) => write_master(path, entropy)?,
        (None, false) => return Err(KeysError::MasterKeyMissing(path.to_owned())),
    };
    if table.records.is_empty() {
        let make = |purpose| KeyRecord::first(purpose, entropy, &master, now);
        let first = vec![make(Purpose::Signing)?, make(Purpose::RefreshTag)?];
        // If another process was faster, its keys are there now.
        store.save_keys(table.version, first).await?;
        table = store.load_keys().await?;
    }
    Ok((Keyring::open(&table, &master, now)?, master))
}

fn read_master(path: &Path) -> Result<Option<MasterKey>, KeysError> {
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
    let mut text = zeroize::Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(fault)?;
    let bytes =
        from_hex(text.trim_end()).ok_or_else(|| KeysError::MasterKeyMalformed(path.to_owned()))?;
    Ok(Some(MasterKey::from_bytes(bytes)))
}

/// The file is whole and on disk before its name is, and nothing that is sealed with it is written before.
fn write_master(path: &Path, entropy: &dyn Entropy) -> Result<MasterKey, KeysError> {
    let fault = |source| KeysError::MasterKeyFile {
        path: path.to_owned(),
        source,
    };
    let master = MasterKey::from_bytes(chance::draw(entropy));
    let text = zeroize::Zeroizing::new(to_hex(master.expose()) + "\n");
    let name = u64::from_be_bytes(chance::draw(entropy));
    let unfinished = path.with_extension(format!("{name:016x}.new"));
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // A link, not a new name: it does not take the place of a key that another process has just made.
        let linked = std::fs::hard_link(&unfinished, path);
        std::fs::remove_file(&unfinished)?;
        path.parent()
            .map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
        linked
    };
    match write() {
        Ok(()) => Ok(master),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            read_master(path)?.ok_or_else(|| fault(error))
        }
        Err(error) => Err(fault(error)),
    }
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
        let kept = read_master(&path).expect("reads").expect("is there");
        assert!(made.iter().all(|master| master.expose() == kept.expose()));
        let names = std::fs::read_dir(folder.path()).expect("lists").count();
        assert_eq!(names, 1, "nothing unfinished is left");
    }
}
