//! The one writer: whatever queued up while the last commit ran goes into the next one. No timer, so that a lone request
//! never waits.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use relatch_core::{StoreError, session::refresh::Durability};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    checkpoint::Checkpointer,
    connection::Connector,
    job::{Job, Step},
    queue::{Answers, Messenger, Queue},
    row::Fault,
};

/// More members would make the first wait for the last without saving much.
const LARGEST_BATCH: usize = 256;

/// The writer's end that requests hold.
pub(super) struct Writer {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the writer's thread, the checkpointer's, and in this runtime the messenger.
    pub(super) fn start(
        connection: Connection,
        connector: Connector,
        queue: usize,
    ) -> Result<Self, super::OpenError> {
        let queue = Arc::new(Queue::new(queue));
        let state = Loop {
            connection: Some(connection),
            checkpointer: Checkpointer::start(connector.open()?)?,
            connector,
            durability: None,
            queue: Arc::clone(&queue),
        };
        let messenger = Messenger::start();
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || state.run(&messenger))?;
        Ok(Self {
            queue,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Queues a job and waits for its answer.
    pub(super) async fn submit<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Box<dyn Job>,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.add(job(reply)).await?;
        answer.await.unwrap_or(Err(StoreError::Unavailable))
    }

    /// Finishes what is queued and ends the thread.
    pub(super) fn stop(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            self.queue.close();
            // It fails only if the thread panicked, and then there is nothing to wait for.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Loop {
    connection: Option<Connection>,
    connector: Connector,
    durability: Option<Durability>,
    checkpointer: Checkpointer,
    queue: Arc<Queue>,
}

impl Loop {
    fn run(mut self, messenger: &Messenger) {
        let mut batch = Vec::new();
        while self.queue.take(&mut batch, LARGEST_BATCH) {
            let (answers, first) = self.process(batch);
            messenger.send(answers);
            batch = first;
            self.checkpointer.wake();
            if self.checkpointer.log_is_long() {
                self.restart_log();
            }
        }
        self.finish();
    }

    /// Commits a batch: what to answer, and the members that go first into a durable one.
    fn process(&mut self, batch: Vec<Box<dyn Job>>) -> (Answers, Vec<Box<dyn Job>>) {
        let durable = batch
            .iter()
            .any(|job| job.durability() == Durability::Durable);
        let durability = if durable {
            Durability::Durable
        } else {
            Durability::Healing
        };
        let mut members = Members::default();
        let committed = match self.begin(durability) {
            Ok(connection) => {
                members.run(batch, connection, durability) && execute(connection, "COMMIT")
            }
            Err(error) => {
                tracing::error!(%error, "the database takes no transaction");
                members.done = batch;
                false
            }
        };
        if !committed {
            self.connection = None;
        }
        let outcome = if committed {
            Ok(())
        } else {
            Err(StoreError::Unavailable)
        };
        let jobs = members.done;
        (Answers { jobs, outcome }, members.again)
    }

    fn begin(&mut self, durability: Durability) -> rusqlite::Result<&Connection> {
        let connection = if let Some(connection) = self.connection.take() {
            connection
        } else {
            self.durability = None;
            self.connector.open()?
        };
        if self.durability != Some(durability) {
            self.connector.set_durability(&connection, durability)?;
            self.durability = Some(durability);
        }
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(self.connection.insert(connection))
    }

    /// Waits until the log is copied and starts it anew: once in a while, between batches.
    fn restart_log(&mut self) {
        if let Some(connection) = &self.connection {
            self.checkpointer.restart(connection);
        }
    }

    fn finish(self) {
        self.checkpointer.stop();
        if let Some(connection) = self.connection {
            super::checkpoint::truncate(&connection);
        }
    }
}

/// The members of a batch while it runs.
#[derive(Default)]
struct Members {
    done: Vec<Box<dyn Job>>,
    again: Vec<Box<dyn Job>>,
}

impl Members {
    /// Runs all of them; false if the transaction was lost on the way, and then nothing of it happened.
    fn run(
        &mut self,
        batch: Vec<Box<dyn Job>>,
        connection: &Connection,
        durability: Durability,
    ) -> bool {
        for mut job in batch {
            // A lost transaction is not gone on with outside of one.
            if connection.is_autocommit() {
                self.done.push(job);
                continue;
            }
            match run(job.as_mut(), connection, durability) {
                Ok(Step::Done) => self.done.push(job),
                Ok(Step::NeedsDurable) => self.again.push(job),
                Err(error) => job.answer(Err(error)),
            }
        }
        !connection.is_autocommit()
    }
}

/// A panic in one member is that member's failure, not the end of all writing.
fn run(
    job: &mut dyn Job,
    connection: &Connection,
    durability: Durability,
) -> Result<Step, StoreError> {
    catch_unwind(AssertUnwindSafe(|| job.run(connection, durability))).map_or_else(
        |_| {
            execute(connection, "ROLLBACK");
            Err(StoreError::Unavailable)
        },
        |result| result.map_err(Fault::into_store_error),
    )
}

fn execute(connection: &Connection, sql: &'static str) -> bool {
    let result = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]));
    if let Err(error) = &result {
        tracing::error!(%error, sql, "the database refused");
    }
    result.is_ok()
}

#[cfg(test)]
mod tests;
