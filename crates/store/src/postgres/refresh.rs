//! `session.refresh` at the table, in groups: whatever queued up while the last batch ran goes into the next one. One
//! transaction, two round trips: lock the rows in the order of their ids; let core decide; write what turned, and commit.
//!
//! Refreshes of one session go through one connection, in the order in which they came. So they need not wait for each
//! other's locks, and several with one token get one successor.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use relatch_core::{
    StoreError,
    event::Event,
    permission::RoleName,
    session::{
        EndReason, Policy, ReuseScope, Session, SessionId,
        refresh::{self, Durability, Outcome, Request, Turn, Turned},
        store::{Ending, Which},
    },
    user::UserId,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    Options, attempted,
    parameter::params,
    pool::Pool,
    queue::{Job, Queue},
    row::{self, Fault, SESSION_ROW},
    session,
    transaction::{Limits, Transaction},
    user,
    wake::Bell,
};
use crate::shape;

/// More members would make the first wait for the last without saving much.
const LARGEST_BATCH: usize = 256;

/// Where refreshes are handed in.
pub(super) struct Refreshes(Vec<Arc<Queue>>);

impl Refreshes {
    /// Starts a task for each connection that rotates.
    pub(super) fn start(options: &Options, pool: Pool, policy: &Arc<Policy>, bell: Bell) -> Self {
        let count = options.rotating.max(1);
        let queues = (0..count).map(|_| Arc::new(Queue::new(options.queue / count)));
        let queues: Vec<_> = queues.collect();
        for queue in &queues {
            let lane = Lane {
                queue: Arc::clone(queue),
                pool: pool.clone(),
                limits: options.limits(),
                policy: Arc::clone(policy),
                bell: bell.clone(),
            };
            tokio::spawn(lane.run());
        }
        Self(queues)
    }

    /// Hands one in and waits for its answer.
    pub(super) async fn submit(&self, request: Request) -> Result<Outcome, StoreError> {
        let id = request.token.session().0.as_u128();
        let lanes = u128::try_from(self.0.len()).unwrap_or(1);
        let lane = usize::try_from(id % lanes).unwrap_or(0);
        let queue = self.0.get(lane).ok_or(StoreError::Unavailable)?;
        let (job, answer) = Job::new(request);
        queue.add(job).await?;
        answer.await.unwrap_or(Err(StoreError::Unavailable))
    }

    /// Takes no more; what is queued is still done.
    pub(super) fn close(&self) {
        for queue in &self.0 {
            queue.close();
        }
    }
}

impl Drop for Refreshes {
    fn drop(&mut self) {
        self.close();
    }
}

/// One connection's share of the refreshes.
struct Lane {
    queue: Arc<Queue>,
    pool: Pool,
    limits: Limits,
    policy: Arc<Policy>,
    bell: Bell,
}

/// What becomes of a member of a batch.
enum Verdict {
    /// It is answered with this once the batch is committed.
    Answer(Outcome),
    /// It ends its session: in a transaction of its own, for that takes the lock of the user, and that comes first.
    Alone(UserId),
    /// Another member ends its session: it is looked at anew after that.
    Again,
}

impl Lane {
    async fn run(self) {
        let mut batch = Vec::new();
        while self.queue.take(&mut batch, LARGEST_BATCH).await {
            batch = self.process(batch).await;
        }
    }

    /// Turns a batch and answers its members, but for those that go first into the next one.
    async fn process(&self, batch: Vec<Job>) -> Vec<Job> {
        let turned = attempted!(self.limits, self.turn(&batch));
        let verdicts = match turned {
            Ok(verdicts) => verdicts,
            Err(error) => {
                for job in batch {
                    job.answer(Err(error));
                }
                return Vec::new();
            }
        };
        let (mut alone, mut again) = (Vec::new(), Vec::new());
        for (job, verdict) in batch.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Answer(outcome) => job.answer(Ok(outcome)),
                Verdict::Alone(user) => alone.push((job, user)),
                Verdict::Again => again.push(job),
            }
        }
        for (job, user) in alone {
            let ended = attempted!(self.limits, self.turn_alone(user, &job.request));
            job.answer(ended);
        }
        again
    }

    async fn turn(&self, batch: &[Job]) -> Result<Vec<Verdict>, Fault> {
        let lent = self.pool.lend().await?;
        let mut transaction = Transaction::adopt(lent, self.limits, Durability::Healing);
        let ids: BTreeSet<Uuid> = batch
            .iter()
            .map(|job| job.request.token.session().0)
            .collect();
        let sessions = lock(&transaction, self.limits, ids.into_iter().collect()).await?;
        let mut group = Group::new(sessions);
        let verdicts: Vec<_> = batch
            .iter()
            .map(|job| group.judge(&job.request, &self.policy))
            .collect();
        group.hand_to(&mut transaction);
        transaction.end().await?;
        Ok(verdicts)
    }

    /// A refresh that may end its session, decided anew under the locks that it takes.
    async fn turn_alone(&self, user: UserId, request: &Request) -> Result<Outcome, Fault> {
        let lent = self.pool.lend().await?;
        let mut transaction = Transaction::begin(lent, self.limits, Durability::Durable).await?;
        user::lock(&transaction, &[user]).await?;
        let id = request.token.session();
        if self.policy.on_reuse == ReuseScope::User {
            session::lock_with(&transaction, user, id).await?;
        }
        let found = session::lock_one(&transaction, id).await?;
        let outcome = refresh::turn(found, request, &self.policy);
        if let Outcome::Turned(turned) = &outcome {
            note(&mut transaction, turned, request);
            if let Turn::End(reason) = turned.turn {
                let ending = ending(&turned.session, reason, request, &self.policy);
                session::end(&mut transaction, &ending, &self.policy).await?;
            }
        }
        if transaction.end().await? {
            self.bell.ring();
        }
        Ok(outcome)
    }
}

