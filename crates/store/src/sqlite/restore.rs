//! Puts a backup in the place of the database, when nobody has that open.
//!
//! All that can go wrong does so on a copy beside it: the database keeps its name until the copy is checked, changed and
//! on disk, and is then kept under another one.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use relatch_core::{
    Timestamp,
    event::{Administrator, Event, EventKind},
    key::{KeyRecord, KeyTable},
    permission::{Authority, store::Assigning},
    session::{EndReason, Policy},
    user::UserState,
};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};

use super::{
    OpenError, Options, administer, backup, check,
    connection::{Connector, Synchronous},
    event,
    folder::{self, Presence, Unfinished, with_suffix},
    key, migrate, resource_server, revocation, role,
    row::Fault,
    since::{self, Replaced, Since},
    user,
};

/// What becomes of the sessions that the backup knows. It has forgotten every logout, every end by reuse and every change
/// of a password since it was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sessions {
    /// All of them end, with [`EndReason::BackupRestored`].
    EndAll {
        /// How long access tokens are made to live, so that those that are out are revoked for as long.
        access: Duration,
    },
    /// All of them go on with the tokens that their clients hold, those that were ended since the backup, too.
    Keep,
}

/// A backup that was restored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Restored {
    /// The sessions that the backup knew and nobody had ended.
    pub sessions: usize,
    /// Where the database is that was there before, if there was one.
    pub kept: Option<PathBuf>,
}

/// Why a backup was not restored; nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// A server or a command has the database open.
    #[error(
        "{0} is in use: stop the server and whatever else has it open, and let nobody start it before this is done"
    )]
    InUse(PathBuf),
    /// The file cannot be a backup.
    #[error("{path} cannot be restored")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// The file is damaged.
    #[error("{path} is damaged and cannot be restored: {}", faults.join("; "))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Each in a sentence.
        faults: Vec<String>,
    },
    /// A database, but it does not say when it was taken.
    #[error(
        "{0} was not made by `relatch db backup`: it does not say when it was taken, and without that idle sessions cannot be told from those that the backup kept waiting"
    )]
    NoBackup(PathBuf),
    /// SQLite refused to change the copy.
    #[error("SQLite cannot prepare the backup")]
    Sqlite(#[from] rusqlite::Error),
    /// A file cannot be read, written or given its name.
    #[error("{path} cannot be used")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A backup that was copied beside the database and found whole; nobody else can open that as long as this lives.
pub struct Restoration {
    place: PathBuf,
    copy: Unfinished,
    connection: Connection,
    taken_at: Timestamp,
    keys: KeyTable,
    replaced: Replaced,
    _alone: Presence,
}

/// How a backup becomes the database.
#[derive(Clone, Debug)]
pub struct Settling<'a> {
    /// What becomes of the sessions.
    pub sessions: Sessions,
    /// The keys from then on.
    pub keys: Vec<KeyRecord>,
    /// Who restores it.
    pub by: Administrator,
    /// By which sessions live.
    pub policy: &'a Policy,
}

