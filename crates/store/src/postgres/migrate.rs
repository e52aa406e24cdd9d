//! Brings a database to the schema of this binary: numbered steps, each with a checksum, all in one transaction and under a
//! lock, so that of many nodes that start at once one does it.

use std::cmp::Ordering;

use aws_lc_rs::digest;

use super::{
    Options, TlsError,
    connection::Connection,
    parameter::params,
    row::{self, Fault, one, told},
};
use crate::migrated::Migrated;

const STEPS: [(&str, &str); 1] = [(
    "0001_start",
    include_str!("../../migrations/postgres/0001_start.sql"),
)];

const LEDGER: &str = "
    CREATE TABLE migration (
        number   integer NOT NULL PRIMARY KEY,
        name     text    NOT NULL,
        checksum bytea   NOT NULL
    )";

/// Nobody else migrates until the end of the transaction. A step may take a while, and others wait for it.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10min'; \
     SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL client_min_messages = warning; \
     SELECT pg_advisory_xact_lock(5919410500)";

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no way to it, or PostgreSQL refused.
    #[error("{0}")]
    Refused(String),
    /// Certificates cannot be checked.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The tables of another program are there.
    #[error(
        "the schema {0} holds tables of another program: give Relatch a database of its own, or a schema by ALTER ROLE … SET search_path"
    )]
    Foreign(String),
    /// Written by a later version.
    #[error(
        "the database has schema {found}, this binary knows up to {known}: run the newer Relatch that wrote it, or restore a backup from before"
    )]
    Newer {
        /// The schema of the database.
        found: usize,
        /// The newest schema known here.
        known: usize,
    },
    /// Written by an earlier version, and whoever opens it here must not change it.
    #[error(
        "the database has schema {found}, this binary has {known}: `relatch db migrate` brings it up to date, and so does a start of `relatch serve`"
    )]
    Older {
        /// The schema of the database.
        found: usize,
        /// The schema of this binary.
        known: usize,
    },
    /// A step that was applied is not the step of this binary.
    #[error(
        "migration {0} was applied in another form than this binary has: the database was made by a build that was never released"
    )]
    Changed(String),
    /// No table of Relatch's is there.
    #[error(
        "there are no tables of Relatch in the database: a start of `relatch serve` makes them"
    )]
    Empty,
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        Self::Refused(match &fault {
            Fault::Postgres(error) => told(error),
            other => other.to_string(),
        })
    }
}

/// Brings a database that has tables of ours to the schema of this binary, beside running nodes.
///
/// # Errors
/// [`OpenError`]; then nothing has changed.
pub async fn update(options: &Options) -> Result<Migrated, OpenError> {
    let connection = options.connector(&options.address)?.connect().await?;
    let applied = applied(&connection).await?.ok_or(OpenError::Empty)?;
    migrate(&connection).await?;
    Ok(Migrated {
        from: applied.len(),
        to: STEPS.len(),
    })
}

/// Applies what is missing.
pub(super) async fn migrate(connection: &Connection) -> Result<(), OpenError> {
    connection.run(BEGIN).await?;
    match apply_missing(connection).await {
        Ok(()) => Ok(connection.run("COMMIT").await?),
        Err(error) => {
            connection.run("ROLLBACK").await?;
            Err(error)
        }
    }
}

async fn apply_missing(connection: &Connection) -> Result<(), OpenError> {
    let applied = if let Some(applied) = applied(connection).await? {
        applied
    } else {
        refuse_others(connection).await?;
        connection.run(LEDGER).await?;
        Vec::new()
    };
    let (found, known) = (applied.len(), STEPS.len());
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    compare(&applied)?;
    for (number, (name, sql)) in (1_i32..).zip(STEPS).skip(found) {
        connection.run(sql).await?;
        let insert = "INSERT INTO migration VALUES ($1, $2, $3)";
        let parameters = params![number, name, checksum(sql)];
        connection.execute(insert, parameters).await?;
    }
    Ok(())
}

/// Name and checksum of a step that was applied.
type Applied = (String, Vec<u8>);

/// The steps that were applied; nothing where there is no ledger of them.
async fn applied(connection: &Connection) -> Result<Option<Vec<Applied>>, Fault> {
    let sql = "SELECT to_regclass('migration') IS NOT NULL";
    if !one(&connection.rows(sql, params![]).await?, "migration")? {
        return Ok(None);
    }
    let sql = "SELECT name, checksum FROM migration ORDER BY number";
    let rows = connection.rows(sql, params![]).await?;
    row::all(&rows, |row| Ok((row.try_get(0)?, row.try_get(1)?))).map(Some)
}

async fn refuse_others(connection: &Connection) -> Result<(), OpenError> {
    let sql = "SELECT current_schema()::text, EXISTS (SELECT FROM pg_class \
               WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p'))";
    let rows = connection.rows(sql, params![]).await?;
    let found = row::first(&rows, |row| {
        Ok((row.try_get::<_, Option<String>>(0)?, row.try_get(1)?))
    })?;
    match found {
        Some((Some(schema), true)) => Err(OpenError::Foreign(schema)),
        Some((Some(_), false)) => Ok(()),
        _ => Err(OpenError::Refused(
            "its user has no schema to make tables in".to_owned(),
        )),
    }
}

fn compare(applied: &[Applied]) -> Result<(), OpenError> {
    for (step, (name, sql)) in applied.iter().zip(STEPS) {
        if step.0 != name || step.1 != checksum(sql) {
            return Err(OpenError::Changed(step.0.clone()));
        }
    }
    Ok(())
}

/// Refuses a database that this binary could not work with as it is. Changes nothing.
pub(super) async fn is_current(connection: &Connection) -> Result<(), OpenError> {
    let applied = applied(connection).await?.ok_or(OpenError::Empty)?;
    let (found, known) = (applied.len(), STEPS.len());
    match found.cmp(&known) {
        Ordering::Less => Err(OpenError::Older { found, known }),
        Ordering::Equal => compare(&applied),
        Ordering::Greater => Err(OpenError::Newer { found, known }),
    }
}

fn checksum(sql: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, sql.as_bytes())
        .as_ref()
        .to_vec()
}
