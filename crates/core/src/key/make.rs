//! New keys: a name that no living token carries, and a sealed secret.

use super::{KeyRecord, KeyState, Purpose, seal::Unsealable, store::identity, turn::Maker};
use crate::{chance, token::SigningKey};

impl Maker<'_> {
    /// A key for `purpose` beside `others`. Its secret is 32 random bytes, or for ES256 and RS256 a PKCS #8 document
    /// (RFC 5958).
    ///
    /// # Errors
    /// [`Unsealable`] if it cannot be made or sealed, or every name is taken.
    pub fn make(
        &self,
        others: &[KeyRecord],
        purpose: Purpose,
        state: KeyState,
    ) -> Result<KeyRecord, Unsealable> {
        let (id, algorithm, secret) = match purpose {
            Purpose::Signing => (
                chance::random_uuid(self.entropy).simple().to_string(),
                Some(self.algorithm),
                SigningKey::generate(self.algorithm, self.entropy).ok_or(Unsealable)?,
            ),
            Purpose::RefreshTag => (
                free_id(others).ok_or(Unsealable)?.to_string(),
                None,
                chance::draw::<32>(self.entropy).to_vec().into(),
            ),
        };
        let sealed = self
            .master
            .newest()
            .seal(&identity(purpose, &id), &secret)?;
        Ok(KeyRecord {
            purpose,
            id,
            algorithm,
            state,
            sealed,
        })
    }
}

/// The first byte after the newest one's, round the circle, that no key in the table has. 0 is never one.
fn free_id(others: &[KeyRecord]) -> Option<u8> {
    let tag_keys = others
        .iter()
        .filter(|key| key.purpose == Purpose::RefreshTag);
    let taken: Vec<(u8, _)> = tag_keys
        .filter_map(|key| Some((key.id.parse().ok()?, key.state.since())))
        .collect();
    let newest = taken
        .iter()
        .max_by_key(|key| (key.1, key.0))
        .map_or(0, |key| key.0);
    (newest..=u8::MAX)
        .chain(0..newest)
        .skip(1)
        .find(|id| *id != 0 && taken.iter().all(|key| key.0 != *id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, key::Sealed};

    fn taken(id: u8, since: i64) -> KeyRecord {
        KeyRecord {
            purpose: Purpose::RefreshTag,
            id: id.to_string(),
            algorithm: None,
            state: KeyState::active(Timestamp::from_seconds(since)),
            sealed: Sealed {
                master: [0; 8],
                bytes: Vec::new(),
            },
        }
    }

    #[test]
    fn ids_go_round_and_meet_no_other() {
        assert_eq!(free_id(&[]), Some(1));
        assert_eq!(free_id(&[taken(1, 0), taken(2, 5)]), Some(3));
        assert_eq!(
            free_id(&[taken(254, 0), taken(255, 5), taken(1, 1)]),
            Some(2)
        );
        let all: Vec<_> = (1..=255).map(|id| taken(id, i64::from(id))).collect();
        assert_eq!(free_id(&all), None);
        assert_eq!(free_id(&all[1..]), Some(1));
        assert_eq!(free_id(&all[..200]), Some(201));
    }
}
