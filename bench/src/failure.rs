//! Why a measurement or a drill could not be carried out. A broken promise of the server is a
//! result and stands in the report; it is none of these.

use std::io;

/// A run that could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The operating system refused something.
    #[error("{what}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The database file could not be read or filled.
    #[error("{what}")]
    Sqlite {
        /// What was being done.
        what: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Something else, in a sentence.
    #[error("{0}")]
    Told(String),
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Says what was being done when an error of the system came up.
pub(crate) trait Doing<T> {
    /// # Errors
    /// The same error, with `what` in front of it.
    fn doing(self, what: impl Into<String>) -> Result<T>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|source| Failure::Io {
            what: what.into(),
            source,
        })
    }
}

/// The same for SQLite.
pub(crate) trait Querying<T> {
    /// # Errors
    /// The same error, with `what` in front of it.
    fn querying(self, what: &'static str) -> Result<T>;
}

impl<T> Querying<T> for rusqlite::Result<T> {
    fn querying(self, what: &'static str) -> Result<T> {
        self.map_err(|source| Failure::Sqlite { what, source })
    }
}
