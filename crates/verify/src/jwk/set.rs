//! A set of public keys (JWK Set, RFC 7517, section 5): lookup by `kid` and the JSON form. Does not fetch.

use std::collections::HashSet;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Jwk;
use crate::{KeyError, json};

/// The public keys of one issuer, each with an id of its own.
///
/// Read from JSON, a set leaves out each key that this crate can't or won't use (another type, another use, too
/// weak, malformed, private), as RFC 7517, section 5 advises: tokens that name such a key meet
/// [`KeyUnknown`](crate::VerifyError::KeyUnknown), and the other keys go on working.
///
/// ```
/// use relatch_verify::{Jwk, KeySet};
///
/// let keys: KeySet = serde_json::from_str(r#"{"keys": [
///     {"kty": "OKP", "crv": "Ed25519", "kid": "2026-11", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
///     {"kty": "oct", "kid": "a symmetric key is skipped", "k": "c2VjcmV0"}
/// ]}"#)?;
/// assert_eq!(keys.len(), 1);
/// assert!(keys.find("2026-11").is_some());
///
/// // The other way, as an issuer publishes it:
/// let keys = KeySet::new(vec![Jwk::ed25519("2026-12", &[7; 32])?])?;
/// assert!(serde_json::to_string(&keys)?.starts_with(r#"{"keys":[{"crv":"Ed25519","kty":"OKP","x":"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeySet {
    keys: Vec<Jwk>,
}

impl KeySet {
    /// A set of these keys, kept in their order.
    ///
    /// # Errors
    /// [`KeyError::KeyIdRepeated`] if two keys have one `kid`, for then it would name neither.
    pub fn new(keys: Vec<Jwk>) -> Result<Self, KeyError> {
        let mut seen = HashSet::new();
        if !keys.iter().filter_map(Jwk::kid).all(|kid| seen.insert(kid)) {
            return Err(KeyError::KeyIdRepeated);
        }
        Ok(Self { keys })
    }

    /// The key with this id, compared byte for byte. A key without an id is never found.
    pub fn find(&self, kid: &str) -> Option<&Jwk> {
        // A set holds a handful of keys: looking at each is faster than a map.
        self.keys.iter().find(|key| key.kid() == Some(kid))
    }

    /// Leaves only the keys for which `keep` is true.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Jwk) -> bool) {
        self.keys.retain(keep);
    }

    /// The keys in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Jwk> {
        self.keys.iter()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key, so that every token will be refused.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl<'set> IntoIterator for &'set KeySet {
    type Item = &'set Jwk;
    type IntoIter = std::slice::Iter<'set, Jwk>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The set as it comes: each key by itself, so that one bad key does not spoil the rest.
#[derive(Deserialize)]
struct Members {
    keys: Vec<Value>,
}

impl<'de> Deserialize<'de> for KeySet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members: Members = json::strict(deserializer)?;
        let usable = |key: &Value| Jwk::deserialize(key).ok();
        let keys = members.keys.iter().filter_map(usable).collect();
        Self::new(keys).map_err(D::Error::custom)
    }
}
