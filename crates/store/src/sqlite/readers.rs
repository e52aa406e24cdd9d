//! A few connections that only read, used by whoever holds a permit.

use std::sync::{Arc, Mutex, PoisonError};

use relatch_core::StoreError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::row::Fault;

/// The pool.
pub(super) struct Readers {
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let permits = Arc::new(Semaphore::new(connections.len()));
        Self {
            permits,
            idle: Arc::new(Mutex::new(connections)),
        }
    }

    /// Runs `work` on an idle connection, away from the threads that serve requests.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Unavailable)?;
        let idle = Arc::clone(&self.idle);
        let task = tokio::task::spawn_blocking(move || {
            let lock = || idle.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = lock().pop().ok_or(StoreError::Unavailable)?;
            let result = work(&connection);
            lock().push(connection);
            drop(permit);
            result.map_err(Fault::into_store_error)
        });
        task.await.unwrap_or(Err(StoreError::Unavailable))
    }
}
