//! The one writer: whatever queued up while the last commit ran goes into the next one. No timer, so that a lone request
//! never waits.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use relatch_core::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    checkpoint::Checkpointer,
    connection::{Class, Connector},
    row::Fault,
    savepoint,
};

/// More members would make the first wait for the last without saving much.
const LARGEST_BATCH: usize = 256;

/// One member of a batch.
pub(super) trait Job: Send {
    /// What its answer promises.
    fn class(&self) -> Class;

    /// Does its work inside the transaction; leaves nothing behind if it fails.
    fn run(&mut self, connection: &Connection, class: Class) -> Result<Step, Fault>;

    /// Tells who waits, once the commit is done or has failed.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// How far a member came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Its work is in the transaction.
    Done,
    /// It wrote nothing and wants to go first into a durable batch.
    NeedsDurable,
}

enum Message {
    Work(Box<dyn Job>),
    Stop,
}

/// The writer's end that requests hold.
pub(super) struct Writer {
    sender: SyncSender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the writer's thread and the checkpointer's.
    pub(super) fn start(
        connection: Connection,
        connector: Connector,
        queue: usize,
    ) -> Result<Self, super::OpenError> {
        let (sender, inbox) = sync_channel(queue.max(1));
        let checkpointer = Checkpointer::start(connector.open()?)?;
        let state = Loop {
            connection: Some(connection),
            connector,
            class: None,
            checkpointer,
            inbox,
        };
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(|| state.run())?;
        Ok(Self {
            sender,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Queues a job and waits for its answer.
    pub(super) async fn submit<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Box<dyn Job>,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.sender
            .try_send(Message::Work(job(reply)))
            .map_err(|error| match error {
                TrySendError::Full(_) => StoreError::Overloaded,
                TrySendError::Disconnected(_) => StoreError::Unavailable,
            })?;
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
            // Both fail only if the thread is gone already.
            let _ = self.sender.send(Message::Stop);
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
    class: Option<Class>,
    checkpointer: Checkpointer,
    inbox: Receiver<Message>,
}

impl Loop {
    fn run(mut self) {
        let (mut first, mut open) = (Vec::new(), true);
        while open || !first.is_empty() {
            let mut batch = std::mem::take(&mut first);
            open = open && self.gather(&mut batch);
            first = self.process(batch);
            self.checkpointer.wake();
            if self.checkpointer.log_is_long() {
                self.restart_log();
            }
        }
        self.finish();
    }

    /// Takes what is queued, waiting only if there is nothing at all; false once told to stop.
    fn gather(&self, batch: &mut Vec<Box<dyn Job>>) -> bool {
        if batch.is_empty() {
            match self.inbox.recv() {
                Ok(Message::Work(job)) => batch.push(job),
                Ok(Message::Stop) | Err(_) => return false,
            }
        }
        while batch.len() < LARGEST_BATCH {
            match self.inbox.try_recv() {
                Ok(Message::Work(job)) => batch.push(job),
                Ok(Message::Stop) => return false,
                Err(_) => break,
            }
        }
        true
    }

    /// Commits a batch and answers it; gives back the members that go first into a durable one.
    fn process(&mut self, batch: Vec<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
        let durable = batch.iter().any(|job| job.class() == Class::Durable);
        let class = if durable {
            Class::Durable
        } else {
            Class::Healing
        };
        let mut members = Members::default();
        let committed = match self.begin(class) {
            Ok(connection) => {
                members.run(batch, connection, class) && execute(connection, "COMMIT")
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
        for job in members.done {
            job.answer(if committed {
                Ok(())
            } else {
                Err(StoreError::Unavailable)
            });
        }
        members.again
    }

    fn begin(&mut self, class: Class) -> rusqlite::Result<&Connection> {
        let connection = if let Some(connection) = self.connection.take() {
            connection
        } else {
            self.class = None;
            self.connector.open()?
        };
        if self.class != Some(class) {
            self.connector.set_class(&connection, class)?;
            self.class = Some(class);
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
    fn run(&mut self, batch: Vec<Box<dyn Job>>, connection: &Connection, class: Class) -> bool {
        for mut job in batch {
            // A lost transaction is not gone on with outside of one.
            if connection.is_autocommit() {
                self.done.push(job);
                continue;
            }
            match run(job.as_mut(), connection, class) {
                Ok(Step::Done) => self.done.push(job),
                Ok(Step::NeedsDurable) => self.again.push(job),
                Err(error) => job.answer(Err(error)),
            }
        }
        !connection.is_autocommit()
    }
}

/// A panic in one member is that member's failure, not the end of all writing.
fn run(job: &mut dyn Job, connection: &Connection, class: Class) -> Result<Step, StoreError> {
    catch_unwind(AssertUnwindSafe(|| job.run(connection, class))).map_or_else(
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

/// A member of several statements: in a savepoint, so that it leaves nothing behind if it fails.
pub(super) struct Steps<T, F> {
    class: Class,
    work: Option<F>,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Steps<T, F> {
    pub(super) fn durable(work: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self {
            class: Class::Durable,
            work: Some(work),
            result: None,
            reply,
        }
    }

    pub(super) fn healing(work: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self {
            class: Class::Healing,
            work: Some(work),
            result: None,
            reply,
        }
    }
}

impl<T, F> Job for Steps<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Fault> + Send,
{
    fn class(&self) -> Class {
        self.class
    }

    fn run(&mut self, connection: &Connection, _: Class) -> Result<Step, Fault> {
        let Some(work) = self.work.take() else {
            return Ok(Step::Done);
        };
        self.result = Some(savepoint::within(connection, work)?);
        Ok(Step::Done)
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { reply, result, .. } = *self;
        // Whoever waited may have gone.
        let _ = reply.send(outcome.and_then(|()| result.ok_or(StoreError::Unavailable)));
    }
}

#[cfg(test)]
mod tests;
