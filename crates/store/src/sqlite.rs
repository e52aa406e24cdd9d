//! The embedded store: one SQLite file, one writer thread that commits in groups, a few readers.

mod administer;
mod authority;
mod backup;
mod chain;
mod check;
mod checkpoint;
mod connection;
mod event;
mod examine;
mod failed_login;
mod folder;
mod history;
mod job;
mod key;
mod migrate;
mod queue;
mod readers;
mod refresh;
mod reset;
mod resource_server;
mod restore;
mod revocation;
mod role;
mod row;
mod savepoint;
mod search;
mod session;
mod since;
mod stats;
mod user;
mod writer;

use std::{path::PathBuf, sync::Arc};

use relatch_core::{StoreError, session::Policy};
use rusqlite::Connection;
use tokio::sync::Notify;

pub use backup::{BackupError, Taken, backup, record};
pub use check::check;
pub use connection::Synchronous;
pub use examine::{Examined, examine};
pub use migrate::{OpenError, update};
pub use restore::{Restoration, RestoreError, Restored, Sessions, Settling};
pub use since::{Named, Replaced, Since};
pub use stats::stats;

use connection::Connector;
use folder::Presence;
use readers::Readers;
use writer::Writer;

/// Where the file is and how it is used.
#[derive(Clone, Debug)]
pub struct Options {
    /// The database file; made if it is not there.
    pub path: PathBuf,
    /// Whether commits reach the disk. Anything but [`Synchronous::Full`] is for tests.
    pub synchronous: Synchronous,
    /// How many writes may wait.
    pub write_queue: usize,
    /// How many connections read.
    pub readers: usize,
}

/// A SQLite file, open.
pub struct Sqlite {
    writer: Writer,
    readers: Readers,
    policy: Arc<Policy>,
    revoked: Notify,
    _presence: Presence,
}

impl Sqlite {
    /// Opens the file, which is made if it is not there, migrates it and starts the threads.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(options: &Options, policy: Arc<Policy>) -> Result<Self, OpenError> {
        let presence = Presence::among_others(&options.path)?;
        let connector = Connector::new(&options.path, options.synchronous);
        connector.create()?;
        migrate::recognise(&connector.connect()?)?;
        let mut first = connector.open()?;
        migrate::migrate(&mut first)?;
        Self::start((connector, first), options, policy, presence)
    }

    /// Opens the file as it is, beside a server that may be older than this binary: what that works with is not changed
    /// under it.
    ///
    /// # Errors
    /// [`OpenError`], for instance if the file is of another schema.
    pub fn open_beside(options: &Options, policy: Arc<Policy>) -> Result<Self, OpenError> {
        let presence = Presence::among_others(&options.path)?;
        let connector = Connector::new(&options.path, options.synchronous);
        migrate::is_current(&connector.connect_to_ours()?, "main")?;
        let first = connector.open()?;
        Self::start((connector, first), options, policy, presence)
    }

    fn start(
        (connector, first): (Connector, Connection),
        options: &Options,
        policy: Arc<Policy>,
        presence: Presence,
    ) -> Result<Self, OpenError> {
        let readers = (0..options.readers.max(1))
            .map(|_| connector.open_reader())
            .collect::<Result<Vec<_>, _>>()?;
        let writer = Writer::start(first, connector, options.write_queue)?;
        Ok(Self {
            writer,
            readers: Readers::new(readers),
            policy,
            revoked: Notify::new(),
            _presence: presence,
        })
    }

    /// Finishes what is queued, copies the log into the file and closes it. Later calls answer unavailable.
    pub fn close(&self) {
        self.readers.close();
        self.writer.stop();
    }

    /// Runs `work` in a savepoint of the next durable batch.
    async fn durable<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, row::Fault> + Send + 'static,
    {
        self.writer
            .submit(|reply| Box::new(job::Steps::durable(work, reply)))
            .await
    }

    /// The same for work that may revoke something: whoever waits for that looks.
    async fn revoking<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, row::Fault> + Send + 'static,
    {
        let done = self.durable(work).await;
        self.revoked.notify_one();
        done
    }

    /// Runs `work` in a savepoint of the next batch of any kind: a crash may forget it.
    async fn healing<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, row::Fault> + Send + 'static,
    {
        self.writer
            .submit(|reply| Box::new(job::Steps::healing(work, reply)))
            .await
    }
}
