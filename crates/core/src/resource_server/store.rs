//! What the store does for resource servers.

use async_trait::async_trait;

use super::{CredentialHash, ResourceServerName};
use crate::{StoreError, Timestamp, event::Administrator, store::Changed};

/// A resource server as the store keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResourceServer {
    /// Its name.
    pub name: ResourceServerName,
    /// What its credential is known by.
    pub hash: CredentialHash,
    /// When it was added.
    pub created_at: Timestamp,
}

/// Where resource servers are kept.
#[async_trait]
pub trait ResourceServerStore {
    /// All of them, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn load_resource_servers(&self) -> Result<Vec<ResourceServer>, StoreError>;

    /// Adds one at the administrator's time; [`Changed::Conflict`] if there is one of that name. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn add_resource_server(
        &self,
        name: ResourceServerName,
        hash: CredentialHash,
        by: Administrator,
    ) -> Result<Changed<()>, StoreError>;

    /// Removes one, and with it its credential. Durable.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn remove_resource_server(
        &self,
        name: ResourceServerName,
        by: Administrator,
    ) -> Result<Changed<()>, StoreError>;
}
