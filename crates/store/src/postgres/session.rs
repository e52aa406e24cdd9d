//! Sessions in PostgreSQL.

use async_trait::async_trait;
use relatch_core::{
    StoreError, Timestamp,
    event::{Administrator, Event, EventKind, Origin},
    session::{
        Delivery, EndReason, Policy, Session, SessionId, Thumbprint,
        open::Opening,
        refresh::{Outcome, Request},
        store::{Ending, History, Opened, SessionQuery, SessionStore, Which},
    },
    store::Changed,
    user::{CredentialVersion, UserId},
};
use uuid::Uuid;

use super::{
    Postgres, administer, background,
    connection::Connection,
    durable, healing, history,
    parameter::params,
    reading, revocation, role,
    row::{self, Fault, SESSION},
    transaction::Transaction,
    user,
};
use crate::shape;

#[async_trait]
impl SessionStore for Postgres {
    async fn open_session(&self, opening: Opening) -> Result<Opened, StoreError> {
        durable!(self, |transaction| open(
            transaction,
            &opening,
            &self.policy
        ))
    }

    async fn refresh(&self, request: Request) -> Result<Outcome, StoreError> {
        self.refreshes.submit(request).await
    }

    async fn find_session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        reading!(self, |connection| find(connection, id))
    }

    async fn list_sessions(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        reading!(self, |connection| of_user(connection, user, ""))
    }

    async fn end_sessions(&self, ending: Ending) -> Result<usize, StoreError> {
        durable!(self, |transaction| end_under_lock(
            transaction,
            &ending,
            &self.policy
        ))
    }

    async fn end_sessions_of(
        &self,
        user: UserId,
        which: Which,
        by: Administrator,
    ) -> Result<Changed<usize>, StoreError> {
        durable!(self, |transaction| administer::end(
            transaction,
            (user, which),
            &by,
            &self.policy
        ))
    }

    async fn sweep_sessions(
        &self,
        after: Option<SessionId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Option<SessionId>, usize), StoreError> {
        let take = healing!(self, |transaction| background::take(
            transaction,
            SWEEP,
            self.node()
        ));
        if !take? {
            return Ok((None, 0));
        }
        let page = reading!(self, |connection| page(connection, after, limit))?;
        if page.is_empty() {
            healing!(self, |transaction| background::rest(
                transaction,
                SWEEP,
                self.node()
            ))?;
        }
        let next = page.last().map(|session| session.id);
        let old: Vec<_> = page
            .into_iter()
            .filter(|session| session.life.forgettable(&self.policy, now))
            .collect();
        if old.is_empty() {
            return Ok((next, 0));
        }
        let gone = healing!(self, |transaction| forget(transaction, &old))?;
        Ok((next, gone))
    }

    async fn browse_sessions(&self, query: SessionQuery) -> Result<Vec<Session>, StoreError> {
        reading!(self, |connection| history::browse(connection, &query))
    }

    async fn session_history(&self, id: SessionId, limit: u32) -> Result<History, StoreError> {
        healing!(self, |transaction| history::of_session(
            transaction,
            id,
            limit
        ))
    }
}

/// The walk along all sessions, among background work.
const SWEEP: &str = "sweep_sessions";

pub(super) async fn find(connection: &Connection, id: SessionId) -> Result<Option<Session>, Fault> {
    let sql = format!("SELECT {SESSION} FROM session WHERE id = $1");
    let rows = connection.rows(&sql, params![id.0]).await?;
    row::first(&rows, row::session)
}

/// How rows are locked that may be changed: without keeping others from naming them.
const LOCKED: &str = "ORDER BY id FOR NO KEY UPDATE";

/// Those that nobody ended, some of which may have run out; with what locks them, or nothing.
async fn of_user(connection: &Connection, user: UserId, lock: &str) -> Result<Vec<Session>, Fault> {
    let sql =
        format!("SELECT {SESSION} FROM session WHERE user_id = $1 AND ended_at IS NULL {lock}");
    let rows = connection.rows(&sql, params![user.0]).await?;
    row::all(&rows, row::session)
}

/// The same, locked. Whoever calls holds the lock of the user.
pub(super) async fn lock_of_user(
    connection: &Connection,
    user: UserId,
) -> Result<Vec<Session>, Fault> {
    of_user(connection, user, LOCKED).await
}

