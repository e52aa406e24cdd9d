//! The resource servers that are known, in memory: a credential is checked without a query.

use std::{collections::HashMap, time::Duration};

use arc_swap::ArcSwap;
use relatch_core::{
    Store, StoreError,
    resource_server::{Credential, CredentialHash, ResourceServerName},
};
use tokio::time::Instant;

/// Between two looks at the table that somebody's unknown credential can bring about: guessing costs the database ten reads a
/// second, however many guess.
const PAUSE: Duration = Duration::from_millis(100);

/// Who may ask about tokens and follow revocations.
pub(crate) struct ResourceServers {
    known: ArcSwap<HashMap<CredentialHash, ResourceServerName>>,
    /// When the last look began.
    looked: tokio::sync::Mutex<Instant>,
}

impl ResourceServers {
    /// Those of the store.
    pub(crate) async fn open(store: &dyn Store) -> Result<Self, StoreError> {
        let looked = Instant::now();
        Ok(Self {
            known: ArcSwap::from_pointee(read(store).await?),
            looked: tokio::sync::Mutex::new(looked),
        })
    }

    /// Takes the store's again, unless somebody is just doing that; whether they are others than before.
    pub(crate) async fn look(&self, store: &dyn Store) -> Result<bool, StoreError> {
        let Ok(mut looked) = self.looked.try_lock() else {
            return Ok(false);
        };
        *looked = Instant::now();
        let new = read(store).await?;
        let changed = **self.known.load() != new;
        if changed {
            self.known.store(new.into());
        }
        Ok(changed)
    }

    /// Whose credential that is. An unknown one may be new: it waits for a look that began after it came.
    pub(crate) async fn find(
        &self,
        store: &dyn Store,
        credential: &Credential,
    ) -> Result<Option<ResourceServerName>, StoreError> {
        let hash = credential.hash();
        if let Some(name) = self.name(hash) {
            return Ok(Some(name));
        }
        let came = Instant::now();
        let mut looked = self.looked.lock().await;
        if *looked < came {
            tokio::time::sleep_until(*looked + PAUSE).await;
            *looked = Instant::now();
            self.known.store(read(store).await?.into());
        }
        drop(looked);
        Ok(self.name(hash))
    }

    /// Whether the credential is still one.
    pub(crate) fn knows(&self, hash: CredentialHash) -> bool {
        self.known.load().contains_key(&hash)
    }

    fn name(&self, hash: CredentialHash) -> Option<ResourceServerName> {
        self.known.load().get(&hash).cloned()
    }
}

async fn read(
    store: &dyn Store,
) -> Result<HashMap<CredentialHash, ResourceServerName>, StoreError> {
    let all = store.load_resource_servers().await?;
    Ok(all
        .into_iter()
        .map(|server| (server.hash, server.name))
        .collect())
}
