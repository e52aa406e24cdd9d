//! What names a key by the key itself (RFC 7638). Knows nothing of how keys are written.

use std::fmt;

use crate::base64url;

/// The SHA-256 thumbprint of a public key (RFC 7638): what `cnf.jkt` of a bound token names (RFC 9449, section 6.1). Not a secret.
///
/// ```
/// use relatch_verify::{Jwk, Thumbprint};
///
/// let thumbprint = Jwk::ed25519("any", &[7; 32])?.thumbprint();
/// assert_eq!(Thumbprint::parse(&thumbprint.to_string()), Some(thumbprint));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// One from its 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// One from its 43 base64url characters; `None` if it is written in any other way.
    pub fn parse(text: &str) -> Option<Self> {
        base64url::decode_array(text).map(Self)
    }

    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// 43 base64url characters.
impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}
