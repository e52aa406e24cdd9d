//! Between requests and the writer's thread: a bounded queue in, whole batches of answers out. Crossing between threads is
//! what costs here, so that it is done once a batch and not once a request.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    thread::Thread,
};

use relatch_core::StoreError;
use tokio::sync::mpsc;

use super::job::Job;

/// The jobs that wait for the writer.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    capacity: usize,
}

#[derive(Default)]
struct Waiting {
    jobs: Vec<Box<dyn Job>>,
    closed: bool,
    writer: Option<Thread>,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            capacity: capacity.max(1),
        }
    }

    /// Adds a job and sees to it that the writer wakes, once everybody who is ready at this moment has added theirs.
    pub(super) async fn add(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        if self.push(job)? {
            // Rings even if this request is given up here: others rely on it by now.
            let bell = Bell(self);
            tokio::task::yield_now().await;
            drop(bell);
        }
        Ok(())
    }

    /// Moves waiting jobs into `batch`, up to `most` in all; waits only if that would leave it empty. False once closed and
    /// empty. For the writer's thread alone.
    pub(super) fn take(&self, batch: &mut Vec<Box<dyn Job>>, most: usize) -> bool {
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
                waiting.writer.get_or_insert_with(std::thread::current);
            }
            std::thread::park();
        }
    }

    /// Takes no more jobs; those that wait are still done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.ring();
    }

    /// Whether it was empty before.
    fn push(&self, job: Box<dyn Job>) -> Result<bool, StoreError> {
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

    fn ring(&self) {
        let writer = self.lock().writer.clone();
        // Without one the writer has not waited yet, and looks before it does.
        if let Some(writer) = writer {
            writer.unpark();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the writer when it is dropped.
struct Bell<'a>(&'a Queue);

impl Drop for Bell<'_> {
    fn drop(&mut self) {
        self.0.ring();
    }
}

/// The members of one commit and what became of it.
pub(super) struct Answers {
    pub(super) jobs: Vec<Box<dyn Job>>,
    pub(super) outcome: Result<(), StoreError>,
}

impl Answers {
    pub(super) fn give(self) {
        for job in self.jobs {
            job.answer(self.outcome);
        }
    }
}

/// Takes batches of answers to those who wait for them, on a thread of theirs.
#[derive(Clone)]
pub(super) struct Messenger(mpsc::UnboundedSender<Answers>);

impl Messenger {
    /// Starts in the runtime that this is called in.
    pub(super) fn start() -> Self {
        let (sender, mut batches) = mpsc::unbounded_channel::<Answers>();
        tokio::spawn(async move {
            while let Some(answers) = batches.recv().await {
                answers.give();
            }
        });
        Self(sender)
    }

    pub(super) fn send(&self, answers: Answers) {
        if let Err(undelivered) = self.0.send(answers) {
            undelivered.0.give();
        }
    }
}
