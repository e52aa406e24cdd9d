//! A few connections that only read, used by whoever holds a permit.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use relatch_core::StoreError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::row::Fault;

type Idle = Mutex<Vec<Connection>>;

/// The pool.
pub(super) struct Readers {
    permits: Arc<Semaphore>,
    idle: Arc<Idle>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let permits = Arc::new(Semaphore::new(connections.len()));
        Self {
            permits,
            idle: Arc::new(Mutex::new(connections)),
        }
    }

    /// Closes the connections, those at work once they are done. Later calls answer unavailable.
    pub(super) fn close(&self) {
        self.permits.close();
        lock(&self.idle).clear();
    }

    /// Runs `work` on an idle connection, away from the threads that serve requests.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Unavailable)?;
        let (idle, permits) = (Arc::clone(&self.idle), Arc::clone(&self.permits));
        let task = tokio::task::spawn_blocking(move || {
            let connection = lock(&idle).pop().ok_or(StoreError::Unavailable)?;
            // A panic must not take the connection with it: its permit comes back.
            let result = catch_unwind(AssertUnwindSafe(|| work(&connection)));
            let mut idle = lock(&idle);
            if !permits.is_closed() {
                idle.push(connection);
            }
            drop((idle, permit));
            let result = result.map_err(|_| StoreError::Unavailable)?;
            result.map_err(Fault::into_store_error)
        });
        task.await.unwrap_or(Err(StoreError::Unavailable))
    }
}

fn lock(idle: &Idle) -> MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
