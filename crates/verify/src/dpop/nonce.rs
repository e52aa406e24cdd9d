//! Nonces without a memory of them: each says when it was made, under a key. Knows nothing of proofs.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};

use super::ProofError;
use crate::base64url;

/// What tells these from other things under the same key, should somebody have it used for two.
const PURPOSE: &[u8] = b"relatch/dpop/nonce\0";

const TIME_LENGTH: usize = 8;
const TAG_LENGTH: usize = 16;

/// How far the clocks of two machines that share a key may be apart.
const SKEW_SECONDS: i64 = 60;

/// Gives out nonces and knows its own again (RFC 9449, sections 8 and 9).
///
/// Demanding one makes sure that a proof was made a moment ago, and not in advance by somebody who had a client's key in his hands
/// for a while. All machines of one service share a key, or each refuses the nonces of the others.
///
/// ```
/// use relatch_verify::dpop::{Nonces, ProofError};
///
/// let nonces = Nonces::new(&[7; 32]);
/// let now = 1_800_000_000;
/// let nonce = nonces.issue(now);
/// assert_eq!(nonces.check(Some(&nonce), now + 299), Ok(()));
/// assert_eq!(nonces.check(Some(&nonce), now + 300), Err(ProofError::NonceInvalid));
/// assert_eq!(nonces.check(None, now), Err(ProofError::NonceMissing));
/// ```
#[derive(Clone)]
pub struct Nonces {
    key: hmac::Key,
    lifetime: i64,
}

impl Nonces {
    /// Nonces under this key, which nobody else may know; each is good for five minutes.
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            lifetime: 300,
        }
    }

    /// For how many seconds each is good.
    #[must_use]
    pub fn lifetime(mut self, seconds: u32) -> Self {
        self.lifetime = i64::from(seconds);
        self
    }

    /// One that is good from `now` on, in seconds since 1970.
    pub fn issue(&self, now: i64) -> String {
        let time = now.to_be_bytes();
        let tag = self.tag(time);
        let tag = tag.as_ref().get(..TAG_LENGTH).unwrap_or_default();
        base64url::encode(&[&time, tag].concat())
    }

    /// Whether `nonce` is one of these and good at `now`.
    ///
    /// # Errors
    /// [`ProofError::NonceMissing`] or [`ProofError::NonceInvalid`].
    pub fn check(&self, nonce: Option<&str>, now: i64) -> Result<(), ProofError> {
        let nonce = nonce.ok_or(ProofError::NonceMissing)?;
        let issued_at = self.issued_at(nonce).ok_or(ProofError::NonceInvalid)?;
        let young = now < issued_at.saturating_add(self.lifetime);
        if young && issued_at <= now.saturating_add(SKEW_SECONDS) {
            Ok(())
        } else {
            Err(ProofError::NonceInvalid)
        }
    }

    /// When one of these was made.
    fn issued_at(&self, nonce: &str) -> Option<i64> {
        let bytes: [u8; TIME_LENGTH + TAG_LENGTH] = base64url::decode_array(nonce)?;
        let (time, shown) = bytes.split_first_chunk()?;
        let tag = self.tag(*time);
        let good = constant_time::verify_slices_are_equal(tag.as_ref().get(..TAG_LENGTH)?, shown);
        good.ok().map(|()| i64::from_be_bytes(*time))
    }

    fn tag(&self, time: [u8; TIME_LENGTH]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(PURPOSE);
        context.update(&time);
        context.sign()
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces")
    }
}
