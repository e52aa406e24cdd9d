//! The numbers of a public key and the bounds that they must keep. Knows nothing of ids, uses and JSON members.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};

use crate::{Algorithm, KeyError, base64url};

const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
const RSA_EXPONENT_BYTES: usize = 4;
const UNCOMPRESSED: u8 = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Material {
    Ed25519 { x: [u8; 32] },
    P256 { x: [u8; 32], y: [u8; 32] },
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl Material {
    /// The coordinates of an uncompressed P-256 point.
    pub(super) fn from_point(point: &[u8]) -> Option<Self> {
        let coordinates = point.strip_prefix(&[UNCOMPRESSED])?;
        let (x, y) = coordinates.split_at_checked(32)?;
        Some(Self::P256 {
            x: x.try_into().ok()?,
            y: y.try_into().ok()?,
        })
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519 { .. } => Algorithm::EdDsa,
            Self::P256 { .. } => Algorithm::Es256,
            Self::Rsa { .. } => Algorithm::Rs256,
        }
    }

    pub(super) fn parse(&self) -> Result<ParsedPublicKey, KeyError> {
        match self {
            Self::Ed25519 { x } => ParsedPublicKey::new(&ED25519, x),
            Self::P256 { x, y } => {
                let point = [&[UNCOMPRESSED], x.as_slice(), y].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            }
            Self::Rsa { n, e } => {
                check_rsa(n, e)?;
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            }
        }
        .map_err(|_| KeyError::Invalid)
    }

    /// The members that make this key and no other, in the order of their names (RFC 7638, section 3.2).
    pub(super) fn members(&self) -> BTreeMap<&'static str, String> {
        let text = |name: &str| name.to_owned();
        let numbers = base64url::encode;
        match self {
            Self::Ed25519 { x } => BTreeMap::from([
                ("crv", text("Ed25519")),
                ("kty", text("OKP")),
                ("x", numbers(x)),
            ]),
            Self::P256 { x, y } => BTreeMap::from([
                ("crv", text("P-256")),
                ("kty", text("EC")),
                ("x", numbers(x)),
                ("y", numbers(y)),
            ]),
            Self::Rsa { n, e } => {
                BTreeMap::from([("e", numbers(e)), ("kty", text("RSA")), ("n", numbers(n))])
            }
        }
    }

    /// The JSON that a thumbprint is made of: those members without spaces. Nothing in them needs an escape.
    pub(super) fn canonical(&self) -> String {
        let member = |(name, value)| format!(r#""{name}":"{value}""#);
        let members: Vec<_> = self.members().into_iter().map(member).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// The library checks sizes only when a signature comes; a weak key should not get as far as a set.
fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), KeyError> {
    let bits = significant_bits(n).ok_or(KeyError::MemberMalformed("n"))?;
    significant_bits(e).ok_or(KeyError::MemberMalformed("e"))?;
    let even = |number: &[u8]| number.last().is_none_or(|byte| byte % 2 == 0);
    let weak = !RSA_BITS.contains(&bits) || even(n) || even(e) || e == [1];
    if weak || e.len() > RSA_EXPONENT_BYTES {
        return Err(KeyError::RsaParameters);
    }
    Ok(())
}

/// The length in bits of a big-endian number; `None` if it is empty or starts with a zero byte (RFC 7518, section 2).
fn significant_bits(number: &[u8]) -> Option<usize> {
    let first = number.first().filter(|byte| **byte != 0)?;
    Some(number.len() * 8 - first.leading_zeros() as usize)
}
