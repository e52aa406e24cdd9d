//! Resource servers in PostgreSQL.

use async_trait::async_trait;
use relatch_core::{
    StoreError,
    event::{Administrator, EventKind},
    permission::grant,
    resource_server::{CredentialHash, ResourceServer, ResourceServerName, ResourceServerStore},
    session::Policy,
    store::Changed,
};

use super::{
    Postgres,
    authority::{order, permitted},
    connection::Connection,
    durable,
    parameter::params,
    reading,
    row::{self, Fault},
    transaction::Transaction,
};

#[async_trait]
impl ResourceServerStore for Postgres {
    async fn load_resource_servers(&self) -> Result<Vec<ResourceServer>, StoreError> {
        reading!(self, |connection| load(connection))
    }

    async fn add_resource_server(
        &self,
        name: ResourceServerName,
        hash: CredentialHash,
        by: Administrator,
    ) -> Result<Changed<()>, StoreError> {
        durable!(self, |transaction| add(
            transaction,
            (&name, hash),
            &by,
            &self.policy
        ))
    }

    async fn remove_resource_server(
        &self,
        name: ResourceServerName,
        by: Administrator,
    ) -> Result<Changed<()>, StoreError> {
        durable!(self, |transaction| remove(
            transaction,
            &name,
            &by,
            &self.policy
        ))
    }
}

async fn load(connection: &Connection) -> Result<Vec<ResourceServer>, Fault> {
    let sql = "SELECT name, hash, created_at FROM resource_server ORDER BY name";
    row::all(&connection.rows(sql, params![]).await?, |row| {
        let name = ResourceServerName::parse(row.try_get(0)?);
        Ok(ResourceServer {
            name: name.map_err(|_| Fault::Corrupt("resource_server.name"))?,
            hash: CredentialHash(row::bytes(row, 1, "resource_server.hash")?),
            created_at: row::time(row, 2)?,
        })
    })
}

async fn add(
    transaction: &mut Transaction,
    (name, hash): (&ResourceServerName, CredentialHash),
    by: &Administrator,
    policy: &Policy,
) -> Result<Changed<()>, Fault> {
    let order = permitted!(order(transaction, by, None, policy).await?);
    permitted!(order.authority.may(grant::RESOURCE_SERVERS));
    let sql = "INSERT INTO resource_server VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";
    let parameters = params![name.as_str(), hash.0.as_slice(), by.now.as_millis()];
    if transaction.execute(sql, parameters).await? == 0 {
        return Ok(Changed::Conflict);
    }
    let name = name.clone();
    transaction.append(by.event_of_store(|by| EventKind::ResourceServerAdded { name, by }));
    order.end(transaction, Changed::Done(())).await
}

async fn remove(
    transaction: &mut Transaction,
    name: &ResourceServerName,
    by: &Administrator,
    policy: &Policy,
) -> Result<Changed<()>, Fault> {
    let order = permitted!(order(transaction, by, None, policy).await?);
    permitted!(order.authority.may(grant::RESOURCE_SERVERS));
    let sql = "DELETE FROM resource_server WHERE name = $1";
    if transaction.execute(sql, params![name.as_str()]).await? == 0 {
        return Ok(Changed::NotFound);
    }
    let name = name.clone();
    transaction.append(by.event_of_store(|by| EventKind::ResourceServerRemoved { name, by }));
    order.end(transaction, Changed::Done(())).await
}
