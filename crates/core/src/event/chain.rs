//! The chain: each row's hash covers the row and the hash before it, so that whoever knows the last hash knows the whole
//! record. One pure function, with the encoding that others need who want to compute it themselves.

use std::fmt;

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Tells these hashes from all others, and names the encoding.
const DOMAIN: &[u8] = b"relatch/audit/row/1\0";

/// How many bytes of a row's hash a head keeps, to say later which row it was that changed.
pub const LINK: usize = 8;

/// A row of the record as it lies in the store, its columns not looked at: what is hashed must be what is there.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Record {
    /// Its place.
    pub number: i64,
    /// Milliseconds since the Unix epoch.
    pub at: i64,
    /// The stable name of what happened.
    pub name: Vec<u8>,
    /// The user's id.
    pub user: Vec<u8>,
    /// The session's id.
    pub session: Option<Vec<u8>>,
    /// The address of the peer.
    pub address: Option<Vec<u8>>,
    /// Its `User-Agent`.
    pub agent: Option<Vec<u8>>,
    /// JSON, to the letter.
    pub detail: Option<Vec<u8>>,
}

/// A hash of the chain (SHA-256).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What comes before the first row.
    pub const START: Self = Self([0; 32]);

    /// The hash after one more row: over the domain, this hash, number and time in 8 bytes (big-endian), and each column as
    /// its length in 4 bytes and its bytes. A column that is NULL is a length of 2^32 - 1 and nothing.
    #[must_use]
    pub fn then(self, record: &Record) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(DOMAIN);
        context.update(&self.0);
        context.update(&record.number.to_be_bytes());
        context.update(&record.at.to_be_bytes());
        let columns = [
            Some(&record.name),
            Some(&record.user),
            record.session.as_ref(),
            record.address.as_ref(),
            record.agent.as_ref(),
            record.detail.as_ref(),
        ];
        for column in columns {
            // The store takes no column of 4 GiB; none can be taken for a NULL.
            let length = column.map_or(u32::MAX, |bytes| {
                u32::try_from(bytes.len()).unwrap_or(u32::MAX - 1)
            });
            context.update(&length.to_be_bytes());
            context.update(column.map_or(&[], Vec::as_slice));
        }
        Self::of(context.finish())
    }

    /// The hash of these bytes alone.
    pub(super) fn over(bytes: &[u8]) -> Self {
        Self::of(digest::digest(&digest::SHA256, bytes))
    }

    /// What a head keeps of it.
    pub fn link(&self) -> [u8; LINK] {
        self.0.first_chunk().copied().unwrap_or_default()
    }

    /// From base64url.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().map(Self).ok()
    }

    fn of(digest: digest::Digest) -> Self {
        let mut hash = [0; 32];
        hash.iter_mut()
            .zip(digest.as_ref())
            .for_each(|(to, from)| *to = *from);
        Self(hash)
    }
}

/// As base64url.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::event) fn record(number: i64) -> Record {
        Record {
            number,
            at: 1_750_000_000_000 + number,
            name: b"session.opened".to_vec(),
            user: vec![1; 16],
            session: Some(vec![2; 16]),
            address: Some(b"192.0.2.7".to_vec()),
            agent: None,
            detail: Some(b"{}".to_vec()),
        }
    }

    #[test]
    fn every_column_counts() {
        let plain = record(1);
        let changes: [fn(&mut Record); 9] = [
            |r| r.number = 2,
            |r| r.at += 1,
            |r| r.name = b"session.ended".to_vec(),
            |r| r.user = vec![3; 16],
            |r| r.session = None,
            |r| r.address = Some(b"192.0.2.8".to_vec()),
            |r| r.agent = Some(Vec::new()),
            |r| r.detail = None,
            |r| r.detail = Some(b"{ }".to_vec()),
        ];
        let mut seen = vec![Hash::START.then(&plain), Hash([1; 32]).then(&plain)];
        for change in changes {
            let mut other = plain.clone();
            change(&mut other);
            seen.push(Hash::START.then(&other));
        }
        let all = seen.len();
        seen.sort_by_key(|hash| hash.0);
        seen.dedup();
        assert_eq!(seen.len(), all);
    }

    #[test]
    fn what_moves_from_one_column_to_the_next_is_another_row() {
        let split = |address: &str, agent: &str| {
            let mut record = record(1);
            record.address = Some(address.into());
            record.agent = Some(agent.into());
            Hash::START.then(&record)
        };
        assert_ne!(split("ab", "c"), split("a", "bc"));
        assert_ne!(split("", "\0\0\0\0"), split("\0\0\0\0", ""));
    }

    /// The encoding is a promise to whoever checks an export: `docs/audit.md` has the same example.
    #[test]
    fn the_encoding_stays() {
        let hash = Hash::START.then(&record(1));
        assert_eq!(
            hash.to_string(),
            "fqHPCf_6qlGXyoSZw619b80U-EkfcTZKmbxCM6Bo9sk"
        );
        assert_eq!(Hash::parse(&hash.to_string()), Some(hash));
    }
}
