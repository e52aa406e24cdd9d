//! What an administrator does with resource servers. Whether he may is judged in the step that does it.

use super::{Credential, ResourceServerName};
use crate::{
    Entropy, Store, StoreError, event::Administrator, permission::Refusal, store::Changed,
};

/// Why an order about a resource server was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ResourceServerError {
    /// There is one of that name.
    #[error("there is a resource server of that name already")]
    NameTaken,
    /// There is none of that name.
    #[error("there is no such resource server")]
    NotFound,
    /// He may not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Adds a resource server; its credential, which nobody can be shown again.
///
/// # Errors
/// [`ResourceServerError`].
pub async fn add(
    store: &dyn Store,
    entropy: &dyn Entropy,
    name: ResourceServerName,
    by: Administrator,
) -> Result<Credential, ResourceServerError> {
    let credential = Credential::draw(entropy);
    match store
        .add_resource_server(name, credential.hash(), by)
        .await?
    {
        Changed::Done(()) => Ok(credential),
        Changed::Refused(refusal) => Err(refusal.into()),
        _ => Err(ResourceServerError::NameTaken),
    }
}

/// Removes a resource server: its credential opens nothing any more.
///
/// # Errors
/// [`ResourceServerError`].
pub async fn remove(
    store: &dyn Store,
    name: ResourceServerName,
    by: Administrator,
) -> Result<(), ResourceServerError> {
    match store.remove_resource_server(name, by).await? {
        Changed::Done(()) => Ok(()),
        Changed::Refused(refusal) => Err(refusal.into()),
        _ => Err(ResourceServerError::NotFound),
    }
}
