//! Refreshes that wait to be turned together: a bounded queue for each connection that rotates.

use std::sync::{Mutex, MutexGuard, PoisonError};

use relatch_core::{
    StoreError,
    session::refresh::{Outcome, Request},
};
use tokio::sync::{Notify, oneshot};

/// A refresh, and who waits for what becomes of it.
pub(super) struct Job {
    pub(super) request: Request,
    reply: oneshot::Sender<Result<Outcome, StoreError>>,
}

impl Job {
    /// One, and where its answer comes.
    pub(super) fn new(request: Request) -> (Self, oneshot::Receiver<Result<Outcome, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        (Self { request, reply }, answer)
    }

    pub(super) fn answer(self, outcome: Result<Outcome, StoreError>) {
        // Whoever waited may have gone.
        let _ = self.reply.send(outcome);
    }
}

/// Jobs that wait for one connection.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    bell: Notify,
    capacity: usize,
}

#[derive(Default)]
struct Waiting {
    jobs: Vec<Job>,
    closed: bool,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            bell: Notify::new(),
            capacity: capacity.max(1),
        }
    }

    /// Adds a job and sees to it that it is taken, once everybody who is ready at this moment has added theirs.
    pub(super) async fn add(&self, job: Job) -> Result<(), StoreError> {
        if self.push(job)? {
            // Rings even if this request is given up here: others rely on it by now.
            let bell = Ringing(&self.bell);
            tokio::task::yield_now().await;
            drop(bell);
        }
        Ok(())
    }

    /// Moves waiting jobs behind those in `batch`, up to `most` in all; waits only if that would leave it empty. False once
    /// closed and empty.
    pub(super) async fn take(&self, batch: &mut Vec<Job>, most: usize) -> bool {
        loop {
            {
                let mut waiting = self.lock();
                let room = most.saturating_sub(batch.len()).min(waiting.jobs.len());
                batch.extend(waiting.jobs.drain(..room));
                if !batch.is_empty() {
                    return true;
                }
                if waiting.closed {
                    return false;
                }
            }
            self.bell.notified().await;
        }
    }

    /// Takes no more jobs; those that wait are still done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.bell.notify_one();
    }

    /// Whether it was empty before.
    fn push(&self, job: Job) -> Result<bool, StoreError> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(StoreError::Unavailable);
        }
        if waiting.jobs.len() >= self.capacity {
            return Err(StoreError::Overloaded);
        }
        waiting.jobs.push(job);
        Ok(waiting.jobs.len() == 1)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes whoever takes jobs when it is dropped.
struct Ringing<'a>(&'a Notify);

impl Drop for Ringing<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}
