//! What the writer does for one request.

use relatch_core::{StoreError, session::refresh::Durability};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{row::Fault, savepoint};

/// One member of a batch.
pub(super) trait Job: Send {
    /// What its answer promises.
    fn durability(&self) -> Durability;

    /// Does its work inside the transaction; leaves nothing behind if it fails.
    fn run(&mut self, connection: &Connection, durability: Durability) -> Result<Step, Fault>;

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

/// A member of several statements: in a savepoint, so that it leaves nothing behind if it fails.
pub(super) struct Steps<T, F> {
    durability: Durability,
    work: Option<F>,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Steps<T, F> {
    pub(super) fn durable(work: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self {
            durability: Durability::Durable,
            work: Some(work),
            result: None,
            reply,
        }
    }

    pub(super) fn healing(work: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self {
            durability: Durability::Healing,
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
    fn durability(&self) -> Durability {
        self.durability
    }

    fn run(&mut self, connection: &Connection, _: Durability) -> Result<Step, Fault> {
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