impl Restoration {
    /// Copies the backup `file` beside the database and checks it, brings it to the schema of this binary, and changes
    /// nothing else.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn prepare(options: &Options, file: &Path, now: Timestamp) -> Result<Self, RestoreError> {
        let place = options.path.clone();
        let fault = |path: &Path| {
            let path = path.to_owned();
            move |source| RestoreError::File { path, source }
        };
        let unusable = |source| RestoreError::Unusable {
            path: file.to_owned(),
            source,
        };
        let alone = Presence::alone(&place).map_err(fault(&place))?;
        let alone = alone.ok_or_else(|| RestoreError::InUse(place.clone()))?;
        File::open(file).map_err(fault(file))?;
        let copy = Unfinished::copy_of(file, &place, now.as_millis()).map_err(fault(&place))?;
        let connector = Connector::new(copy.path(), Synchronous::Full);
        let mut connection = connector.connect_to_ours().map_err(unusable)?;
        let faults = faults(&connection).map_err(|error| unusable(error.into()))?;
        if !faults.is_empty() {
            let path = file.to_owned();
            return Err(RestoreError::Damaged { path, faults });
        }
        let taken_at = backup::taken_at(&connection).map_err(|error| unusable(error.into()))?;
        let taken_at = taken_at.ok_or_else(|| RestoreError::NoBackup(file.to_owned()))?;
        migrate::migrate(&mut connection).map_err(unusable)?;
        let keys = key::load(&connection).map_err(|fault| unusable(fault.into()))?;
        let replaced = since::look(&connection, &place);
        Ok(Self {
            place,
            copy,
            connection,
            taken_at,
            keys,
            replaced,
            _alone: alone,
        })
    }

    /// When the backup was taken.
    pub fn taken_at(&self) -> Timestamp {
        self.taken_at
    }

    /// The keys in it, sealed: whether they open is for whoever has the master key, and should be known before
    /// [`finish`](Self::finish).
    pub fn keys(&self) -> &KeyTable {
        &self.keys
    }

    /// What the database knows that it replaces.
    pub fn replaced(&self) -> &Replaced {
        &self.replaced
    }

    /// Puts it in the database's place, which is kept as `aside`. Users who were shut out since the backup stay so, and
    /// so do roles and credentials of resource servers that were taken.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn finish(
        mut self,
        settling: Settling<'_>,
        aside: &Path,
    ) -> Result<Restored, RestoreError> {
        let found = self
            .settle(settling)
            .map_err(|fault| RestoreError::Unusable {
                path: self.copy.path().to_owned(),
                source: fault.into(),
            })?;
        self.connection.close().map_err(|(_, error)| error)?;
        let held = hold(&self.place)?;
        let fault = |path: &Path| {
            let path = path.to_owned();
            move |source| RestoreError::File { path, source }
        };
        let kept = set_aside(&self.place, aside, |from, to| std::fs::hard_link(from, to))
            .map_err(fault(aside))?;
        self.copy
            .finish_in_place_of(&self.place)
            .map_err(fault(&self.place))?;
        drop(held);
        Ok(Restored {
            sessions: found,
            kept: kept.then(|| aside.to_owned()),
        })
    }

    /// Makes a database of the copy, in one transaction; how many sessions nobody had ended.
    fn settle(&mut self, settling: Settling<'_>) -> Result<usize, Fault> {
        let (taken_at, now) = (self.taken_at, settling.by.now);
        let immediate = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(immediate)?;
        if let Replaced::Known(since) = &self.replaced {
            shut_out(&transaction, since, &settling)?;
        }
        let found = match settling.sessions {
            Sessions::EndAll { .. } => end_all(&transaction, now)?,
            Sessions::Keep => let_idle_clocks_rest(&transaction, taken_at, now)?,
        };
        let access = match settling.sessions {
            Sessions::EndAll { access } => Some(access),
            Sessions::Keep => None,
        };
        revocation::begin_timeline(&transaction, access, now)?;
        if settling.keys != self.keys.records {
            key::save(
                &transaction,
                self.keys.version,
                &settling.keys,
                &settling.by,
            )?;
        }
        let kind = EventKind::BackupRestored {
            taken_at,
            sessions_ended: access.is_some(),
        };
        event::append(&transaction, &Event::of_store(kind, now))?;
        // One that was spent since the backup was taken would be good again.
        transaction.execute("DELETE FROM reset_code", [])?;
        backup::unmark(&transaction)?;
        transaction.commit()?;
        Ok(found)
    }
}

fn faults(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let faults = check::integrity(connection)?;
    if faults.is_empty() {
        return check::references(connection);
    }
    Ok(faults)
}

/// Lets nobody and nothing in again that was shut out since the backup.
fn shut_out(connection: &Connection, since: &Since, settling: &Settling<'_>) -> Result<(), Fault> {
    let Settling { by, policy, .. } = settling;
    for named in &since.disabled {
        if let Some(found) = user::by_id(connection, named.id)? {
            administer::set_state(connection, &found.user, UserState::Disabled, by, policy)?;
        }
    }
    for user in &since.deleted {
        administer::delete(connection, user.id, by, policy)?;
    }
    let owner = Authority::of_owner(role::load(connection)?);
    for (user, left) in &since.demoted {
        let assigning = Assigning {
            user: user.id,
            roles: left.iter().cloned().collect(),
            expected: None,
            end_sessions: false,
            at_once: false,
            by: by.clone(),
        };
        role::assign(connection, &assigning, &owner, policy)?;
    }
    for name in &since.removed {
        resource_server::remove(connection, name, by)?;
    }
    Ok(())
}

