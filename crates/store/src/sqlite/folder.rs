//! The folder that a database is in: who is at work there, and names that survive a loss of power.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::OpenError;

/// That somebody is at work in the folder; the system ends it with the process, however that ends. SQLite's own locks are
/// on the file, and would not tell whoever opens it by its name that another one has taken its place.
pub(super) struct Presence {
    _lock: File,
}

impl Presence {
    /// At work on the database at `path`, as others may be.
    pub(super) fn among_others(path: &Path) -> Result<Self, OpenError> {
        let folder = File::open(folder(path))?;
        match folder.try_lock_shared() {
            Ok(()) => Ok(Self { _lock: folder }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Restoring),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Alone; nothing if anybody else is at work there.
    pub(super) fn alone(path: &Path) -> io::Result<Option<Self>> {
        let folder = File::open(folder(path))?;
        match folder.try_lock() {
            Ok(()) => Ok(Some(Self { _lock: folder })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// A file for its owner alone that is removed again unless it is finished.
pub(super) struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    /// An empty file beside `path`; `number` tells it from others.
    pub(super) fn beside(path: &Path, number: i64) -> io::Result<Self> {
        let path = with_suffix(path, &format!(".{number}.unfinished"));
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Self { path })
    }

    /// What is in another file, beside `path`.
    pub(super) fn copy_of(file: &Path, path: &Path, number: i64) -> io::Result<Self> {
        let copy = Self::beside(path, number)?;
        let mut to = OpenOptions::new().write(true).open(&copy.path)?;
        io::copy(&mut File::open(file)?, &mut to)?;
        Ok(copy)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name once it is whole and on disk.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] if something has that name; it is not replaced.
    pub(super) fn finish_as_new(self, path: &Path) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        // A new name for what has one would replace whatever came to be there meanwhile. Some memory sticks know no links.
        match std::fs::hard_link(&self.path, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) if path.try_exists()? => return Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => std::fs::rename(&self.path, path)?,
            Ok(()) => std::fs::remove_file(&self.path)?,
        }
        sync(path)
    }

    /// The same, in the place of what has that name.
    pub(super) fn finish_in_place_of(self, path: &Path) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        std::fs::rename(&self.path, path)?;
        sync(path)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for suffix in ["", "-journal"] {
            // Gone if it was finished, and whatever else keeps it there is told by whoever stumbles over it.
            let _ = std::fs::remove_file(with_suffix(&self.path, suffix));
        }
    }
}

/// `relatch.db` and `-wal` make `relatch.db-wal`.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Brings the names in the folder of `path` to disk.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_wants_to_be_alone_is_and_stays_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relatch.db");
        let one = Presence::among_others(&path).expect("comes");
        let other = Presence::among_others(&path).expect("comes");
        assert!(Presence::alone(&path).expect("asks").is_none());
        drop((one, other));
        let alone = Presence::alone(&path).expect("asks");
        assert!(alone.is_some());
        let third = Presence::among_others(&path);
        assert!(matches!(third, Err(OpenError::Restoring)));
        drop(alone);
        Presence::among_others(&path).expect("comes");
    }

    #[test]
    fn a_name_that_is_taken_stays_with_what_has_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("copy");
        std::fs::write(&path, "theirs").expect("writes");
        let ours = Unfinished::beside(&path, 7).expect("makes");
        let error = ours.finish_as_new(&path).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).expect("reads"), "theirs");
        let left = std::fs::read_dir(folder.path()).expect("lists").count();
        assert_eq!(left, 1, "nothing unfinished is left");
    }
}
