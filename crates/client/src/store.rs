//! Where a session is kept: a trait for the platform's keychain, a file, and memory. Knows nothing of what is kept.

mod file;
mod memory;

use std::error::Error;
use std::fmt;

use crate::Secret;

pub use file::FileStore;
pub use memory::MemoryStore;

/// Keeps two secrets: see [`Slot`].
///
/// Its methods are called on threads that may wait, never two at once for one [`Client`](crate::Client). Implement it over a
/// keychain, and nothing else changes:
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use relatch_client::{Client, Secret, Slot, Store, StoreError};
///
/// /// Stands for a keychain.
/// #[derive(Default)]
/// struct Keychain(Mutex<HashMap<&'static str, Secret>>);
///
/// impl Store for Keychain {
///     fn read(&self, slot: Slot) -> Result<Option<Secret>, StoreError> {
///         let items = self.0.lock().map_err(|_| StoreError::new("the keychain is locked"))?;
///         Ok(items.get(slot.name()).cloned())
///     }
///
///     fn write(&self, slot: Slot, secret: &Secret) -> Result<(), StoreError> {
///         let mut items = self.0.lock().map_err(|_| StoreError::new("the keychain is locked"))?;
///         items.insert(slot.name(), secret.clone());
///         Ok(())
///     }
/// }
///
/// # fn main() -> Result<(), relatch_client::Error> {
/// let client = Client::builder("https://auth.example.com").store(Keychain::default()).build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
pub trait Store: Send + Sync + 'static {
    /// What was written last.
    ///
    /// # Errors
    /// [`StoreError`]. What is there and cannot be read is an error, and not nothing.
    fn read(&self, slot: Slot) -> Result<Option<Secret>, StoreError>;

    /// Keeps this in the place of what was there, wholly or not at all, and comes back when it would outlive a power cut: what
    /// is written is used right after that, and the server counts on it.
    ///
    /// # Errors
    /// [`StoreError`]. What was there before must then still be there.
    fn write(&self, slot: Slot, secret: &Secret) -> Result<(), StoreError>;

    /// Takes the store for this client alone, until what is answered is dropped; nothing if another one has it. Never waits.
    ///
    /// Where it is left out, several processes may refresh at once. Nobody is logged out by that, for what comes late is not
    /// written; it costs requests, and a bearer session wants them within the server's retry window.
    ///
    /// # Errors
    /// [`StoreError`].
    fn try_lock(&self) -> Result<Option<Lock>, StoreError> {
        Ok(Some(Lock::new(())))
    }
}

/// One of the two things that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Slot {
    /// The private key, about 150 bytes: written once and read at each start. Keep it where it cannot be copied from, apart
    /// from the session: a session without its key is of no use to a thief.
    Key,
    /// The tokens, about 2 KiB: written at every refresh.
    Session,
}

impl Slot {
    /// A name for an item: `key` or `session`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Session => "session",
        }
    }
}

/// Holds a store until it is dropped.
pub struct Lock(#[expect(dead_code, reason = "it is there to be dropped")] Box<dyn Send + Sync>);

impl Lock {
    /// Whatever gives the store free when it is dropped.
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock")
    }
}

/// Why a store did not read or keep something.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct StoreError {
    what: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// An error with this text.
    pub fn new(what: impl Into<String>) -> Self {
        let (what, source) = (what.into(), None);
        Self { what, source }
    }

    /// An error with this text and its cause.
    pub fn with_source(
        what: impl Into<String>,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            what: what.into(),
            source: Some(cause.into()),
        }
    }
}
