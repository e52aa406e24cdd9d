//! Users in SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use relatch_core::{
    StoreError, Tag,
    event::{Administrator, Event, EventKind},
    password::PasswordHash,
    session::{
        EndReason, Policy,
        store::{Ending, Opened, Which},
    },
    store::Changed,
    user::{
        CredentialVersion, Credentials, User, UserId, UserState, Username,
        store::{
            Changing, Creating, EmailChange, Readdressing, Registered, Registering, Resetting,
            StateChange, UserQuery, UserStore,
        },
    },
};
use rusqlite::{Connection, params};

use super::{
    Sqlite, administer, authority, event, role,
    row::{self, CREDENTIALS, Fault},
    session,
};

#[async_trait]
impl UserStore for Sqlite {
    async fn register(&self, registering: Registering) -> Result<Registered, StoreError> {
        let (policy, revokes) = (Arc::clone(&self.policy), registering.replaces.is_some());
        let work = move |connection: &Connection| register(connection, &registering, &policy);
        if revokes {
            self.revoking(work).await
        } else {
            self.durable(work).await
        }
    }

    async fn credentials(&self, username: &Username) -> Result<Option<Credentials>, StoreError> {
        let username = username.clone();
        self.readers
            .read(move |connection| by_name(connection, &username))
            .await
    }

    async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StoreError> {
        self.readers
            .read(move |connection| by_id(connection, id))
            .await
    }

    async fn set_password(&self, changing: Changing) -> Result<Opened, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.revoking(move |connection| set_password(connection, changing, &policy))
            .await
    }

    async fn create_user(&self, creating: Creating) -> Result<Changed<Registered>, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.durable(move |connection| {
            authority::ordered(connection, &creating.by, &policy, |authority| {
                administer::create(connection, &creating, authority)
            })
        })
        .await
    }

    async fn list_users(&self, query: UserQuery) -> Result<Vec<User>, StoreError> {
        self.readers
            .read(move |connection| administer::list(connection, &query))
            .await
    }

    async fn set_user_state(
        &self,
        user: UserId,
        state: UserState,
        expected: Option<Tag>,
        by: Administrator,
    ) -> Result<Changed<StateChange>, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.revoking(move |connection| {
            authority::ordered(connection, &by, &policy, |authority| {
                administer::reached(connection, user, authority, expected.as_ref())?
                    .and_then(|user| administer::set_state(connection, &user, state, &by, &policy))
            })
        })
        .await
    }

    async fn set_email(&self, order: Readdressing) -> Result<Changed<EmailChange>, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.durable(move |connection| {
            authority::ordered(connection, &order.by, &policy, |authority| {
                administer::reached(connection, order.user, authority, order.expected.as_ref())?
                    .and_then(|user| administer::set_email(connection, &user, &order))
            })
        })
        .await
    }

    async fn reset_password(&self, resetting: Resetting) -> Result<Changed<usize>, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.revoking(move |connection| {
            authority::ordered(connection, &resetting.by, &policy, |authority| {
                administer::reached(connection, resetting.user, authority, None)?
                    .and_then(|_| administer::reset_password(connection, &resetting, &policy))
            })
        })
        .await
    }

    async fn delete_user(
        &self,
        user: UserId,
        expected: Option<Tag>,
        by: Administrator,
    ) -> Result<Changed<usize>, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.revoking(move |connection| {
            authority::ordered(connection, &by, &policy, |authority| {
                administer::reached(connection, user, authority, expected.as_ref())?
                    .and_then(|user| administer::delete(connection, user.id, &by, &policy))
            })
        })
        .await
    }

    async fn sweep_users(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<(Option<UserId>, usize), StoreError> {
        let page = self
            .readers
            .read(move |connection| administer::deleted(connection, after, limit))
            .await?;
        let next = page.last().map(|deleted| deleted.0);
        let gone: Vec<_> = page.into_iter().filter(|deleted| !deleted.1).collect();
        if gone.is_empty() {
            return Ok((next, 0));
        }
        let gone = self
            .healing(move |connection| administer::forget(connection, &gone))
            .await?;
        Ok((next, gone))
    }
}

