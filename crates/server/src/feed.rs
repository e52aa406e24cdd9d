//! The feed of revocations: one look at the database for all followers, each event made once and shared.
//!
//! Owns the newest events in memory, and the place of each follower among them. A follower has no buffer of its own beyond a
//! handful of events: one that falls behind what is kept here is cut off, and comes back by the snapshot. Knows nothing of
//! credentials, and of HTTP no more than that answers are bytes.

mod event;
mod follower;
mod snapshot;
mod tail;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use relatch_core::{Store, StoreError, Timestamp, revocation::Position};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

pub(crate) use follower::Follower;
pub(crate) use snapshot::Snapshots;

use tail::{Since, Tail};

/// How many entries one look takes from the database at a time.
const PAGE: u32 = 4_096;

/// The newest revocations, and who follows them.
pub(crate) struct Feed {
    tail: Mutex<Tail>,
    /// Tells every follower that there is something new.
    changed: watch::Sender<()>,
    /// One looks at a time, so that nothing is taken twice.
    looking: tokio::sync::Mutex<()>,
    slots: Arc<Semaphore>,
}

impl Feed {
    /// A feed that keeps the `buffer` newest events, and begins with what comes from now on.
    pub(crate) async fn open(
        store: &dyn Store,
        buffer: usize,
        max_followers: usize,
    ) -> Result<Self, StoreError> {
        // Nothing comes after the last sequence there can be, and the end is told with it.
        let end = store.revocations_after(u64::MAX, 0).await?;
        Ok(Self {
            tail: Mutex::new(Tail::at(end.last, buffer)),
            changed: watch::Sender::new(()),
            looking: tokio::sync::Mutex::default(),
            slots: Arc::new(Semaphore::new(max_followers)),
        })
    }

    /// Takes what was revoked since the last look.
    pub(crate) async fn look(&self, store: &dyn Store) -> Result<(), StoreError> {
        let _alone = self.looking.lock().await;
        loop {
            let place = self.tail().end();
            let backlog = store.revocations_after(place, PAGE).await?;
            let (more, new) = (backlog.more, self.tail().take(backlog));
            if new {
                self.changed.send_replace(());
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Says that up to here everything was told at `at`.
    pub(crate) fn beat(&self, at: Timestamp) {
        self.tail().beat(at);
        self.changed.send_replace(());
    }

    /// Wakes every follower, for something else than a revocation.
    pub(crate) fn wake(&self) {
        self.changed.send_replace(());
    }

    /// Ends every stream, now and later.
    pub(crate) fn close(&self) {
        self.tail().close();
        self.changed.send_replace(());
    }

    /// A place for one more follower, unless there are too many.
    pub(crate) fn slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    /// Where a follower goes on that knows everything up to `last`; one that knows nothing begins at the beginning. That
    /// there is no such place, it is told on its stream.
    pub(crate) async fn place(
        &self,
        store: &dyn Store,
        last: Option<Position>,
    ) -> Result<Position, StoreError> {
        let Some(last) = last else {
            let epoch = self.tail().epoch().to_owned();
            return Ok(Position { epoch, sequence: 0 });
        };
        if self.tail().end() < last.sequence {
            // The snapshot may know more than the last look.
            self.look(store).await?;
        }
        Ok(last)
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn since(&self, place: &follower::Place) -> Since {
        self.tail().since(place)
    }
}
