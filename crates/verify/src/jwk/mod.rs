//! Public keys: what a key is made of, its algorithm and its thumbprint. Their JSON form is in `wire`, sets of them in `set`.
//! Knows nothing of tokens and holds no private key.

mod material;
mod set;
mod thumbprint;
mod wire;
#[cfg(test)]
mod wycheproof;

use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::signature::ParsedPublicKey;

use crate::{Algorithm, KeyError};
use material::Material;

pub use set::KeySet;
pub use thumbprint::Thumbprint;
pub(crate) use wire::Offered;

/// A public key for checking signatures: Ed25519, P-256, or RSA of 2048 bits and more (RFC 7517, RFC 8037).
///
/// The key is parsed when it is made, so that checking a signature costs the signature alone.
///
/// ```
/// use relatch_verify::{Algorithm, Jwk};
///
/// let key = Jwk::ed25519("2026-11", &[7; 32])?;
/// assert_eq!((key.kid(), key.algorithm()), (Some("2026-11"), Algorithm::EdDsa));
/// // As an issuer publishes it, and back:
/// let json = serde_json::to_string(&key)?;
/// assert_eq!(serde_json::from_str::<Jwk>(&json)?, key);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Jwk {
    kid: Option<Arc<str>>,
    material: Material,
    parsed: ParsedPublicKey,
}

impl Jwk {
    /// An Ed25519 key from its 32 bytes (RFC 8032, section 5.1.5).
    ///
    /// Bytes that are no point of the curve make a key that accepts no signature.
    ///
    /// # Errors
    /// [`KeyError::Invalid`] if the cryptographic library takes no such key.
    pub fn ed25519(kid: impl Into<String>, public_key: &[u8; 32]) -> Result<Self, KeyError> {
        Self::new(Some(kid.into()), Material::Ed25519 { x: *public_key })
    }

    /// A P-256 key from its uncompressed point: `0x04`, then x and y of 32 bytes each (SEC 1, section 2.3.3).
    ///
    /// # Errors
    /// [`KeyError::Invalid`] if `point` has another form or is not on the curve.
    pub fn p256(kid: impl Into<String>, point: &[u8]) -> Result<Self, KeyError> {
        let material = Material::from_point(point).ok_or(KeyError::Invalid)?;
        Self::new(Some(kid.into()), material)
    }

    /// An RSA key from modulus and public exponent, big-endian without leading zeros.
    ///
    /// # Errors
    /// [`KeyError::MemberMalformed`] for an empty number or a leading zero, [`KeyError::RsaParameters`] for sizes out
    /// of bounds and even numbers.
    pub fn rsa(kid: impl Into<String>, n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let material = Material::Rsa {
            n: n.to_vec(),
            e: e.to_vec(),
        };
        Self::new(Some(kid.into()), material)
    }

    fn new(kid: Option<String>, material: Material) -> Result<Self, KeyError> {
        let parsed = material.parse()?;
        Ok(Self {
            kid: kid.map(Into::into),
            material,
            parsed,
        })
    }

    /// The id by which tokens name this key.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The same, to be kept.
    pub(crate) fn shared_kid(&self) -> Option<Arc<str>> {
        self.kid.clone()
    }

    /// The one algorithm that this key may be used with (RFC 8725, section 3.1).
    pub const fn algorithm(&self) -> Algorithm {
        self.material.algorithm()
    }

    /// The SHA-256 thumbprint of the key (RFC 7638); `kid` and the like do not enter it.
    pub fn thumbprint(&self) -> Thumbprint {
        let canonical = self.material.canonical();
        let digest = digest::digest(&digest::SHA256, canonical.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Thumbprint::from_bytes(bytes)
    }

    /// Whether `signature` is this key's over `message`.
    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}

/// Two keys are equal if their id and their numbers are.
impl PartialEq for Jwk {
    fn eq(&self, other: &Self) -> bool {
        self.kid == other.kid && self.material == other.material
    }
}

impl Eq for Jwk {}