/// Locks those of the user, and one more of whoever's it is, in one order. Who needs both must not take one lock after the
/// other: rotations take theirs in the order of ids. Whoever calls holds the locks of both users.
pub(super) async fn lock_with(
    connection: &Connection,
    user: UserId,
    other: SessionId,
) -> Result<(), Fault> {
    let sql = format!(
        "SELECT FROM session WHERE (user_id = $1 AND ended_at IS NULL) OR id = $2 {LOCKED}"
    );
    connection
        .rows(&sql, params![user.0, other.0])
        .await
        .map(drop)
}

/// Whose a session is, which never changes; nobody's if there is none.
pub(super) async fn owner(
    connection: &Connection,
    id: Option<SessionId>,
) -> Result<Option<UserId>, Fault> {
    let Some(id) = id else { return Ok(None) };
    let sql = "SELECT user_id FROM session WHERE id = $1";
    row::first(&connection.rows(sql, params![id.0]).await?, |row| {
        Ok(UserId(row.try_get(0)?))
    })
}

/// One session, locked. Whoever calls holds the lock of its user.
pub(super) async fn lock_one(
    connection: &Connection,
    id: SessionId,
) -> Result<Option<Session>, Fault> {
    let sql = format!("SELECT {SESSION} FROM session WHERE id = $1 {LOCKED}");
    let rows = connection.rows(&sql, params![id.0]).await?;
    row::first(&rows, row::session)
}

async fn page(
    connection: &Connection,
    after: Option<SessionId>,
    limit: u32,
) -> Result<Vec<Session>, Fault> {
    let sql = format!(
        "SELECT {SESSION} FROM session WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2"
    );
    let parameters = params![after.map(|id| id.0), i64::from(limit)];
    row::all(&connection.rows(&sql, parameters).await?, row::session)
}

/// Removes rows unless somebody turned them meanwhile: the time alone would not tell of a turn within the millisecond. One
/// that is being turned is left for the next walk.
async fn forget(connection: &Connection, old: &[Session]) -> Result<usize, Fault> {
    let sql = "DELETE FROM session USING \
               (SELECT session.id FROM session JOIN unnest($1, $2) AS old (id, generation) \
                ON session.id = old.id AND session.generation = old.generation \
                ORDER BY session.id FOR UPDATE OF session SKIP LOCKED) AS gone \
               WHERE session.id = gone.id";
    let ids: Vec<Uuid> = old.iter().map(|session| session.id.0).collect();
    let generations: Vec<i64> = old
        .iter()
        .map(|session| i64::from(session.life.generation.0))
        .collect();
    let gone = connection.execute(sql, params![ids, generations]).await?;
    Ok(usize::try_from(gone).unwrap_or(usize::MAX))
}

async fn open(
    transaction: &mut Transaction,
    opening: &Opening,
    policy: &Policy,
) -> Result<Opened, Fault> {
    let Opening {
        session,
        verified,
        rehashed,
        replaces,
        origin,
    } = opening;
    let older = owner(transaction, *replaces).await?;
    let concerned: Vec<_> = older.into_iter().chain([session.user]).collect();
    user::lock(transaction, &concerned).await?;
    if let Some(refusal) = stale(transaction, session.user, *verified).await? {
        return Ok(refusal);
    }
    if let Some(hash) = rehashed {
        user::set_hash(transaction, session.user, hash).await?;
    }
    if let (Some(id), Some(owner)) = (*replaces, older) {
        lock_with(transaction, session.user, id).await?;
        replace(transaction, (id, owner), session, origin, policy).await?;
    }
    make_room(transaction, opening, policy).await?;
    let mut session = session.clone();
    session.roles = role::of_user(transaction, session.user).await?;
    insert(transaction, &session).await?;
    let at = session.created_at;
    transaction.append(Event::of_session(&session, EventKind::LoggedIn, origin, at));
    Ok(Opened::Session(Box::new(session)))
}

/// Why credentials that were verified a moment ago do not count any more. Whoever calls holds the lock of the user.
pub(super) async fn stale(
    connection: &Connection,
    user: UserId,
    verified: CredentialVersion,
) -> Result<Option<Opened>, Fault> {
    use relatch_core::user::UserState::Disabled;
    Ok(match user::by_id(connection, user).await? {
        Some(found) if found.user.state == Disabled => Some(Opened::UserDisabled),
        Some(found) if found.version == verified => None,
        _ => Some(Opened::CredentialsChanged),
    })
}

