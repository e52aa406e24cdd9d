//! `session.refresh` at the table: select by id, let core decide, update by id.

use std::sync::Arc;

use relatch_core::{
    StoreError,
    event::Event,
    session::{
        EndReason, Policy, ReuseScope, Session,
        refresh::{self, Durability, Outcome, Request, Turn},
        store::{Ending, Which},
    },
};
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use super::{
    event,
    job::{Job, Step},
    row::Fault,
    savepoint,
    session::{end, find},
};

/// A refresh in a batch. It is healing until it turns out to leave something that must not be forgotten.
pub(super) struct Refresh {
    pub(super) request: Request,
    pub(super) policy: Arc<Policy>,
    pub(super) reply: oneshot::Sender<Result<Outcome, StoreError>>,
    pub(super) outcome: Option<Outcome>,
    pub(super) durability: Durability,
}

impl Job for Refresh {
    fn durability(&self) -> Durability {
        self.durability
    }

    fn run(&mut self, connection: &Connection, durability: Durability) -> Result<Step, Fault> {
        let found = find(connection, self.request.token.session())?;
        let outcome = refresh::turn(found, &self.request, &self.policy);
        if let Outcome::Turned(turned) = &outcome {
            if durability == Durability::Healing && turned.durability == Durability::Durable {
                self.durability = Durability::Durable;
                return Ok(Step::NeedsDurable);
            }
            self.write(connection, &turned.session, &turned.turn)?;
        }
        self.outcome = Some(outcome);
        Ok(Step::Done)
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self {
            reply,
            outcome: result,
            ..
        } = *self;
        // Whoever waited may have gone.
        let _ = reply.send(outcome.and_then(|()| result.ok_or(StoreError::Unavailable)));
    }
}

impl Refresh {
    fn write(&self, connection: &Connection, session: &Session, turn: &Turn) -> Result<(), Fault> {
        match turn {
            Turn::Rotate { .. } => rotate(connection, session),
            Turn::End(_) | Turn::Retry { late: true, .. } => self.record(connection, session, turn),
            Turn::Retry { late: false, .. } | Turn::Over(_) | Turn::Unproven(_) => Ok(()),
        }
    }

    /// An end with its event, or what an auditor looks for.
    fn record(&self, connection: &Connection, session: &Session, turn: &Turn) -> Result<(), Fault> {
        savepoint::within(connection, |connection| {
            if let Some(event) = Event::of_turn(session, turn, &self.request) {
                event::append(connection, &event)?;
            }
            match *turn {
                Turn::End(reason) => self.end(connection, session, reason),
                _ => Ok(()),
            }
        })
    }

    fn end(
        &self,
        connection: &Connection,
        session: &Session,
        reason: EndReason,
    ) -> Result<(), Fault> {
        let everywhere = reason == EndReason::Reuse && self.policy.on_reuse == ReuseScope::User;
        let which = if everywhere {
            Which::All
        } else {
            Which::One(session.id)
        };
        let ending = Ending {
            user: session.user,
            which,
            reason,
            origin: self.request.origin.clone(),
            now: self.request.now,
        };
        end(connection, &ending, &self.policy).map(|_| ())
    }
}

fn rotate(connection: &Connection, session: &Session) -> Result<(), Fault> {
    let sql = "UPDATE session SET generation = ?2, rotated_at = ?3 WHERE id = ?1";
    let life = &session.life;
    let changed = connection.prepare_cached(sql)?.execute(params![
        session.id.0.as_bytes(),
        life.generation.0,
        life.rotated_at.as_millis()
    ])?;
    if changed == 1 {
        Ok(())
    } else {
        Err(Fault::Corrupt("session"))
    }
}

#[cfg(test)]
mod tests;
