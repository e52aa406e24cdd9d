//! Users in SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use relatch_core::{
    StoreError,
    event::{Event, EventKind},
    password::PasswordHash,
    session::{
        EndReason, Policy,
        store::{Ending, Opened, Which},
    },
    user::{
        Credentials, UserId, UserState, Username,
        store::{Changing, Registered, Registering, UserStore},
    },
};
use rusqlite::{Connection, params};

use super::{
    Sqlite, event,
    row::{self, CREDENTIALS, Fault},
    session,
};

#[async_trait]
impl UserStore for Sqlite {
    async fn register(&self, registering: Registering) -> Result<Registered, StoreError> {
        self.durable(move |connection| register(connection, &registering))
            .await
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
        self.durable(move |connection| set_password(connection, changing, &policy))
            .await
    }
}

fn by_name(connection: &Connection, username: &Username) -> Result<Option<Credentials>, Fault> {
    let sql = format!("SELECT {CREDENTIALS} FROM user WHERE username = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    row::first(statement.query([username.as_str()])?, row::credentials)
}

pub(super) fn by_id(connection: &Connection, id: UserId) -> Result<Option<Credentials>, Fault> {
    let sql = format!("SELECT {CREDENTIALS} FROM user WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    row::first(statement.query([id.0.as_bytes()])?, row::credentials)
}

fn register(connection: &Connection, registering: &Registering) -> Result<Registered, Fault> {
    let Registering {
        user,
        hash,
        session,
        origin,
    } = registering;
    let sql = format!(
        "INSERT INTO user ({CREDENTIALS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1) ON CONFLICT (username) DO NOTHING"
    );
    let inserted = connection.prepare_cached(&sql)?.execute(params![
        user.id.0.as_bytes(),
        user.username.as_str(),
        user.email.as_str(),
        user.state == UserState::Disabled,
        user.created_at.as_millis(),
        hash.expose(),
    ])?;
    if inserted == 0 {
        return Ok(Registered::UsernameTaken);
    }
    session::insert(connection, session)?;
    let event = Event::of_session(session, EventKind::Registered, origin, user.created_at);
    event::append(connection, &event)?;
    Ok(Registered::Done)
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

fn set_password(
    connection: &Connection,
    changing: Changing,
    policy: &Policy,
) -> Result<Opened, Fault> {
    let Changing {
        session,
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
    set_hash(connection, user, &hash)?;
    let sql = "UPDATE user SET credential_version = credential_version + 1 WHERE id = ?1";
    connection
        .prepare_cached(sql)?
        .execute([user.0.as_bytes()])?;
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
    session::insert(connection, &session)?;
    Ok(Opened::Session(Box::new(session)))
}
