//! Sessions in SQLite.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use relatch_core::{
    StoreError, Timestamp,
    event::{Administrator, Event, EventKind, Origin},
    session::{
        Delivery, EndReason, Policy, Session, SessionId, Thumbprint,
        open::Opening,
        refresh::{Durability, Outcome, Request, Turn},
        store::{Ending, History, Opened, SessionQuery, SessionStore, Which},
    },
    store::Changed,
    user::{CredentialVersion, UserId},
};
use rusqlite::{Connection, params};

use super::{
    Sqlite, administer, authority, event, history,
    refresh::Refresh,
    revocation, role,
    row::{self, Fault, SESSION},
    user,
};
use crate::shape;

#[async_trait]
impl SessionStore for Sqlite {
    async fn open_session(&self, opening: Opening) -> Result<Opened, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.revoking(move |connection| open(connection, opening, &policy))
            .await
    }

    async fn refresh(&self, request: Request) -> Result<Outcome, StoreError> {
        let (policy, durability) = (Arc::clone(&self.policy), Durability::Healing);
        let outcome = self
            .writer
            .submit(|reply| {
                Box::new(Refresh {
                    request,
                    policy,
                    reply,
                    outcome: None,
                    durability,
                })
            })
            .await;
        if let Ok(Outcome::Turned(turned)) = &outcome
            && matches!(turned.turn, Turn::End(_))
        {
            self.revoked.notify_one();
        }
        outcome
    }

    async fn find_session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.readers
            .read(move |connection| find(connection, id))
            .await
    }

    async fn list_sessions(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        self.readers
            .read(move |connection| of_user(connection, user))
            .await
    }

    async fn end_sessions(&self, ending: Ending) -> Result<usize, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.revoking(move |connection| end(connection, &ending, &policy))
            .await
    }

    async fn end_sessions_of(
        &self,
        user: UserId,
        which: Which,
        by: Administrator,
    ) -> Result<Changed<usize>, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.revoking(move |connection| {
            authority::ordered(connection, &by, &policy, |authority| {
                administer::end(connection, (user, which), &by, authority, &policy)
            })
        })
        .await
    }

    async fn sweep_sessions(
        &self,
        after: Option<SessionId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Option<SessionId>, usize), StoreError> {
        let page = self
            .readers
            .read(move |connection| page(connection, after, limit))
            .await?;
        let next = page.last().map(|session| session.id);
        let old: Vec<_> = page
            .into_iter()
            .filter(|session| session.life.forgettable(&self.policy, now))
            .collect();
        if old.is_empty() {
            return Ok((next, 0));
        }
        let gone = self
            .healing(move |connection| forget(connection, &old))
            .await?;
        Ok((next, gone))
    }

    async fn browse_sessions(&self, query: SessionQuery) -> Result<Vec<Session>, StoreError> {
        self.readers
            .read(move |connection| history::browse(connection, &query))
            .await
    }

    async fn session_history(&self, id: SessionId, limit: u32) -> Result<History, StoreError> {
        self.readers
            .read(move |connection| history::of_session(connection, id, limit))
            .await
    }
}

/// The hot one: no text is built for it each time.
static BY_ID: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {SESSION} FROM session WHERE id = ?1"));

pub(super) fn find(connection: &Connection, id: SessionId) -> Result<Option<Session>, Fault> {
    let mut statement = connection.prepare_cached(&BY_ID)?;
    row::first(statement.query([id.0.as_bytes()])?, row::session)
}

/// Those that nobody ended; some of them may have run out.
pub(super) fn of_user(connection: &Connection, user: UserId) -> Result<Vec<Session>, Fault> {
    let sql = format!("SELECT {SESSION} FROM session WHERE user_id = ?1 AND ended_at IS NULL");
    let mut statement = connection.prepare_cached(&sql)?;
    row::all(statement.query([user.0.as_bytes()])?, row::session)
}

