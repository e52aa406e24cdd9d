//! Resource servers in SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use relatch_core::{
    StoreError,
    event::{Administrator, EventKind},
    permission::grant,
    resource_server::{CredentialHash, ResourceServer, ResourceServerName, ResourceServerStore},
    store::Changed,
};
use rusqlite::{Connection, Row, params};

use super::{
    Sqlite, authority, event,
    row::{self, Fault},
};

#[async_trait]
impl ResourceServerStore for Sqlite {
    async fn load_resource_servers(&self) -> Result<Vec<ResourceServer>, StoreError> {
        self.readers.read(load).await
    }

    async fn add_resource_server(
        &self,
        name: ResourceServerName,
        hash: CredentialHash,
        by: Administrator,
    ) -> Result<Changed<()>, StoreError> {
        self.ordered(by, move |connection, by| add(connection, &name, hash, by))
            .await
    }

    async fn remove_resource_server(
        &self,
        name: ResourceServerName,
        by: Administrator,
    ) -> Result<Changed<()>, StoreError> {
        self.ordered(by, move |connection, by| remove(connection, &name, by))
            .await
    }
}

impl Sqlite {
    /// Carries out an order about resource servers, for whoever may give it.
    async fn ordered(
        &self,
        by: Administrator,
        change: impl FnOnce(&Connection, &Administrator) -> Result<Changed<()>, Fault> + Send + 'static,
    ) -> Result<Changed<()>, StoreError> {
        let policy = Arc::clone(&self.policy);
        self.durable(move |connection| {
            authority::ordered(connection, &by, &policy, |authority| {
                match authority.may(grant::RESOURCE_SERVERS) {
                    Ok(()) => change(connection, &by),
                    Err(refusal) => Ok(Changed::Refused(refusal)),
                }
            })
        })
        .await
    }
}

fn load(connection: &Connection) -> Result<Vec<ResourceServer>, Fault> {
    let sql = "SELECT name, hash, created_at FROM resource_server ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    row::all(statement.query([])?, |row| {
        Ok(ResourceServer {
            name: name(row, 0)?,
            hash: CredentialHash(row.get(1)?),
            created_at: row::time(row, 2)?,
        })
    })
}

/// The name in that column.
pub(super) fn name(row: &Row<'_>, column: usize) -> Result<ResourceServerName, Fault> {
    let name = ResourceServerName::parse(&row.get::<_, String>(column)?);
    name.map_err(|_| Fault::Corrupt("resource_server.name"))
}

fn add(
    connection: &Connection,
    name: &ResourceServerName,
    hash: CredentialHash,
    by: &Administrator,
) -> Result<Changed<()>, Fault> {
    let sql = "INSERT INTO resource_server VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING";
    let at = by.now.as_millis();
    let added = connection
        .prepare_cached(sql)?
        .execute(params![name.as_str(), hash.0, at])?;
    if added == 0 {
        return Ok(Changed::Conflict);
    }
    let name = name.clone();
    let event = by.event_of_store(|by| EventKind::ResourceServerAdded { name, by });
    event::append(connection, &event)?;
    Ok(Changed::Done(()))
}

pub(super) fn remove(
    connection: &Connection,
    name: &ResourceServerName,
    by: &Administrator,
) -> Result<Changed<()>, Fault> {
    let sql = "DELETE FROM resource_server WHERE name = ?1";
    let removed = connection.prepare_cached(sql)?.execute([name.as_str()])?;
    if removed == 0 {
        return Ok(Changed::NotFound);
    }
    let name = name.clone();
    let event = by.event_of_store(|by| EventKind::ResourceServerRemoved { name, by });
    event::append(connection, &event)?;
    Ok(Changed::Done(()))
}
