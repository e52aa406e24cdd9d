//! The access token: a JWT by RFC 9068, signed with Ed25519 (RFC 8037).
//!
//! Core mints, `relatch-verify` checks; a round-trip test ties the two.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relatch_verify::Jwk;
use serde::Serialize;
use uuid::Uuid;
use zeroize::ZeroizeOnDrop;

/// The claims of an access token; times in seconds since the Unix epoch.
#[derive(Serialize, Debug)]
pub struct AccessClaims<'a> {
    /// Who issued it.
    pub iss: &'a str,
    /// The user.
    pub sub: Uuid,
    /// For whom it is.
    pub aud: &'a str,
    /// The client that asked.
    pub client_id: &'a str,
    /// End.
    pub exp: i64,
    /// Begin.
    pub iat: i64,
    /// The token's own name.
    pub jti: &'a str,
    /// The session.
    pub sid: Uuid,
    /// The session's generation when this was made.
    #[serde(rename = "gen")]
    pub generation: u32,
    /// When the user last proved who he is.
    pub auth_time: i64,
    /// How (RFC 8176).
    pub amr: &'a [&'a str],
}

/// A signed access token in the clear.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct AccessToken(String);

impl AccessToken {
    /// The text, for the answer alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken")
    }
}

/// A key that signs access tokens.
pub struct SigningKey {
    kid: String,
    pair: Ed25519KeyPair,
    /// The encoded header and the dot behind it: the same for all of this key's tokens.
    head: String,
}

impl SigningKey {
    /// A key from its 32-byte Ed25519 seed (RFC 8032); none if the seed is not of that length.
    pub fn from_seed(kid: &str, seed: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#);
        let head = format!("{}.", URL_SAFE_NO_PAD.encode(header));
        Some(Self {
            kid: kid.to_owned(),
            pair,
            head,
        })
    }

    /// The key's name in the JWKS.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key, as the JWKS carries it.
    pub fn jwk(&self) -> Option<Jwk> {
        let public_key = self.pair.public_key().as_ref().try_into().ok()?;
        Jwk::ed25519(&self.kid, public_key).ok()
    }

    /// The claims as a signed token (RFC 7515 compact serialization).
    pub fn mint(&self, claims: &AccessClaims<'_>) -> AccessToken {
        // Serializing strings and numbers to memory has no way to fail.
        let payload = serde_json::to_vec(claims).unwrap_or_default();
        let mut token = String::with_capacity(self.head.len() + payload.len() * 4 / 3 + 96);
        token.push_str(&self.head);
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = self.pair.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        AccessToken(token)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}
