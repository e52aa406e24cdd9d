//! Which signature algorithms there are, and their names on the wire. Knows nothing of keys or tokens.

use std::fmt;

/// A signature algorithm that this crate accepts: asymmetric ones only (RFC 8725, section 3.2).
///
/// ```
/// use relatch_verify::Algorithm;
///
/// assert_eq!(Algorithm::from_name("EdDSA"), Some(Algorithm::EdDsa));
/// assert_eq!(Algorithm::from_name("none"), None);
/// assert_eq!(Algorithm::Es256.to_string(), "ES256");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519, written `EdDSA` (RFC 8037) or `Ed25519` (RFC 9864): two names of one algorithm.
    EdDsa,
    /// ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4).
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, section 3.3).
    Rs256,
}

impl Algorithm {
    /// The name that Relatch writes into `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    /// The algorithm behind a value of `alg`, if it is one of ours; names are case-sensitive (RFC 7515, section 4.1.1).
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
