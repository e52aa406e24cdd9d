//! A store that ends with its process.

use std::sync::Mutex;

use super::{Slot, Store, StoreError};
use crate::Secret;

/// Keeps a session as long as the process runs: for tests, and for programs that log in at each start.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<[Option<Secret>; 2]>);

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, then: impl FnOnce(&mut [Option<Secret>; 2]) -> T) -> Result<T, StoreError> {
        let slots = self.0.lock();
        let mut slots = slots.map_err(|_| StoreError::new("a thread panicked with the store"))?;
        Ok(then(&mut slots))
    }
}

impl Store for MemoryStore {
    fn read(&self, slot: Slot) -> Result<Option<Secret>, StoreError> {
        self.with(|[key, session]| match slot {
            Slot::Key => key.clone(),
            Slot::Session => session.clone(),
        })
    }

    fn write(&self, slot: Slot, secret: &Secret) -> Result<(), StoreError> {
        self.with(|[key, session]| {
            let place = match slot {
                Slot::Key => key,
                Slot::Session => session,
            };
            *place = Some(secret.clone());
        })
    }
}