/// Ends the session whose place a new one takes, whoever's it is. Whoever calls holds the lock of its user.
pub(super) async fn replace(
    transaction: &mut Transaction,
    (old, owner): (SessionId, UserId),
    new: &Session,
    origin: &Origin,
    policy: &Policy,
) -> Result<(), Fault> {
    let ending = Ending {
        user: owner,
        which: Which::One(old),
        reason: EndReason::Replaced,
        origin: origin.clone(),
        now: new.created_at,
    };
    end(transaction, &ending, policy).await.map(drop)
}

/// Ends the longest unused sessions until one more fits.
async fn make_room(
    transaction: &mut Transaction,
    opening: &Opening,
    policy: &Policy,
) -> Result<(), Fault> {
    let (user, now) = (opening.session.user, opening.session.created_at);
    let most = policy.max_per_user.max(1);
    // Most users have few: nothing of theirs is locked.
    if of_user(transaction, user, "").await?.len() < most {
        return Ok(());
    }
    let mut live = lock_of_user(transaction, user).await?;
    live.retain(|session| !session.is_over(policy, now));
    live.sort_by_key(|session| session.life.rotated_at);
    let surplus = (live.len() + 1).saturating_sub(most);
    let ending = Ending {
        user,
        which: Which::All,
        reason: EndReason::SessionLimit,
        origin: opening.origin.clone(),
        now,
    };
    live.truncate(surplus);
    end_all(transaction, &live, &ending, policy).await
}

pub(super) async fn insert(connection: &Connection, session: &Session) -> Result<(), Fault> {
    let sql = "INSERT INTO session (id, user_id, secret, generation, rotated_at, created_at, \
               expires_at, remember_me, jkt, device, scope, delivery) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let life = &session.life;
    let key = session.key.as_ref().map(Thumbprint::as_bytes);
    let parameters = params![
        session.id.0,
        session.user.0,
        session.secret.expose().as_slice(),
        i64::from(life.generation.0),
        life.rotated_at.as_millis(),
        session.created_at.as_millis(),
        life.expires_at.as_millis(),
        life.remember_me,
        key.map(<[u8; 32]>::as_slice),
        session.device.as_bytes(),
        session.scope.as_ref().map(shape::permission_text),
        i16::from(session.delivery == Delivery::Cookie),
    ];
    connection.execute(sql, parameters).await.map(drop)
}

async fn end_under_lock(
    transaction: &mut Transaction,
    ending: &Ending,
    policy: &Policy,
) -> Result<usize, Fault> {
    user::lock(transaction, &[ending.user]).await?;
    end(transaction, ending, policy).await
}

/// Ends those of the user's sessions that are meant, each with an event; how many of them were live. Of all, those that
/// have run out are ended too: a clock that goes back must not bring them to life again. Whoever calls holds the lock of the
/// user.
pub(super) async fn end(
    transaction: &mut Transaction,
    ending: &Ending,
    policy: &Policy,
) -> Result<usize, Fault> {
    let mut meant = match ending.which {
        Which::One(id) => lock_one(transaction, id).await?.into_iter().collect(),
        Which::All | Which::AllBut(_) => lock_of_user(transaction, ending.user).await?,
    };
    meant.retain(|session| shape::is_meant(session, ending, policy));
    end_all(transaction, &meant, ending, policy).await?;
    let live = meant
        .iter()
        .filter(|session| !session.is_over(policy, ending.now));
    Ok(live.count())
}

/// Ends these, whose rows are locked.
async fn end_all(
    transaction: &mut Transaction,
    sessions: &[Session],
    ending: &Ending,
    policy: &Policy,
) -> Result<(), Fault> {
    if sessions.is_empty() {
        return Ok(());
    }
    let sql = "UPDATE session SET ended_at = $2, end_reason = $3 WHERE id = ANY($1)";
    let ids: Vec<Uuid> = sessions.iter().map(|session| session.id.0).collect();
    let reason = i16::from(ending.reason.number());
    let parameters = params![ids, ending.now.as_millis(), reason];
    transaction.execute(sql, parameters).await?;
    for session in sessions {
        let kind = EventKind::SessionEnded(ending.reason);
        transaction.append(Event::of_session(session, kind, &ending.origin, ending.now));
    }
    revocation::append_sessions(transaction, sessions, policy, ending.now).await
}
