//! What the store keeps of keys.

use async_trait::async_trait;

use super::{KeyState, Sealed, seal::Unsealable};
use crate::{Entropy, StoreError, Timestamp, chance, key::MasterKey};

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Purpose {
    /// Signs access tokens. Its id is the `kid`.
    Signing,
    /// Tags refresh tokens. Its id is the key id byte, in decimal.
    RefreshTag,
}

impl Purpose {
    /// The stable name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::RefreshTag => "refresh_tag",
        }
    }

    /// The purpose of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Signing, Self::RefreshTag]
            .into_iter()
            .find(|purpose| purpose.name() == name)
    }
}

/// One key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyRecord {
    /// What it is for.
    pub purpose: Purpose,
    /// Its name among the keys of that purpose.
    pub id: String,
    /// Where it stands.
    pub state: KeyState,
    /// The secret, 32 bytes once opened.
    pub sealed: Sealed,
}

impl KeyRecord {
    /// A new key, active at once: right only where nobody can have cached a key set before it.
    ///
    /// # Errors
    /// [`Unsealable`] if sealing fails.
    pub fn first(
        purpose: Purpose,
        entropy: &dyn Entropy,
        master: &MasterKey,
        now: Timestamp,
    ) -> Result<Self, Unsealable> {
        let id = match purpose {
            Purpose::Signing => chance::random_uuid(entropy).simple().to_string(),
            Purpose::RefreshTag => "1".to_owned(),
        };
        let secret = zeroize::Zeroizing::new(chance::draw::<32>(entropy));
        let sealed = master.seal(&identity(purpose, &id), secret.as_slice())?;
        Ok(Self {
            purpose,
            id,
            state: KeyState::Active { since: now },
            sealed,
        })
    }

    /// What the seal is bound to.
    pub fn identity(&self) -> String {
        identity(self.purpose, &self.id)
    }
}

fn identity(purpose: Purpose, id: &str) -> String {
    format!("relatch/key/{}/{id}", purpose.name())
}

/// All keys, with the version that a change must name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KeyTable {
    /// Grows with every change.
    pub version: i64,
    /// The keys.
    pub records: Vec<KeyRecord>,
}

/// Where keys are kept.
#[async_trait]
pub trait KeyStore {
    /// All keys.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn load_keys(&self) -> Result<KeyTable, StoreError>;

    /// Puts `records` in place of what is there, if that still has version `expected`; false if it has not.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn save_keys(&self, expected: i64, records: Vec<KeyRecord>) -> Result<bool, StoreError>;
}
