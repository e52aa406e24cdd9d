//! What the store keeps of keys.

use async_trait::async_trait;

use relatch_verify::Algorithm;

use super::{KeyState, MasterKeys, Sealed, seal::Unsealable};
use crate::{StoreError, event::Administrator};

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
    /// What it signs with, if it is for signing.
    pub algorithm: Option<Algorithm>,
    /// Where it stands.
    pub state: KeyState,
    /// The secret: 32 bytes once opened, or for ES256 and RS256 a PKCS #8 document.
    pub sealed: Sealed,
}

impl KeyRecord {
    /// Seals the secret anew with the newest master key.
    ///
    /// # Errors
    /// [`Unsealable`] if the key that sealed it is not at hand, or the bytes do not open.
    pub fn rewrap(&mut self, masters: &MasterKeys) -> Result<(), Unsealable> {
        let identity = self.identity();
        let master = masters.find(self.sealed.master).ok_or(Unsealable)?;
        let secret = master.open(&identity, &self.sealed)?;
        self.sealed = masters.newest().seal(&identity, &secret)?;
        Ok(())
    }

    /// What the seal is bound to.
    pub fn identity(&self) -> String {
        identity(self.purpose, &self.id)
    }
}

/// The name of a key in its seal.
pub(super) fn identity(purpose: Purpose, id: &str) -> String {
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

    /// Puts `records` in place of what is there, if that still has version `expected`; false if it has not. What it does
    /// to each key goes on record in the same step, with who did it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn save_keys(
        &self,
        expected: i64,
        records: Vec<KeyRecord>,
        by: Administrator,
    ) -> Result<bool, StoreError>;
}