fn page(
    connection: &Connection,
    after: Option<SessionId>,
    limit: u32,
) -> Result<Vec<Session>, Fault> {
    let sql = format!("SELECT {SESSION} FROM session WHERE id > ?1 ORDER BY id LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let after = after.map_or_else(Vec::new, |id| id.0.as_bytes().to_vec());
    row::all(statement.query(params![after, limit])?, row::session)
}

/// Removes rows unless somebody turned them meanwhile: the time alone would not tell of a turn within the millisecond.
fn forget(connection: &Connection, old: &[Session]) -> Result<usize, Fault> {
    let mut statement =
        connection.prepare_cached("DELETE FROM session WHERE id = ?1 AND generation = ?2")?;
    let mut gone = 0;
    for session in old {
        gone += statement.execute(params![session.id.0.as_bytes(), session.life.generation.0])?;
    }
    Ok(gone)
}

fn open(connection: &Connection, opening: Opening, policy: &Policy) -> Result<Opened, Fault> {
    let Opening {
        mut session,
        verified,
        rehashed,
        replaces,
        origin,
    } = opening;
    if let Some(refusal) = stale(connection, session.user, verified)? {
        return Ok(refusal);
    }
    if let Some(hash) = rehashed {
        user::set_hash(connection, session.user, &hash)?;
    }
    replace(connection, replaces, &session, &origin, policy)?;
    make_room(connection, &session, &origin, policy)?;
    session.roles = role::of_user(connection, session.user)?;
    insert(connection, &session)?;
    let event = Event::of_session(&session, EventKind::LoggedIn, &origin, session.created_at);
    event::append(connection, &event)?;
    Ok(Opened::Session(Box::new(session)))
}

/// Why credentials that were verified a moment ago do not count any more.
pub(super) fn stale(
    connection: &Connection,
    user: UserId,
    verified: CredentialVersion,
) -> Result<Option<Opened>, Fault> {
    use relatch_core::user::UserState::Disabled;
    Ok(match user::by_id(connection, user)? {
        Some(found) if found.user.state == Disabled => Some(Opened::UserDisabled),
        Some(found) if found.version == verified => None,
        _ => Some(Opened::CredentialsChanged),
    })
}

/// Ends the session whose place a new one takes, whoever's it is.
pub(super) fn replace(
    connection: &Connection,
    old: Option<SessionId>,
    new: &Session,
    origin: &Origin,
    policy: &Policy,
) -> Result<(), Fault> {
    let found = old.map(|id| find(connection, id)).transpose()?.flatten();
    let Some(old) = found else { return Ok(()) };
    let ending = Ending {
        user: old.user,
        which: Which::One(old.id),
        reason: EndReason::Replaced,
        origin: origin.clone(),
        now: new.created_at,
    };
    end(connection, &ending, policy).map(|_| ())
}

/// Ends the longest unused sessions until one more fits.
fn make_room(
    connection: &Connection,
    new: &Session,
    origin: &Origin,
    policy: &Policy,
) -> Result<(), Fault> {
    let mut live = of_user(connection, new.user)?;
    live.retain(|session| !session.is_over(policy, new.created_at));
    live.sort_by_key(|session| session.life.rotated_at);
    let surplus = (live.len() + 1).saturating_sub(policy.max_per_user.max(1));
    let ending = Ending {
        user: new.user,
        which: Which::All,
        reason: EndReason::SessionLimit,
        origin: origin.clone(),
        now: new.created_at,
    };
    for session in live.iter().take(surplus) {
        end_one(connection, session, &ending, policy)?;
    }
    Ok(())
}

pub(super) fn insert(connection: &Connection, session: &Session) -> Result<(), Fault> {
    let sql = "INSERT INTO session (id, user_id, secret, generation, rotated_at, created_at, expires_at, remember_me, jkt, device, scope, delivery) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let scope = session.scope.as_ref().map(shape::permission_text);
    let life = &session.life;
    connection.prepare_cached(sql)?.execute(params![
        session.id.0.as_bytes(),
        session.user.0.as_bytes(),
        session.secret.expose(),
        life.generation.0,
        life.rotated_at.as_millis(),
        session.created_at.as_millis(),
        life.expires_at.as_millis(),
        life.remember_me,
        session.key.as_ref().map(Thumbprint::as_bytes),
        session.device,
        scope,
        session.delivery == Delivery::Cookie,
    ])?;
    Ok(())
}

/// Ends those of the user's sessions that are meant, each with an event; how many of them were live. Of all, those that
/// have run out are ended too: a clock that goes back must not bring them to life again.
pub(super) fn end(
    connection: &Connection,
    ending: &Ending,
    policy: &Policy,
) -> Result<usize, Fault> {
    let mut meant = match ending.which {
        Which::One(id) => find(connection, id)?.into_iter().collect(),
        Which::All | Which::AllBut(_) => of_user(connection, ending.user)?,
    };
    meant.retain(|session| shape::is_meant(session, ending, policy));
    for session in &meant {
        end_one(connection, session, ending, policy)?;
    }
    let live = meant
        .iter()
        .filter(|session| !session.is_over(policy, ending.now));
    Ok(live.count())
}

fn end_one(
    connection: &Connection,
    session: &Session,
    ending: &Ending,
    policy: &Policy,
) -> Result<(), Fault> {
    let (reason, now) = (ending.reason, ending.now);
    let sql = "UPDATE session SET ended_at = ?2, end_reason = ?3 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![
        session.id.0.as_bytes(),
        now.as_millis(),
        reason.number()
    ])?;
    let kind = EventKind::SessionEnded(reason);
    let event = Event::of_session(session, kind, &ending.origin, now);
    event::append(connection, &event)?;
    revocation::append_session(connection, session, policy, now)
}
