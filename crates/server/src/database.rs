//! The database that the configuration names: SQLite in the data folder, or PostgreSQL.

use std::{fmt, path::PathBuf, sync::Arc};

use relatch_core::{Store, session::Policy};
use relatch_store::{OpenError, Options, Postgres, Sqlite, postgres};

use crate::config::{AddressFault, Config};

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file.
    #[error("the database {path} cannot be used")]
    File {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// The address.
    #[error("the address of the PostgreSQL database cannot be used")]
    Address(#[from] AddressFault),
    /// PostgreSQL.
    #[error("the PostgreSQL database {address} cannot be used")]
    Server {
        /// Database and hosts.
        address: String,
        /// Why.
        source: postgres::OpenError,
    },
}

/// What is to be opened.
pub(crate) enum Source {
    Sqlite(Options),
    Postgres(Box<postgres::Options>),
}

/// The file, or database and hosts.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(options) => options.path.display().fmt(f),
            Self::Postgres(options) => options.address.fmt(f),
        }
    }
}

impl Source {
    /// What the configuration says.
    pub(crate) fn of(config: &Config) -> Result<Self, AddressFault> {
        let queue = config.store.write_queue;
        Ok(match config.postgres.options(queue)? {
            Some(options) => Self::Postgres(Box::new(options)),
            None => Self::Sqlite(file_options(config)),
        })
    }

    /// Opens it and brings it up to date.
    pub(crate) async fn open(self, policy: Arc<Policy>) -> Result<Database, DatabaseError> {
        match self {
            Self::Sqlite(options) => Sqlite::open(&options, policy)
                .map(Database::of_file)
                .map_err(|source| of_file(options, source)),
            Self::Postgres(options) => Postgres::open(&options, policy)
                .await
                .map(Database::of_server)
                .map_err(|source| of_server(&options, source)),
        }
    }

    /// Opens it as it is, beside a server.
    pub(crate) async fn open_beside(self, policy: Arc<Policy>) -> Result<Database, DatabaseError> {
        match self {
            Self::Sqlite(options) => Sqlite::open_beside(&options, policy)
                .map(Database::of_file)
                .map_err(|source| of_file(options, source)),
            Self::Postgres(options) => Postgres::open_beside(&options, policy)
                .await
                .map(Database::of_server)
                .map_err(|source| of_server(&options, source)),
        }
    }
}

/// Where the file of SQLite is and how it is used.
pub(crate) fn file_options(config: &Config) -> Options {
    Options {
        path: config.server.data_dir.join("relatch.db"),
        synchronous: config.store.synchronous,
        write_queue: config.store.write_queue,
        readers: config.store.readers,
    }
}

fn of_file(options: Options, source: OpenError) -> DatabaseError {
    let path = options.path;
    DatabaseError::File { path, source }
}

pub(crate) fn of_server(options: &postgres::Options, source: postgres::OpenError) -> DatabaseError {
    let address = options.address.to_string();
    DatabaseError::Server { address, source }
}

/// A database that is open, and how it is closed.
pub(crate) struct Database {
    pub(crate) store: Arc<dyn Store>,
    close: Box<dyn Fn() + Send + Sync>,
}

impl Database {
    fn of_file(sqlite: Sqlite) -> Self {
        let sqlite = Arc::new(sqlite);
        Self {
            store: Arc::clone(&sqlite) as _,
            close: Box::new(move || sqlite.close()),
        }
    }

    fn of_server(postgres: Postgres) -> Self {
        let postgres = Arc::new(postgres);
        Self {
            store: Arc::clone(&postgres) as _,
            close: Box::new(move || postgres.close()),
        }
    }

    /// Finishes what is queued and closes it. Later calls of the store answer unavailable.
    pub(crate) fn close(&self) {
        (self.close)();
    }
}
