//! Who signs: a key, what its good token says, and tools to say something else.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

type Sign = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

/// A key that signs, under its id.
pub struct Key {
    pub(crate) kid: String,
    sign: Box<Sign>,
}

impl Key {
    /// A key that signs by this function, in the form that JWS wants.
    pub fn new(
        kid: impl Into<String>,
        sign: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self {
            kid: kid.into(),
            sign: Box::new(sign),
        }
    }

    /// An Ed25519 key from its seed.
    ///
    /// # Panics
    /// If the seed is none.
    pub fn ed25519(kid: impl Into<String>, seed: &[u8]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
        Self::new(kid, move |message| pair.sign(message).as_ref().to_vec())
    }

    /// The public key of such a seed.
    ///
    /// # Panics
    /// If the seed is none.
    pub fn public(seed: &[u8]) -> [u8; 32] {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
        pair.public_key().as_ref().try_into().unwrap()
    }

    /// The signature of `message`.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        (self.sign)(message)
    }

    /// A token with this header and payload, whatever they say.
    pub fn token(&self, header: impl ToString, payload: impl ToString) -> String {
        self.token_of(&signing_input(header, payload))
    }

    pub(crate) fn token_of(&self, input: &str) -> String {
        format!("{input}.{}", encode(self.sign(input.as_bytes())))
    }
}

/// An issuer of good tokens, which signs any nonsense too.
pub struct Issuer {
    pub(crate) key: Key,
    pub(crate) p256: Option<Key>,
    /// With its modulus.
    pub(crate) rsa: Option<(Key, Vec<u8>)>,
    claims: Value,
    pub(crate) now: i64,
    pub(crate) margin: i64,
}

impl Issuer {
    /// One that signs these claims with an Ed25519 key. It takes the time at which its tokens are checked from `iat`.
    ///
    /// # Panics
    /// If the claims have no `iss`, `aud` and `iat`, or an `aud` that is a list.
    pub fn new(key: Key, claims: Value) -> Self {
        assert!(claims["iss"].is_string() && claims["aud"].is_string());
        let now = claims["iat"].as_i64().unwrap();
        Self {
            key,
            p256: None,
            rsa: None,
            claims,
            now,
            margin: 1,
        }
    }

    /// Adds a P-256 key that its verifiers know.
    #[must_use]
    pub fn with_p256(mut self, key: Key) -> Self {
        self.p256 = Some(key);
        self
    }

    /// Adds an RSA key that its verifiers know, and its modulus.
    #[must_use]
    pub fn with_rsa(mut self, key: Key, modulus: Vec<u8>) -> Self {
        self.rsa = Some((key, modulus));
        self
    }

    /// By how many seconds tokens miss their time, 1 unless said: more where the verifier's clock runs on, or is lenient.
    #[must_use]
    pub fn margin(mut self, seconds: i64) -> Self {
        self.margin = seconds;
        self
    }

    /// The token that nothing is wrong with.
    pub fn good(&self) -> String {
        self.sign(self.header(), self.claims())
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": "EdDSA", "typ": "at+jwt", "kid": self.key.kid})
    }

    pub(crate) fn claims(&self) -> Value {
        self.claims.clone()
    }

    /// A claim of the good token that is a text.
    pub(crate) fn text(&self, claim: &str) -> &str {
        self.claims[claim].as_str().unwrap()
    }

    pub(crate) fn sign(&self, header: impl ToString, payload: impl ToString) -> String {
        self.key.token(header, payload)
    }
}

/// The base64url of RFC 7515.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What [`encode`] was given.
///
/// # Panics
/// If the text is no base64url.
pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// What a signature is made over.
pub fn signing_input(header: impl ToString, payload: impl ToString) -> String {
    let (header, payload) = (header.to_string(), payload.to_string());
    format!("{}.{}", encode(header), encode(payload))
}

/// `object` with one member set, or removed by `null`.
///
/// # Panics
/// If it is no object.
#[must_use]
pub fn with(mut object: Value, member: &str, value: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    match value {
        Value::Null => members.remove(member),
        value => members.insert(member.to_owned(), value),
    };
    object
}
