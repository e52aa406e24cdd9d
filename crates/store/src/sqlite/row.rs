//! Between rows and the domain's types. A row that cannot be is a fault with a name.

use relatch_core::{
    StoreError, Timestamp,
    password::PasswordHash,
    session::{Generation, Life, Session, SessionId, SessionSecret, Thumbprint},
    user::{CredentialVersion, Credentials, Email, User, UserId, Username},
};
use rusqlite::Row;
use uuid::Uuid;

use crate::shape::{self, Corrupt};

/// What can go wrong with a statement.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("a row cannot be: {0}")]
    Corrupt(&'static str),
}

impl From<Corrupt> for Fault {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt.0)
    }
}

impl Fault {
    /// The only place where the cause is logged; callers learn nothing of SQL.
    pub(super) fn into_store_error(self) -> StoreError {
        tracing::error!(error = %self, "the database failed");
        match self {
            Self::Sqlite(_) => StoreError::Unavailable,
            Self::Corrupt(what) => StoreError::Corrupt(what),
        }
    }
}

/// The columns of [`session`], in its order.
pub(super) const SESSION: &str = "id, user_id, secret, generation, rotated_at, created_at, expires_at, \
     remember_me, jkt, device, ended_at, end_reason, scope, \
     (SELECT group_concat(role, ' ') FROM user_role WHERE user_role.user_id = session.user_id), delivery";

pub(super) fn session(row: &Row<'_>) -> Result<Session, Fault> {
    let key = row.get::<_, Option<_>>(8)?.map(Thumbprint::from_bytes);
    Ok(Session {
        id: SessionId(Uuid::from_bytes(row.get(0)?)),
        user: UserId(Uuid::from_bytes(row.get(1)?)),
        secret: SessionSecret::from_bytes(row.get(2)?),
        created_at: time(row, 5)?,
        device: row.get(9)?,
        delivery: shape::delivery(row.get(14)?)?,
        key,
        scope: shape::scope(row.get::<_, Option<String>>(12)?.as_deref())?,
        roles: shape::roles(row.get::<_, Option<String>>(13)?.as_deref())?,
        life: Life {
            generation: Generation(row.get(3)?),
            rotated_at: time(row, 4)?,
            expires_at: time(row, 6)?,
            remember_me: row.get(7)?,
            bound: key.is_some(),
            ended: shape::ended(row.get(10)?, row.get(11)?)?,
        },
    })
}

/// The columns of [`credentials`], in its order.
pub(super) const CREDENTIALS: &str =
    "id, username, email, disabled, created_at, password_hash, credential_version";

pub(super) fn credentials(row: &Row<'_>) -> Result<Credentials, Fault> {
    let username = Username::parse(
        row.get_ref(1)?
            .as_str()
            .map_err(|_| Fault::Corrupt("user.username"))?,
    );
    let email = Email::parse(
        row.get_ref(2)?
            .as_str()
            .map_err(|_| Fault::Corrupt("user.email"))?,
    );
    Ok(Credentials {
        user: User {
            id: UserId(Uuid::from_bytes(row.get(0)?)),
            username: username.map_err(|_| Fault::Corrupt("user.username"))?,
            email: email.map_err(|_| Fault::Corrupt("user.email"))?,
            state: shape::user_state(row.get(3)?),
            created_at: time(row, 4)?,
        },
        hash: PasswordHash::from_phc(row.get(5)?),
        version: CredentialVersion(row.get(6)?),
    })
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

/// All rows of a statement through one of the functions above.
pub(super) fn all<T>(
    mut rows: rusqlite::Rows<'_>,
    convert: impl Fn(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(convert(row)?);
    }
    Ok(found)
}

/// The first row of a statement, if there is one.
pub(super) fn first<T>(
    mut rows: rusqlite::Rows<'_>,
    convert: impl Fn(&Row<'_>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    rows.next()?.map(convert).transpose()
}
