//! Where random bytes come from: an argument, so that tests can repeat themselves.

use uuid::Uuid;

use crate::Timestamp;

/// A source of random bytes; in production the operating system's, through aws-lc.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with bytes that nobody can predict.
    fn fill(&self, bytes: &mut [u8]);
}

/// Random bytes of a fixed length.
pub fn draw<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// A random UUID (RFC 9562, version 4): says nothing about when or where it was made.
pub fn random_uuid(entropy: &dyn Entropy) -> Uuid {
    uuid::Builder::from_random_bytes(draw(entropy)).into_uuid()
}

/// A UUID that sorts by time (RFC 9562, version 7), for rows that are read in order.
pub fn ordered_uuid(entropy: &dyn Entropy, now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &draw(entropy)).into_uuid()
}
