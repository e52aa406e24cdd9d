//! A bounded number of connections, used by whoever holds a permit, and a bounded number of those who wait for one.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    connection::{Connection, Connector},
    row::Fault,
};

/// The pool.
#[derive(Clone)]
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    connector: Arc<Connector>,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Arc<Connection>>>,
    waiting: AtomicUsize,
    most_waiting: usize,
    patience: Duration,
}

impl Pool {
    /// At most `size` connections, made when they are needed.
    pub(super) fn new(
        connector: Arc<Connector>,
        size: usize,
        most_waiting: usize,
        patience: Duration,
    ) -> Self {
        Self(Arc::new(Shared {
            connector,
            permits: Arc::new(Semaphore::new(size.max(1))),
            idle: Mutex::default(),
            waiting: AtomicUsize::new(0),
            most_waiting,
            patience,
        }))
    }

    /// Lends a connection.
    pub(super) async fn lend(&self) -> Result<Lent, Fault> {
        let permit = self.permit().await?;
        let known = loop {
            let Some(connection) = self.0.idle().pop() else {
                break None;
            };
            if connection.is_good() {
                break Some(connection);
            }
        };
        let connection = match known {
            Some(connection) => connection,
            None => Arc::new(self.0.connector.connect().await?),
        };
        Ok(Lent {
            connection,
            home: Some((Arc::clone(&self.0), permit)),
        })
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Fault> {
        let permits = Arc::clone(&self.0.permits);
        if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Waiting::enter(&self.0)?;
        let permit = tokio::time::timeout(self.0.patience, permits.acquire_owned()).await;
        let permit = permit.map_err(|_| Fault::Overloaded)?;
        permit.map_err(|_| Fault::Unreachable("the store is closed".to_owned()))
    }

    /// Closes what is idle now and whatever comes back. Later calls fail.
    pub(super) fn close(&self) {
        self.0.permits.close();
        self.0.idle().clear();
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One place among those who wait.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn enter(shared: &'a Shared) -> Result<Self, Fault> {
        let before = shared.waiting.fetch_add(1, Ordering::Relaxed);
        let entered = Self(shared);
        if before >= shared.most_waiting {
            return Err(Fault::Overloaded);
        }
        Ok(entered)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that goes back to its pool when it is dropped.
pub(super) struct Lent {
    connection: Arc<Connection>,
    home: Option<(Arc<Shared>, OwnedSemaphorePermit)>,
}

impl Lent {
    /// The same, in place of this one, which does not go back any more.
    pub(super) fn take(&mut self) -> Self {
        Self {
            connection: Arc::clone(&self.connection),
            home: self.home.take(),
        }
    }
}

impl std::ops::Deref for Lent {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some((shared, permit)) = self.home.take() else {
            return;
        };
        let connection = Arc::clone(&self.connection);
        if !connection.take_unanswered() {
            give_back(&shared, connection, permit);
            return;
        }
        // Whoever waited has gone, and what he sent is still at work: nobody else shall wait behind it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let settled = tokio::time::timeout(shared.patience, connection.run("")).await;
                if matches!(settled, Ok(Ok(()))) {
                    give_back(&shared, connection, permit);
                }
            });
        }
    }
}

fn give_back(shared: &Shared, connection: Arc<Connection>, permit: OwnedSemaphorePermit) {
    if connection.is_good() && !shared.permits.is_closed() {
        shared.idle().push(connection);
    }
    drop(permit);
}
