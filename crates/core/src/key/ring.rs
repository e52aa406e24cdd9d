//! The keys opened and ready for use: one immutable snapshot that requests share.

use relatch_verify::{Jwk, KeySet};

use super::{KeyRecord, KeyState, KeyTable, MasterKeys, Purpose, to_hex};
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
        master: &MasterKeys,
        now: Timestamp,
    ) -> Result<Self, KeyringError> {
        let mut accepted: Vec<_> = table
            .records
            .iter()
            .filter(|record| record.state.accepts(now))
            .collect();
        // Whoever takes the first key of a set takes the one in use.
        accepted.sort_by_key(|record| !record.state.makes());
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
            )
            .withdrawing(withdrawn(table)),
            version: table.version,
        })
    }
}

/// The ids of the token keys that are in wrong hands.
fn withdrawn(table: &KeyTable) -> Vec<u8> {
    let gone = |key: &&KeyRecord| {
        key.purpose == Purpose::RefreshTag && matches!(key.state, KeyState::Compromised { .. })
    };
    let ids = table.records.iter().filter(gone);
    ids.filter_map(|key| key.id.parse().ok()).collect()
}

fn signing_key(record: &KeyRecord, master: &MasterKeys) -> Result<SigningKey, KeyringError> {
    let secret = open(record, master)?;
    record
        .algorithm
        .and_then(|algorithm| SigningKey::open(&record.id, algorithm, &secret))
        .ok_or_else(|| damaged(record))
}

fn token_key(record: &KeyRecord, master: &MasterKeys) -> Result<TokenKey, KeyringError> {
    let secret = open(record, master)?;
    let id = record.id.parse().map_err(|_| damaged(record))?;
    let secret = secret.as_slice().try_into().map_err(|_| damaged(record))?;
    Ok(TokenKey::new(id, secret))
}

fn open(
    record: &KeyRecord,
    master: &MasterKeys,
) -> Result<zeroize::Zeroizing<Vec<u8>>, KeyringError> {
    let master = master
        .find(record.sealed.master)
        .ok_or_else(|| KeyringError::WrongMasterKey {
            needed: to_hex(&record.sealed.master),
            given: to_hex(&master.newest().id()),
        })?;
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
    use crate::key::{
        Algorithm, KeyState, MasterKey,
        turn::tests::{MASTER, NOW, first_keys, masters},
    };

    fn table() -> KeyTable {
        KeyTable {
            version: 3,
            records: first_keys(Algorithm::EdDsa),
        }
    }

    fn kids(ring: &Keyring) -> Vec<&str> {
        ring.published.iter().filter_map(Jwk::kid).collect()
    }

    #[test]
    fn first_keys_open_under_their_master_key_alone() {
        let ring = Keyring::open(&table(), &masters(), NOW).expect("opens");
        assert_eq!((ring.tokens.newest().id(), ring.version), (1, 3));
        assert_eq!(ring.published.len(), 2, "the standby is published too");
        assert_eq!(kids(&ring).first(), Some(&ring.signing.kid()));
        let wrong = MasterKeys::new(MasterKey::from_bytes([8; 32]), Vec::new());
        let refused = Keyring::open(&table(), &wrong, NOW);
        assert!(matches!(refused, Err(KeyringError::WrongMasterKey { .. })));
        let both = MasterKeys::new(
            MasterKey::from_bytes([8; 32]),
            vec![MasterKey::from_bytes(MASTER)],
        );
        assert!(Keyring::open(&table(), &both, NOW).is_ok());
    }

    #[test]
    fn a_key_moved_to_another_row_is_damage() {
        let mut table = table();
        let other = table.records[2].sealed.clone();
        table.records[0].sealed = other;
        assert!(matches!(
            Keyring::open(&table, &masters(), NOW),
            Err(KeyringError::Damaged { .. })
        ));
    }

    #[test]
    fn a_key_under_another_algorithm_is_damage() {
        let mut table = table();
        table.records[0].algorithm = Some(Algorithm::Es256);
        assert!(matches!(
            Keyring::open(&table, &masters(), NOW),
            Err(KeyringError::Damaged {
                purpose: "signing",
                ..
            })
        ));
    }

    #[test]
    fn every_algorithm_signs_what_its_published_key_verifies() {
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
            let table = KeyTable {
                version: 1,
                records: first_keys(algorithm),
            };
            let ring = Keyring::open(&table, &masters(), NOW).expect("opens");
            let jwk = ring.published.find(ring.signing.kid()).expect("published");
            assert_eq!(jwk.algorithm(), algorithm);
        }
    }

    #[test]
    fn retired_keys_still_verify_and_compromised_ones_do_not() {
        let mut table = table();
        let until = Timestamp::from_seconds(200);
        let place = table
            .records
            .iter()
            .position(|key| matches!(key.state, KeyState::Announced { .. }))
            .expect("a standby");
        let standby = table.records[place].purpose;
        assert_eq!(standby, Purpose::Signing);
        let count = |table: &KeyTable, now| {
            let ring = Keyring::open(table, &masters(), now).expect("opens");
            ring.published.len()
        };
        table.records[place].state = KeyState::active(NOW).retire(NOW, until);
        assert_eq!((count(&table, NOW), count(&table, until)), (2, 1));
        table.records[place].state = KeyState::active(NOW).compromise(NOW);
        assert_eq!(count(&table, NOW), 1);
        table
            .records
            .retain(|key| !(key.purpose == Purpose::Signing && key.state.makes()));
        assert!(matches!(
            Keyring::open(&table, &masters(), NOW),
            Err(KeyringError::Missing("signing"))
        ));
    }
}
