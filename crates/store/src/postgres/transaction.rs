//! A transaction: what it is limited to, and how it ends. Each method of the store is one.
//!
//! Locks are taken in one order, so that nobody waits for somebody who waits for him: that of the administrators' orders,
//! users by their ids, sessions by their ids, whatever hangs on one user, the tables of keys and of roles, and last the
//! record. Whoever opens, ends or judges sessions of a user holds the lock of the user's row; a rotation holds that of the
//! session's alone.

use std::{ops::Deref, time::Duration};

use relatch_core::{event::Event, revocation::Revocation, session::refresh::Durability};

use super::{
    pool::Lent,
    record::{self, Record},
    row::Fault,
};

/// How long the server works at a statement and waits for a lock before it gives up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Limits {
    pub(super) statement: Duration,
    pub(super) lock: Duration,
}

impl Limits {
    /// Set inside each transaction: a pooler lends another connection to the next.
    fn settings(self) -> String {
        let (statement, lock) = (self.statement.as_millis(), self.lock.as_millis());
        let idle = statement * 2;
        format!(
            "SET LOCAL statement_timeout = {statement}; SET LOCAL lock_timeout = {lock}; \
             SET LOCAL idle_in_transaction_session_timeout = {idle}"
        )
    }

    /// What begins a transaction: at the level that locks and numbers count on, whatever the database has by default.
    pub(super) fn begin(self) -> String {
        format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {}",
            self.settings()
        )
    }

    /// How long an operation may take before the connection is given up.
    pub(super) fn patience(self) -> Duration {
        (self.statement + self.lock) * 2
    }
}

/// A transaction that is open. Dropped without its end, it is undone.
pub(super) struct Transaction {
    lent: Lent,
    limits: Limits,
    durability: Durability,
    record: Record,
    wakes: bool,
    given_up: bool,
    open: bool,
}

impl Deref for Transaction {
    type Target = super::connection::Connection;

    fn deref(&self) -> &Self::Target {
        &self.lent
    }
}

impl Transaction {
    /// Begins one.
    pub(super) async fn begin(
        lent: Lent,
        limits: Limits,
        durability: Durability,
    ) -> Result<Self, Fault> {
        let transaction = Self::adopt(lent, limits, durability);
        transaction.run(&limits.begin()).await?;
        Ok(transaction)
    }

    /// For whoever sends what begins it together with the first statements.
    pub(super) fn adopt(lent: Lent, limits: Limits, durability: Durability) -> Self {
        Self {
            lent,
            limits,
            durability,
            record: Record::default(),
            wakes: false,
            given_up: false,
            open: true,
        }
    }

    /// Puts an event on record with its end.
    pub(super) fn append(&mut self, event: Event) {
        self.record.events.push(event);
    }

    /// Tells of something that is not good any more, with its end.
    pub(super) fn revoke(&mut self, entry: Revocation) {
        self.record.revocations.push(entry);
        self.wakes = true;
    }

    /// Tells other processes with its end that there is something to look at.
    pub(super) fn wake_others(&mut self) {
        self.wakes = true;
    }

    /// Undoes everything, in place of its end.
    pub(super) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// What it will write with its end.
    pub(super) fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    /// Promises that its end is on disk before anybody hears of it.
    pub(super) fn make_durable(&mut self) {
        self.durability = Durability::Durable;
    }

    /// Writes what was collected, and commits; whether others should be woken.
    pub(super) async fn end(mut self) -> Result<bool, Fault> {
        if self.given_up {
            let undone = self.run("ROLLBACK").await;
            self.open = undone.is_err();
            return undone.map(|()| false);
        }
        self.commit().await.map(|()| self.wakes)
    }

    async fn commit(&mut self) -> Result<(), Fault> {
        drop(self.lent.take_warning());
        let is_ordered = self.record.is_ordered();
        let script = match (is_ordered, self.durability) {
            (true, _) => record::LOCK,
            (false, Durability::Healing) => "SET LOCAL synchronous_commit = off",
            (false, Durability::Durable) => "",
        };
        // Each is sent when it is first polled, in this order, and none waits for the answer to the one before. Where one
        // is refused, nothing comes of those after it, and COMMIT undoes.
        let (turned, prepared, events, revocations, committed) = tokio::join!(
            self.record.write_turned(&self.lent),
            self.prepare(script),
            self.record.write_events(&self.lent),
            self.record.write_revocations(&self.lent),
            self.lent.run("COMMIT"),
        );
        let written = turned.and(prepared).and(events).and(revocations);
        if let Err(fault) = written {
            self.open = false;
            let is_undone = fault.is_refusal() && committed.is_ok();
            return Err(if is_undone {
                fault
            } else {
                unknown(&self.lent, &fault)
            });
        }
        self.settled(committed)?;
        if is_ordered && self.durability == Durability::Durable {
            self.flush().await?;
        }
        self.open = false;
        Ok(())
    }

    async fn prepare(&self, script: &str) -> Result<(), Fault> {
        if script.is_empty() {
            return Ok(());
        }
        self.lent.run(script).await
    }

    /// Sees to it that everything that was committed so far is as safe as the operator wants durable changes to be.
    async fn flush(&self) -> Result<(), Fault> {
        // A message to nobody: something has to be written for a commit to be flushed.
        let script = format!(
            "{}; SELECT pg_logical_emit_message(true, 'relatch', ''); COMMIT",
            self.limits.begin()
        );
        self.settled(self.lent.run(&script).await)
    }

    /// A commit that did not fail may still have been given up: PostgreSQL warns where it stopped waiting for a replica.
    fn settled(&self, committed: Result<(), Fault>) -> Result<(), Fault> {
        committed.map_err(|fault| unknown(&self.lent, &fault))?;
        match self.lent.take_warning() {
            None => Ok(()),
            Some(warning) => Err(Fault::Unknown(warning)),
        }
    }
}

/// Nobody knows whether it happened; what the connection says next is not to be trusted.
fn unknown(lent: &Lent, fault: &Fault) -> Fault {
    lent.spoil();
    Fault::Unknown(fault.to_string())
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.open || !self.lent.is_good() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            self.lent.spoil();
            return;
        };
        // Whoever waited has gone. What he sent is answered first, and then this.
        let (lent, patience) = (self.lent.take(), self.limits.patience());
        runtime.spawn(async move {
            let undone = tokio::time::timeout(patience, lent.run("ROLLBACK")).await;
            if !matches!(undone, Ok(Ok(()))) {
                lent.spoil();
            }
        });
    }
}
