//! Users in PostgreSQL.

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
use uuid::Uuid;

use super::{
    Postgres, administer, background,
    connection::Connection,
    durable, healing,
    parameter::params,
    reading, role,
    row::{self, CREDENTIALS, Fault},
    session,
    transaction::Transaction,
};

#[async_trait]
impl UserStore for Postgres {
    async fn register(&self, registering: Registering) -> Result<Registered, StoreError> {
        durable!(self, |transaction| register(
            transaction,
            &registering,
            &self.policy
        ))
    }

    async fn credentials(&self, username: &Username) -> Result<Option<Credentials>, StoreError> {
        reading!(self, |connection| by_name(connection, username))
    }

    async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StoreError> {
        reading!(self, |connection| by_id(connection, id))
    }

    async fn set_password(&self, changing: Changing) -> Result<Opened, StoreError> {
        durable!(self, |transaction| set_password(
            transaction,
            &changing,
            &self.policy
        ))
    }

    async fn create_user(&self, creating: Creating) -> Result<Changed<Registered>, StoreError> {
        durable!(self, |transaction| administer::create(
            transaction,
            &creating,
            &self.policy
        ))
    }

    async fn list_users(&self, query: UserQuery) -> Result<Vec<User>, StoreError> {
        reading!(self, |connection| administer::list(connection, &query))
    }

    async fn set_user_state(
        &self,
        user: UserId,
        state: UserState,
        expected: Option<Tag>,
        by: Administrator,
    ) -> Result<Changed<StateChange>, StoreError> {
        let order = (user, expected, &by);
        durable!(self, |transaction| administer::set_state(
            transaction,
            &order,
            state,
            &self.policy
        ))
    }

    async fn set_email(&self, order: Readdressing) -> Result<Changed<EmailChange>, StoreError> {
        durable!(self, |transaction| administer::set_email(
            transaction,
            &order,
            &self.policy
        ))
    }

    async fn reset_password(&self, resetting: Resetting) -> Result<Changed<usize>, StoreError> {
        durable!(self, |transaction| administer::reset_password(
            transaction,
            &resetting,
            &self.policy
        ))
    }

    async fn delete_user(
        &self,
        user: UserId,
        expected: Option<Tag>,
        by: Administrator,
    ) -> Result<Changed<usize>, StoreError> {
        let order = (user, expected, &by);
        durable!(self, |transaction| administer::delete(
            transaction,
            &order,
            &self.policy
        ))
    }

    async fn sweep_users(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<(Option<UserId>, usize), StoreError> {
        let take = healing!(self, |transaction| background::take(
            transaction,
            "sweep_users",
            self.node()
        ));
        if !take? {
            return Ok((None, 0));
        }
        let page = reading!(self, |connection| administer::deleted(
            connection, after, limit
        ))?;
        let next = page.last().map(|deleted| deleted.0);
        let gone = page.into_iter().filter(|deleted| !deleted.1);
        let gone: Vec<Uuid> = gone.map(|deleted| deleted.0.0).collect();
        if gone.is_empty() {
            return Ok((next, 0));
        }
        let gone = healing!(self, |transaction| administer::forget(transaction, &gone))?;
        Ok((next, gone))
    }
}

async fn by_name(
    connection: &Connection,
    username: &Username,
) -> Result<Option<Credentials>, Fault> {
    let sql =
        format!("SELECT {CREDENTIALS} FROM \"user\" WHERE username = $1 AND deleted_at IS NULL");
    let rows = connection.rows(&sql, params![username.as_str()]).await?;
    row::first(&rows, row::credentials)
}

pub(super) async fn by_id(
    connection: &Connection,
    id: UserId,
) -> Result<Option<Credentials>, Fault> {
    let sql = format!("SELECT {CREDENTIALS} FROM \"user\" WHERE id = $1 AND deleted_at IS NULL");
    let rows = connection.rows(&sql, params![id.0]).await?;
    row::first(&rows, row::credentials)
}

/// Keeps everybody else from opening, ending or judging sessions of these users until the end of the transaction.
pub(super) async fn lock(connection: &Connection, users: &[UserId]) -> Result<(), Fault> {
    let sql = "SELECT FROM \"user\" WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE";
    let ids: Vec<Uuid> = users.iter().map(|user| user.0).collect();
    connection.rows(sql, params![ids]).await.map(drop)
}

async fn register(
    transaction: &mut Transaction,
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
    let older = session::owner(transaction, *replaces).await?;
    // Before the name is taken: whoever waits for that may hold this lock.
    if let Some(older) = older {
        lock(transaction, &[older]).await?;
    }
    let inserted = insert(transaction, user, hash).await?;
    if inserted == Registered::Done {
        role::give(transaction, user.id, &session.roles).await?;
        if let (Some(id), Some(owner)) = (*replaces, older) {
            session::replace(transaction, (id, owner), session, origin, policy).await?;
        }
        session::insert(transaction, session).await?;
        let event = Event::of_session(session, EventKind::Registered, origin, user.created_at);
        transaction.append(event);
    }
    Ok(inserted)
}

/// The version of the first credentials of a user.
pub(super) const FIRST: CredentialVersion = CredentialVersion(1);

pub(super) async fn insert(
    connection: &Connection,
    user: &User,
    hash: &PasswordHash,
) -> Result<Registered, Fault> {
    let sql = format!(
        "INSERT INTO \"user\" ({CREDENTIALS}) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (username) DO NOTHING"
    );
    let parameters = params![
        user.id.0,
        user.username.as_str(),
        user.email.as_str(),
        user.state == UserState::Disabled,
        user.created_at.as_millis(),
        hash.expose(),
        FIRST.0,
    ];
    Ok(match connection.execute(&sql, parameters).await? {
        0 => Registered::UsernameTaken,
        _ => Registered::Done,
    })
}

/// Keeps a hash of the same password: the version stays.
pub(super) async fn set_hash(
    connection: &Connection,
    id: UserId,
    hash: &PasswordHash,
) -> Result<(), Fault> {
    let sql = "UPDATE \"user\" SET password_hash = $2 WHERE id = $1";
    let parameters = params![id.0, hash.expose()];
    connection.execute(sql, parameters).await.map(drop)
}

/// Keeps the hash of another password: what was verified before does not count any more.
pub(super) async fn set_new_password(
    connection: &Connection,
    id: UserId,
    hash: &PasswordHash,
) -> Result<(), Fault> {
    let sql = "UPDATE \"user\" SET password_hash = $2, credential_version = credential_version + 1 \
               WHERE id = $1";
    let parameters = params![id.0, hash.expose()];
    connection.execute(sql, parameters).await.map(drop)
}

async fn set_password(
    transaction: &mut Transaction,
    changing: &Changing,
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
    lock(transaction, &[user]).await?;
    if let Some(refusal) = session::stale(transaction, user, *verified).await? {
        return Ok(refusal);
    }
    let calling = session::find(transaction, *caller).await?;
    if calling.is_none_or(|calling| calling.user != user || calling.is_over(policy, now)) {
        return Ok(Opened::CredentialsChanged);
    }
    set_new_password(transaction, user, hash).await?;
    transaction.append(Event::of_session(
        session,
        EventKind::PasswordChanged,
        origin,
        now,
    ));
    let ending = Ending {
        user,
        which: Which::All,
        reason: EndReason::PasswordChanged,
        origin: origin.clone(),
        now,
    };
    session::end(transaction, &ending, policy).await?;
    let mut session = session.clone();
    session.roles = role::of_user(transaction, user).await?;
    session::insert(transaction, &session).await?;
    Ok(Opened::Session(Box::new(session)))
}
