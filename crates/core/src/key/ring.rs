//! The keys opened and ready for use: one immutable snapshot that requests share.

use relatch_verify::{Jwk, KeySet};

use super::{KeyRecord, KeyTable, MasterKey, Purpose, to_hex};
use crate::{
    Timestamp,
    token::{SigningKey, TokenKey, TokenKeys},
};

/// All keys that are good now.
#[derive(Debug)]
pub struct Keyring {
    /// Signs access tokens now.
    pub signing: SigningKey,
    /// Every signing key whose tokens are accepted, the signing one among them: the JWKS.
    pub published: KeySet,
    /// Makes and checks refresh tokens.
    pub tokens: TokenKeys,
    /// The version of the table that this was opened from.
    pub version: i64,
}

/// Why keys cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// Sealed under another master key.
    #[error(
        "the keys in the database were sealed under master key {needed}, but this is master key {given}"
    )]
    WrongMasterKey {
        /// The id in the row, in hexadecimal.
        needed: String,
        /// The id of the key at hand, in hexadecimal.
        given: String,
    },
    /// The right master key, but the bytes do not open: they were changed or moved.
    #[error(
        "the {purpose} key {id} in the database is damaged: it does not open under its own master key"
    )]
    Damaged {
        /// The purpose's name.
        purpose: &'static str,
        /// The key's id.
        id: String,
    },
    /// No active key of that purpose.
    #[error("the database has no active {0} key")]
    Missing(&'static str),
}

impl Keyring {
    /// Opens every key that is good at `now`.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn open(
        table: &KeyTable,
        master: &MasterKey,
        now: Timestamp,
    ) -> Result<Self, KeyringError> {
        let accepted: Vec<_> = table
            .records
            .iter()
            .filter(|record| record.state.accepts(now))
            .collect();
        let (mut signing, mut published): (_, Vec<Jwk>) = (None, Vec::new());
        let (mut newest, mut older) = (None, Vec::new());
        for record in accepted {
            match record.purpose {
                Purpose::Signing => {
                    let key = signing_key(record, master)?;
                    published.push(key.jwk().ok_or_else(|| damaged(record))?);
                    signing = if record.state.makes() {
                        Some(key)
                    } else {
                        signing
                    };
                }
                Purpose::RefreshTag => {
                    let key = token_key(record, master)?;
                    let (makes, other) = if record.state.makes() {
                        (Some(key), newest.take())
                    } else {
                        (newest.take(), Some(key))
                    };
                    newest = makes;
                    older.extend(other);
                }
            }
        }
        Ok(Self {
            signing: signing.ok_or(KeyringError::Missing(Purpose::Signing.name()))?,
            published: KeySet::new(published)
                .map_err(|_| KeyringError::Missing("distinct signing"))?,
            tokens: TokenKeys::new(
                newest.ok_or(KeyringError::Missing(Purpose::RefreshTag.name()))?,
                older,
            ),
            version: table.version,
        })
    }
}

fn signing_key(record: &KeyRecord, master: &MasterKey) -> Result<SigningKey, KeyringError> {
    let seed = open(record, master)?;
    SigningKey::from_seed(&record.id, &seed).ok_or_else(|| damaged(record))
}

fn token_key(record: &KeyRecord, master: &MasterKey) -> Result<TokenKey, KeyringError> {
    let secret = open(record, master)?;
    let id = record.id.parse().map_err(|_| damaged(record))?;
    let secret = secret.as_slice().try_into().map_err(|_| damaged(record))?;
    Ok(TokenKey::new(id, secret))
}

fn open(
    record: &KeyRecord,
    master: &MasterKey,
) -> Result<zeroize::Zeroizing<Vec<u8>>, KeyringError> {
    if record.sealed.master != master.id() {
        return Err(KeyringError::WrongMasterKey {
            needed: to_hex(&record.sealed.master),
            given: to_hex(&master.id()),
        });
    }
    master
        .open(&record.identity(), &record.sealed)
        .map_err(|_| damaged(record))
}

fn damaged(record: &KeyRecord) -> KeyringError {
    KeyringError::Damaged {
        purpose: record.purpose.name(),
        id: record.id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entropy, key::KeyState};

    struct Counting(std::sync::atomic::AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    const NOW: Timestamp = Timestamp::from_seconds(100);

    fn table() -> (KeyTable, MasterKey) {
        let (entropy, master) = (Counting(1.into()), MasterKey::from_bytes([9; 32]));
        let make = |purpose| KeyRecord::first(purpose, &entropy, &master, NOW).expect("seals");
        let records = vec![make(Purpose::Signing), make(Purpose::RefreshTag)];
        (
            KeyTable {
                version: 3,
                records,
            },
            master,
        )
    }

    #[test]
    fn first_keys_open_under_their_master_key_alone() {
        let (table, master) = table();
        let ring = Keyring::open(&table, &master, NOW).expect("opens");
        assert_eq!(
            (
                ring.published.len(),
                ring.tokens.newest().id(),
                ring.version
            ),
            (1, 1, 3)
        );
        assert_eq!(
            ring.published.iter().next().and_then(Jwk::kid),
            Some(ring.signing.kid())
        );
        let wrong = Keyring::open(&table, &MasterKey::from_bytes([8; 32]), NOW);
        assert!(matches!(wrong, Err(KeyringError::WrongMasterKey { .. })));
    }

    #[test]
    fn a_key_moved_to_another_row_is_damage() {
        let (mut table, master) = table();
        let other = table.records[1].sealed.clone();
        table.records[0].sealed = other;
        assert!(matches!(
            Keyring::open(&table, &master, NOW),
            Err(KeyringError::Damaged {
                purpose: "signing",
                ..
            })
        ));
    }

    #[test]
    fn retired_keys_still_verify_and_compromised_ones_do_not() {
        let (mut table, master) = table();
        let mut old =
            KeyRecord::first(Purpose::Signing, &Counting(50.into()), &master, NOW).expect("seals");
        let until = Timestamp::from_seconds(200);
        old.state = KeyState::Retired { since: NOW, until };
        table.records.insert(0, old);
        let count = |table: &KeyTable, now| {
            Keyring::open(table, &master, now)
                .expect("opens")
                .published
                .len()
        };
        assert_eq!((count(&table, NOW), count(&table, until)), (2, 1));
        table.records[0].state = KeyState::Active { since: NOW }.compromise(NOW);
        assert_eq!(count(&table, NOW), 1);
        table.records.remove(1);
        assert!(matches!(
            Keyring::open(&table, &master, NOW),
            Err(KeyringError::Missing("signing"))
        ));
    }
}
