//! Between rows and the domain's types. A row that cannot be is a fault with a name.

use relatch_core::{
    StoreError, Timestamp,
    password::PasswordHash,
    session::{Generation, Life, Session, SessionId, SessionSecret, Thumbprint},
    user::{CredentialVersion, Credentials, Email, User, UserId, Username},
};
use tokio_postgres::{Row, error::SqlState, types::FromSql};
use uuid::Uuid;

use crate::shape::{self, Corrupt};

/// What can go wrong with a statement.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("PostgreSQL refused: {}", told(.0))]
    Postgres(#[from] tokio_postgres::Error),
    #[error("no connection to PostgreSQL: {0}")]
    Unreachable(String),
    #[error("PostgreSQL did not answer in time")]
    Late,
    #[error("more work waits for a connection than may")]
    Overloaded,
    #[error(
        "whether a commit happened, or has reached every replica that it should, is unknown: {0}"
    )]
    Unknown(String),
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
        match self {
            Self::Overloaded => return StoreError::Overloaded,
            Self::Corrupt(_) => tracing::error!(error = %self, "the database failed"),
            _ => tracing::warn!(error = %self, "the database failed"),
        }
        match self {
            Self::Corrupt(what) => StoreError::Corrupt(what),
            _ => StoreError::Unavailable,
        }
    }

    /// Whether nothing of a transaction that failed so has happened, and another attempt may well succeed: it lost to another
    /// one, or its connection was gone before its commit was asked for.
    pub(super) fn may_be_tried_again(&self) -> bool {
        self.has(&[
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
        ]) || self.wants_another_connection()
    }

    /// Whether the connection is gone, or leads to a server that stops or takes no writes any more.
    pub(super) fn wants_another_connection(&self) -> bool {
        let Self::Postgres(error) = self else {
            return false;
        };
        error.is_closed()
            || is_broken(error)
            || self.has(&[
                SqlState::ADMIN_SHUTDOWN,
                SqlState::CRASH_SHUTDOWN,
                SqlState::CANNOT_CONNECT_NOW,
                SqlState::READ_ONLY_SQL_TRANSACTION,
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            ])
    }

    /// Whether it was refused, and the connection with the transaction in it still stands.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.code().is_some())
            && !self.wants_another_connection()
    }

    fn has(&self, codes: &[SqlState]) -> bool {
        let Self::Postgres(error) = self else {
            return false;
        };
        error.code().is_some_and(|code| codes.contains(code))
    }
}

/// Whether the connection is gone, rather than a statement refused.
fn is_broken(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// What PostgreSQL says and the code by which its manual knows it; never the values of a row.
pub(super) fn told(error: &tokio_postgres::Error) -> String {
    if let Some(refusal) = error.as_db_error() {
        return format!("{} ({})", refusal.message(), refusal.code().code());
    }
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// The columns of [`session`] that are the row's own, in its order.
pub(super) const SESSION_ROW: &str = "id, user_id, secret, generation, rotated_at, created_at, expires_at, \
     remember_me, jkt, device, ended_at, end_reason, scope, delivery";

/// All columns of [`session`].
pub(super) const SESSION: &str = "id, user_id, secret, generation, rotated_at, created_at, expires_at, \
     remember_me, jkt, device, ended_at, end_reason, scope, delivery, \
     (SELECT string_agg(role, ' ') FROM user_role WHERE user_role.user_id = session.user_id)";

pub(super) fn session(row: &Row) -> Result<Session, Fault> {
    let mut session = session_row(row)?;
    session.roles = shape::roles(row.try_get(14)?)?;
    Ok(session)
}

/// A session whose roles are read apart.
pub(super) fn session_row(row: &Row) -> Result<Session, Fault> {
    let reason = row.try_get::<_, Option<i16>>(11)?;
    let reason = reason.map(|reason| u8::try_from(reason).unwrap_or(0));
    let key = row.try_get::<_, Option<&[u8]>>(8)?;
    let key = key.map(|_| bytes(row, 8, "session.jkt")).transpose()?;
    let key = key.map(Thumbprint::from_bytes);
    let device = String::from_utf8(row.try_get(9)?);
    Ok(Session {
        id: SessionId(row.try_get(0)?),
        user: UserId(row.try_get(1)?),
        secret: SessionSecret::from_bytes(bytes(row, 2, "session.secret")?),
        created_at: time(row, 5)?,
        device: device.map_err(|_| Fault::Corrupt("session.device"))?,
        delivery: shape::delivery(row.try_get::<_, i16>(13)?.into())?,
        key,
        scope: shape::scope(row.try_get(12)?)?,
        roles: Vec::new(),
        life: Life {
            generation: Generation(whole(row, 3, "session.generation")?),
            rotated_at: time(row, 4)?,
            expires_at: time(row, 6)?,
            remember_me: row.try_get(7)?,
            bound: key.is_some(),
            ended: shape::ended(row.try_get(10)?, reason)?,
        },
    })
}

/// The columns of [`credentials`], in its order.
pub(super) const CREDENTIALS: &str =
    "id, username, email, disabled, created_at, password_hash, credential_version";

pub(super) fn credentials(row: &Row) -> Result<Credentials, Fault> {
    let username = Username::parse(row.try_get(1)?);
    let email = Email::parse(row.try_get(2)?);
    Ok(Credentials {
        user: User {
            id: UserId(row.try_get(0)?),
            username: username.map_err(|_| Fault::Corrupt("user.username"))?,
            email: email.map_err(|_| Fault::Corrupt("user.email"))?,
            state: shape::user_state(row.try_get(3)?),
            created_at: time(row, 4)?,
        },
        hash: PasswordHash::from_phc(row.try_get(5)?),
        version: CredentialVersion(row.try_get(6)?),
    })
}

pub(super) fn time(row: &Row, column: usize) -> Result<Timestamp, Fault> {
    Ok(Timestamp::from_millis(row.try_get(column)?))
}

/// Bytes of which there must be so many.
pub(super) fn bytes<const N: usize>(
    row: &Row,
    column: usize,
    name: &'static str,
) -> Result<[u8; N], Fault> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|_| Fault::Corrupt(name))
}

/// A whole number that is never negative, out of one of PostgreSQL's, which may be.
pub(super) fn whole<T: TryFrom<i64>>(
    row: &Row,
    column: usize,
    name: &'static str,
) -> Result<T, Fault> {
    let number: i64 = row.try_get(column)?;
    T::try_from(number).map_err(|_| Fault::Corrupt(name))
}

/// The only column of the only row.
pub(super) fn one<'a, T: FromSql<'a>>(rows: &'a [Row], name: &'static str) -> Result<T, Fault> {
    let row = rows.first().ok_or(Fault::Corrupt(name))?;
    Ok(row.try_get(0)?)
}

pub(super) fn id(row: &Row, column: usize) -> Result<Option<SessionId>, Fault> {
    Ok(row.try_get::<_, Option<Uuid>>(column)?.map(SessionId))
}

/// All rows through one of the functions above.
pub(super) fn all<T>(
    rows: &[Row],
    convert: impl Fn(&Row) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    rows.iter().map(convert).collect()
}

/// The first row, if there is one.
pub(super) fn first<T>(
    rows: &[Row],
    convert: impl Fn(&Row) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    rows.first().map(convert).transpose()
}

/// Whether PostgreSQL can hold it as text; what it cannot hold is found nowhere.
pub(super) fn can_be_text(text: &str) -> bool {
    !text.contains('\0')
}