/// Ends every session, as many events as sessions: a user's record must say what became of his.
fn end_all(connection: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    let reason = EndReason::BackupRestored;
    let kind = EventKind::SessionEnded(reason);
    let detail = kind.detail().map(|detail| detail.to_string());
    let sql = "INSERT INTO event (at, name, user_id, session_id, detail) \
               SELECT ?1, ?2, user_id, id, ?3 FROM session WHERE ended_at IS NULL";
    connection.execute(sql, params![now.as_millis(), kind.name(), detail])?;
    let sql = "UPDATE session SET ended_at = ?1, end_reason = ?2 WHERE ended_at IS NULL";
    connection.execute(sql, params![now.as_millis(), reason.number()])
}

/// No session is idle by the time for which the backup lay in a drawer. None turned in the future either, and absolute
/// ends stay.
fn let_idle_clocks_rest(
    connection: &Connection,
    taken_at: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let sql = "UPDATE session SET rotated_at = max(rotated_at, min(rotated_at + ?1, ?2)) \
               WHERE ended_at IS NULL";
    let age = i64::try_from(now.since(taken_at).as_millis()).unwrap_or(i64::MAX);
    connection.execute(sql, params![age, now.as_millis()])
}

/// Copies the log of the database into it and keeps every other program out, which must not find another file under the
/// name of one that it has open. Nothing if there is no database, or none that SQLite can read: that is kept as it is.
fn hold(place: &Path) -> Result<Option<Connection>, RestoreError> {
    if !place.exists() {
        return Ok(None);
    }
    let held = || {
        let connection = Connection::open_with_flags(place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(Duration::from_secs(1))?;
        // Leaving the log's mode wants the file for itself.
        connection.pragma_update(None, "journal_mode", "DELETE")?;
        connection.execute_batch("BEGIN EXCLUSIVE")?;
        Ok(connection)
    };
    match held() {
        Ok(connection) => Ok(Some(connection)),
        Err(error) if busy(&error) => Err(RestoreError::InUse(place.to_owned())),
        Err(error) => {
            tracing::warn!(%error, "the database that was here cannot be read; it is kept as it is");
            Ok(None)
        }
    }
}

fn busy(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Gives the database a second name, so that its first always names one, and takes away what SQLite would take for a part
/// of the next. False if there was nothing.
fn set_aside(
    place: &Path,
    aside: &Path,
    link: impl Fn(&Path, &Path) -> io::Result<()>,
) -> io::Result<bool> {
    let mut found = match link(place, aside) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // Memory sticks and some networks know no links. Reading the file gives SQLite's lock on it away, which keeps out
        // who does not know ours.
        Err(_) => {
            Unfinished::copy_of(place, aside, 0)?.finish_as_new(aside)?;
            true
        }
    };
    for suffix in ["-wal", "-shm", "-journal"] {
        match std::fs::rename(with_suffix(place, suffix), with_suffix(aside, suffix)) {
            Ok(()) => found = true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    folder::sync(place)?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_are_no_links_the_database_is_copied_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let (place, aside) = (folder.path().join("db"), folder.path().join("aside"));
        std::fs::write(&place, "all of it").expect("writes");
        std::fs::write(with_suffix(&place, "-wal"), "log").expect("writes");
        let no_links = |_: &Path, _: &Path| Err(io::ErrorKind::PermissionDenied.into());
        assert!(set_aside(&place, &aside, no_links).expect("copies"));
        let read = |path: &Path| std::fs::read_to_string(path).expect("reads");
        assert_eq!(
            (read(&place), read(&aside)),
            ("all of it".to_owned(), "all of it".to_owned())
        );
        assert_eq!(read(&with_suffix(&aside, "-wal")), "log");
        let again = set_aside(&place, &aside, no_links);
        assert_eq!(
            again.map_err(|error| error.kind()),
            Err(io::ErrorKind::AlreadyExists)
        );
        let names = std::fs::read_dir(folder.path()).expect("lists").count();
        assert_eq!(names, 3, "nothing unfinished is left");
    }
}