fn by_name(connection: &Connection, username: &Username) -> Result<Option<Credentials>, Fault> {
    let sql = format!("SELECT {CREDENTIALS} FROM user WHERE username = ?1 AND deleted_at IS NULL");
    let mut statement = connection.prepare_cached(&sql)?;
    row::first(statement.query([username.as_str()])?, row::credentials)
}

pub(super) fn by_id(connection: &Connection, id: UserId) -> Result<Option<Credentials>, Fault> {
    let sql = format!("SELECT {CREDENTIALS} FROM user WHERE id = ?1 AND deleted_at IS NULL");
    let mut statement = connection.prepare_cached(&sql)?;
    row::first(statement.query([id.0.as_bytes()])?, row::credentials)
}

fn register(
    connection: &Connection,
    registering: &Registering,
    policy: &Policy,
) -> Result<Registered, Fault> {
    let Registering {
        user,
        hash,
        session,
        replaces,
        origin,
    } = registering;
    let inserted = insert(connection, user, hash)?;
    if inserted == Registered::Done {
        role::give(connection, user.id, &session.roles)?;
        session::replace(connection, *replaces, session, origin, policy)?;
        session::insert(connection, session)?;
        let event = Event::of_session(session, EventKind::Registered, origin, user.created_at);
        event::append(connection, &event)?;
    }
    Ok(inserted)
}

/// The version of the first credentials of a user.
pub(super) const FIRST: CredentialVersion = CredentialVersion(1);

pub(super) fn insert(
    connection: &Connection,
    user: &User,
    hash: &PasswordHash,
) -> Result<Registered, Fault> {
    let sql = format!(
        "INSERT INTO user ({CREDENTIALS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (username) DO NOTHING"
    );
    let inserted = connection.prepare_cached(&sql)?.execute(params![
        user.id.0.as_bytes(),
        user.username.as_str(),
        user.email.as_str(),
        user.state == UserState::Disabled,
        user.created_at.as_millis(),
        hash.expose(),
        FIRST.0,
    ])?;
    Ok(match inserted {
        0 => Registered::UsernameTaken,
        _ => Registered::Done,
    })
}

/// Keeps a hash of the same password: the version stays.
pub(super) fn set_hash(
    connection: &Connection,
    id: UserId,
    hash: &PasswordHash,
) -> Result<(), Fault> {
    let sql = "UPDATE user SET password_hash = ?2 WHERE id = ?1";
    connection
        .prepare_cached(sql)?
        .execute(params![id.0.as_bytes(), hash.expose()])?;
    Ok(())
}

/// Keeps the hash of another password: what was verified before does not count any more.
pub(super) fn set_new_password(
    connection: &Connection,
    id: UserId,
    hash: &PasswordHash,
) -> Result<(), Fault> {
    set_hash(connection, id, hash)?;
    let sql = "UPDATE user SET credential_version = credential_version + 1 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute([id.0.as_bytes()])?;
    Ok(())
}

fn set_password(
    connection: &Connection,
    changing: Changing,
    policy: &Policy,
) -> Result<Opened, Fault> {
    let Changing {
        mut session,
        caller,
        verified,
        hash,
        origin,
    } = changing;
    let (user, now) = (session.user, session.created_at);
    if let Some(refusal) = session::stale(connection, user, verified)? {
        return Ok(refusal);
    }
    let calling = session::find(connection, caller)?;
    if calling.is_none_or(|calling| calling.user != user || calling.is_over(policy, now)) {
        return Ok(Opened::CredentialsChanged);
    }
    set_new_password(connection, user, &hash)?;
    let event = Event::of_session(&session, EventKind::PasswordChanged, &origin, now);
    event::append(connection, &event)?;
    let reason = EndReason::PasswordChanged;
    session::end(
        connection,
        &Ending {
            user,
            which: Which::All,
            reason,
            origin,
            now,
        },
        policy,
    )?;
    session.roles = role::of_user(connection, user)?;
    session::insert(connection, &session)?;
    Ok(Opened::Session(Box::new(session)))
}
