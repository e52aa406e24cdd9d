//! The access token: a JWT by RFC 9068, signed with Ed25519 (RFC 8037), or by choice with ES256 or RS256 (RFC 7518).
//!
//! Core mints, `relatch-verify` checks; a round-trip test ties the two.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rand, rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relatch_verify::{Algorithm, Jwk, Thumbprint};
use serde::Serialize;
use uuid::Uuid;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{Entropy, chance};

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
    /// The permissions as RFC 8693 §4.2 writes them.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub scope: &'a str,
    /// The roles of the user (RFC 9068 §2.2.3.1).
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    pub roles: &'a [&'a str],
    /// What may be done with the token.
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    pub permissions: &'a [&'a str],
    /// The key that the token is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}

/// The key that a token is bound to (RFC 7800, RFC 9449 §6.1).
#[derive(Serialize, Debug)]
pub struct Confirmation {
    /// The thumbprint.
    jkt: String,
}

impl Confirmation {
    /// Of that key.
    pub fn of(key: Thumbprint) -> Self {
        Self {
            jkt: key.to_string(),
        }
    }
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

/// Bytes of claims without many permissions: memory that need not grow while they are written.
const ROOM: usize = 512;

/// A key that signs access tokens.
pub struct SigningKey {
    kid: String,
    pair: Pair,
    /// The encoded header and the dot behind it: the same for all of this key's tokens.
    head: String,
}

enum Pair {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
    Rs256(rsa::KeyPair),
}

impl SigningKey {
    /// A fresh secret: 32 bytes, the seed, for Ed25519 (RFC 8032), else a PKCS #8 document. None if the library fails.
    pub fn generate(algorithm: Algorithm, entropy: &dyn Entropy) -> Option<Zeroizing<Vec<u8>>> {
        let secret = match algorithm {
            Algorithm::EdDsa => chance::draw::<32>(entropy).to_vec(),
            Algorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                .and_then(|pair| pair.to_pkcs8v1())
                .ok()?
                .as_ref()
                .to_vec(),
            Algorithm::Rs256 => {
                let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).ok()?;
                let document: Pkcs8V1Der<'_> = pair.as_der().ok()?;
                document.as_ref().to_vec()
            }
            _ => return None,
        };
        Some(secret.into())
    }

    /// A key from what [`generate`](Self::generate) made; none if it is not a secret of that algorithm.
    pub fn open(kid: &str, algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        let pair = match algorithm {
            Algorithm::EdDsa => Pair::EdDsa(Ed25519KeyPair::from_seed_unchecked(secret).ok()?),
            Algorithm::Es256 => Pair::Es256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, secret).ok()?,
            ),
            Algorithm::Rs256 => Pair::Rs256(rsa::KeyPair::from_pkcs8(secret).ok()?),
            _ => return None,
        };
        let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"{kid}"}}"#);
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
        let kid = self.kid.as_str();
        match &self.pair {
            Pair::EdDsa(pair) => Jwk::ed25519(kid, pair.public_key().as_ref().try_into().ok()?),
            Pair::Es256(pair) => Jwk::p256(kid, pair.public_key().as_ref()),
            Pair::Rs256(pair) => {
                let key = pair.public_key();
                let (n, e) = (key.modulus(), key.exponent());
                Jwk::rsa(
                    kid,
                    n.big_endian_without_leading_zero(),
                    e.big_endian_without_leading_zero(),
                )
            }
        }
        .ok()
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::EdDsa(_) => Algorithm::EdDsa,
            Pair::Es256(_) => Algorithm::Es256,
            Pair::Rs256(_) => Algorithm::Rs256,
        }
    }

    /// The signature over the encoded header and payload of another JWS than an access token; its `typ` must say so.
    pub fn sign(&self, input: &[u8]) -> Vec<u8> {
        self.pair.sign(input)
    }

    /// The claims as a signed token (RFC 7515 compact serialization).
    pub fn mint(&self, claims: &AccessClaims<'_>) -> AccessToken {
        let mut payload = Vec::with_capacity(ROOM);
        // Serializing strings and numbers to memory has no way to fail.
        let _ = serde_json::to_writer(&mut payload, claims);
        AccessToken(self.compact(&self.head, &payload))
    }

    /// A statement of another kind, signed: `typ` tells it from access tokens (RFC 8725 §3.11).
    pub fn state(&self, typ: &str, payload: &[u8]) -> String {
        let (algorithm, kid) = (self.algorithm(), &self.kid);
        let header = format!(r#"{{"alg":"{algorithm}","typ":"{typ}","kid":"{kid}"}}"#);
        let head = format!("{}.", URL_SAFE_NO_PAD.encode(header));
        self.compact(&head, payload)
    }

    fn compact(&self, head: &str, payload: &[u8]) -> String {
        let mut text = String::with_capacity(head.len() + payload.len() * 4 / 3 + 96);
        text.push_str(head);
        URL_SAFE_NO_PAD.encode_string(payload, &mut text);
        let signature = self.pair.sign(text.as_bytes());
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        text
    }
}

impl Pair {
    /// The signature as RFC 7518 §3 and RFC 8037 have it. The library fails only where memory ends; an empty signature is
    /// one that nobody accepts.
    fn sign(&self, text: &[u8]) -> Vec<u8> {
        let chance = rand::SystemRandom::new();
        match self {
            Self::EdDsa(pair) => pair.sign(text).as_ref().to_vec(),
            Self::Es256(pair) => pair
                .sign(&chance, text)
                .map_or_else(|_| Vec::new(), |signature| signature.as_ref().to_vec()),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                match pair.sign(&RSA_PKCS1_SHA256, &chance, text, &mut signature) {
                    Ok(()) => signature,
                    Err(_) => Vec::new(),
                }
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}
