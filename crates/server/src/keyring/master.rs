//! Where the master key comes from: a file of its own in the data folder, which is made at the first start; a file that is
//! named, or the environment, which are never written.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use relatch_core::{
    Entropy, chance,
    key::{MasterKey, MasterKeys, to_hex},
};
use zeroize::Zeroizing;

use super::KeysError;
use crate::Config;

/// Where the master key comes from.
#[derive(Clone, Debug)]
pub enum MasterSource {
    /// The file in the data folder, which is this server's to write.
    Own(PathBuf),
    /// The file that `keys.master_key_file` names.
    Named(PathBuf),
    /// `keys.master_key` itself.
    Given(MasterKeys),
}

impl fmt::Display for MasterSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(path) | Self::Named(path) => path.display().fmt(f),
            Self::Given(_) => f.write_str("RELATCH_KEYS_MASTER_KEY"),
        }
    }
}

impl MasterSource {
    /// What the configuration says.
    pub fn of(config: &Config) -> Self {
        match (&config.keys.master_key, &config.keys.master_key_file) {
            (Some(keys), _) => Self::Given(keys.clone()),
            (None, Some(path)) => Self::Named(path.clone()),
            (None, None) => Self::Own(own_path(config)),
        }
    }

    /// The master keys, which must be there.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn read(&self) -> Result<MasterKeys, KeysError> {
        match self {
            Self::Given(keys) => Ok(keys.clone()),
            // Whoever brought it there minds its mode: in a container it is often everybody's.
            Self::Named(path) => {
                read(path, |_| Ok(()))?.ok_or_else(|| KeysError::MasterKeyAbsent(path.clone()))
            }
            Self::Own(path) => read(path, |mode| is_private(path, mode))?
                .ok_or_else(|| KeysError::MasterKeyMissing(path.clone())),
        }
    }

    /// The same for a store that has no keys yet: the server's own file is made if it is not there.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn read_or_make(&self, entropy: &dyn Entropy) -> Result<MasterKeys, KeysError> {
        match (self.read(), self) {
            (Err(KeysError::MasterKeyMissing(_)), Self::Own(path)) => make(path, entropy),
            (read, _) => read,
        }
    }
}

fn own_path(config: &Config) -> PathBuf {
    config.server.data_dir.join("master.key")
}

/// The master keys of a file, if there is one.
fn read(
    path: &Path,
    accept: impl Fn(u32) -> Result<(), KeysError>,
) -> Result<Option<MasterKeys>, KeysError> {
    let fault = |source| KeysError::MasterKeyFile {
        path: path.to_owned(),
        source,
    };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error)),
    };
    accept(file.metadata().map_err(fault)?.permissions().mode() & 0o777)?;
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(fault)?;
    let keys = MasterKeys::parse(&text);
    keys.map(Some)
        .ok_or_else(|| KeysError::MasterKeyMalformed(path.to_owned()))
}

fn is_private(path: &Path, mode: u32) -> Result<(), KeysError> {
    if mode & 0o077 != 0 {
        return Err(KeysError::MasterKeyReadable {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

/// A first master key. It does not take the place of one that another process has just made.
fn make(path: &Path, entropy: &dyn Entropy) -> Result<MasterKeys, KeysError> {
    let master = MasterKeys::new(MasterKey::from_bytes(chance::draw(entropy)), Vec::new());
    match place(path, &master, entropy, name_as_new) {
        Ok(()) => Ok(master),
        Err(source) => match read(path, |mode| is_private(path, mode))? {
            Some(theirs) if source.kind() == std::io::ErrorKind::AlreadyExists => Ok(theirs),
            _ => Err(KeysError::MasterKeyFile {
                path: path.to_owned(),
                source,
            }),
        },
    }
}

fn name_as_new(from: &Path, to: &Path) -> std::io::Result<()> {
    match std::fs::hard_link(from, to) {
        Ok(()) => std::fs::remove_file(from),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(error),
        // Some memory sticks and networks know no links.
        Err(_) if to.try_exists()? => Err(std::io::ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(from, to),
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

/// Keeps other commands from changing what the master key seals as long as it is held.
///
/// # Errors
/// [`KeysError::MasterKeyFile`], also if another command holds it.
pub fn lock_masters(config: &Config) -> Result<File, KeysError> {
    let path = own_path(config);
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
        path: path.clone(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn of_two_first_starts_at_once_both_have_the_key_that_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("master.key");
        let make = || make(&path, &SystemEntropy).expect("a key");
        let made = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            let made = threads
                .into_iter()
                .map(|thread| thread.join().expect("ends"));
            made.collect::<Vec<_>>()
        });
        let kept = read(&path, |_| Ok(())).expect("reads").expect("is there");
        let kept = kept.newest().expose();
        assert!(made.iter().all(|master| master.newest().expose() == kept));
        let names = std::fs::read_dir(folder.path()).expect("lists").count();
        assert_eq!(names, 1, "nothing unfinished is left");
    }
}
