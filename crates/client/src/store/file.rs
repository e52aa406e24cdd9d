//! Files that their owner alone can read: one with the tokens, one with the key, one to lock.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::{Lock, Slot, Store, StoreError};
use crate::Secret;

/// More than this is nothing that was written here.
const MOST_BYTES: u64 = 64 * 1024;

/// Keeps a session in files: `PATH` has the tokens, `PATH.key` the private key, and `PATH.lock` is locked by whoever refreshes, so
/// that of many processes one does. The lock is the system's and goes with its process, however that ends.
///
/// On Unix all of them have mode 0600, and a file that others could read is not read. A file is replaced as a whole, and is on the
/// disk before what it holds is used. The folder must be on a disk of this machine: over NFS neither locks nor replacing are sure.
///
/// ```
/// use relatch_client::{Client, FileStore};
///
/// # fn main() -> Result<(), relatch_client::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let state = folder.path();
/// let store = FileStore::new(state.join("notes/session.json"));
/// let client = Client::builder("https://auth.example.com").store(store).build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
}

impl FileStore {
    /// A store in this file and two beside it. Its folder is made when something is first kept, for its owner alone.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn of(&self, slot: Slot) -> PathBuf {
        match slot {
            Slot::Session => self.path.clone(),
            Slot::Key => self.beside("key"),
        }
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(".");
        name.push(ending);
        name.into()
    }
}

impl Store for FileStore {
    fn read(&self, slot: Slot) -> Result<Option<Secret>, StoreError> {
        let path = self.of(slot);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("cannot be opened", &path)(error)),
        };
        check_private(&file, &path)?;
        let mut text = String::new();
        let read = file.take(MOST_BYTES).read_to_string(&mut text);
        read.map_err(failed("cannot be read", &path))?;
        Ok(Some(Secret::new(text)))
    }

    fn write(&self, slot: Slot, secret: &Secret) -> Result<(), StoreError> {
        let path = self.of(slot);
        replace(&path, secret.expose().as_bytes()).map_err(failed("cannot be written", &path))
    }

    fn try_lock(&self) -> Result<Option<Lock>, StoreError> {
        let path = self.beside("lock");
        let failed = failed("cannot be locked", &path);
        let file = make_folder(&path)
            .and_then(|()| private().create(true).truncate(false).open(&path))
            .map_err(&failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// Puts `bytes` in the place of the file: whoever reads it sees the old ones or the new ones, also after a power cut.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    make_folder(path)?;
    let new = path.with_added_extension("new");
    // One that a crash left has a mode that nobody knows.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private().create_new(true).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder(path)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder(path))
}

/// Elsewhere a folder cannot be opened, and the file system has its own order.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder(path))?.sync_all()?;
    }
    Ok(())
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn check_private(file: &File, path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt as _;

    let metadata = file.metadata().map_err(failed("cannot be read", path))?;
    let others = metadata.permissions().mode() & 0o077;
    if others == 0 {
        return Ok(());
    }
    Err(StoreError::new(format!(
        "{0} can be read by others, who may have its tokens: log out on another device if they could, and then `chmod 600 {0}`",
        path.display()
    )))
}

#[cfg(not(unix))]
fn check_private(_: &File, _: &Path) -> Result<(), StoreError> {
    Ok(())
}

fn failed(what: &'static str, path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |error| StoreError::with_source(format!("{} {what}", path.display()), error)
}

#[cfg(test)]
mod tests;