/// Begins the transaction and locks the sessions, in one round trip. Roles are read by a statement of their own, which sees
/// what was committed while the one before waited for its locks.
async fn lock(
    transaction: &Transaction,
    limits: Limits,
    ids: Vec<Uuid>,
) -> Result<HashMap<SessionId, Session>, Fault> {
    let sessions = format!(
        "SELECT {SESSION_ROW} FROM session WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"
    );
    let roles = "SELECT user_id, role FROM user_role \
                 WHERE user_id IN (SELECT user_id FROM session WHERE id = ANY($1)) ORDER BY role";
    let begin = limits.begin();
    let (ids, again) = (params![ids], params![ids]);
    let (begun, sessions, roles) = tokio::join!(
        transaction.run(&begin),
        transaction.rows(&sessions, ids),
        transaction.rows(roles, again),
    );
    begun?;
    let roles = roles_by_user(&roles?)?;
    let mut found = HashMap::new();
    for row in &sessions? {
        let mut session = row::session_row(row)?;
        session.roles = roles.get(&session.user).cloned().unwrap_or_default();
        found.insert(session.id, session);
    }
    Ok(found)
}

fn roles_by_user(rows: &[Row]) -> Result<HashMap<UserId, Vec<RoleName>>, Fault> {
    let mut roles: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let role = shape::role_name(row.try_get(1)?)?;
        roles.entry(UserId(row.try_get(0)?)).or_default().push(role);
    }
    Ok(roles)
}

/// The sessions of a batch, as its members leave them.
struct Group {
    sessions: HashMap<SessionId, Session>,
    ending: BTreeSet<SessionId>,
    turned: BTreeMap<Uuid, (i64, i64)>,
    events: Vec<Event>,
    durability: Durability,
}

impl Group {
    fn new(sessions: HashMap<SessionId, Session>) -> Self {
        Self {
            sessions,
            ending: BTreeSet::new(),
            turned: BTreeMap::new(),
            events: Vec::new(),
            durability: Durability::Healing,
        }
    }

    fn judge(&mut self, request: &Request, policy: &Policy) -> Verdict {
        let id = request.token.session();
        if self.ending.contains(&id) {
            return Verdict::Again;
        }
        let outcome = refresh::turn(self.sessions.get(&id).cloned(), request, policy);
        let Outcome::Turned(turned) = &outcome else {
            return Verdict::Answer(outcome);
        };
        if matches!(turned.turn, Turn::End(_)) {
            self.ending.insert(id);
            return Verdict::Alone(turned.session.user);
        }
        if turned.durability == Durability::Durable {
            self.durability = Durability::Durable;
        }
        if let Some(row) = rotated(turned) {
            self.turned.insert(row.0, (row.1, row.2));
            self.sessions.insert(id, turned.session.clone());
        }
        self.events.extend(told(turned, request));
        Verdict::Answer(outcome)
    }

    /// What there is to write.
    fn hand_to(self, transaction: &mut Transaction) {
        if self.durability == Durability::Durable {
            transaction.make_durable();
        }
        let record = transaction.record();
        let turned = self.turned.into_iter();
        record.turned = turned.map(|(id, (to, at))| (id, to, at)).collect();
        record.events = self.events;
    }
}

/// What one turn leaves in the table of sessions and on record.
fn note(transaction: &mut Transaction, turned: &Turned, request: &Request) {
    let record = transaction.record();
    record.turned.extend(rotated(turned));
    record.events.extend(told(turned, request));
}

fn rotated(turned: &Turned) -> Option<(Uuid, i64, i64)> {
    let (session, life) = (&turned.session, &turned.session.life);
    let to = i64::from(life.generation.0);
    matches!(turned.turn, Turn::Rotate { .. })
        .then(|| (session.id.0, to, life.rotated_at.as_millis()))
}

fn told(turned: &Turned, request: &Request) -> Option<Event> {
    Event::of_turn(&turned.session, &turned.turn, request)
}

fn ending(session: &Session, reason: EndReason, request: &Request, policy: &Policy) -> Ending {
    let everywhere = reason == EndReason::Reuse && policy.on_reuse == ReuseScope::User;
    let which = if everywhere {
        Which::All
    } else {
        Which::One(session.id)
    };
    Ending {
        user: session.user,
        which,
        reason,
        origin: request.origin.clone(),
        now: request.now,
    }
}
