//! Heads: signed statements of how far the record goes and what its hash is there. Whoever keeps one can prove later that
//! rows up to it were changed, removed or cut off.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relatch_verify::{Algorithm, Jwk, VerifyError, jws::Compact};
use serde::Deserialize;

use super::chain::Hash;
use crate::{Timestamp, token::SigningKey};

/// The `typ` of a head: nobody takes one for an access token, nor the other way round (RFC 8725 §3.11).
pub const TYPE: &str = "relatch-audit-head+jwt";

/// How far the record goes, and what its hash is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Point {
    /// The last row.
    pub number: i64,
    /// The hash after it.
    pub hash: Hash,
}

impl Point {
    /// Before the first row.
    pub const START: Self = Self {
        number: 0,
        hash: Hash::START,
    };
}

/// A head as the store keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedHead {
    /// Where the record stands.
    pub point: Point,
    /// When it was sealed, to the second.
    pub at: Timestamp,
    /// The beginnings of the hashes of the rows since the head before, but for the last row's: they tell which row changed.
    pub links: Vec<u8>,
    /// What it is signed with.
    pub algorithm: Algorithm,
    /// The key's name.
    pub kid: String,
    /// The signature over header and payload (RFC 7515 §5.1).
    pub signature: Vec<u8>,
}

impl SignedHead {
    /// Signs that the record stands there.
    pub fn sign(point: Point, links: Vec<u8>, key: &SigningKey, now: Timestamp) -> Self {
        let mut head = Self {
            point,
            at: Timestamp::from_seconds(now.as_seconds()),
            links,
            algorithm: key.algorithm(),
            kid: key.kid().to_owned(),
            signature: Vec::new(),
        };
        head.signature = key.sign(head.signing_input().as_bytes());
        head
    }

    /// The head as a JWS in compact serialization, as it is kept elsewhere.
    pub fn jws(&self) -> String {
        format!(
            "{}.{}",
            self.signing_input(),
            URL_SAFE_NO_PAD.encode(&self.signature)
        )
    }

    /// Whether this key signed it.
    pub fn is_signed_by(&self, key: &Jwk) -> bool {
        let jws = self.jws();
        Compact::parse(&jws).is_ok_and(|compact| compact.verify(key).is_ok())
    }

    /// The links are not in it but their hash is: a head stays short, and they cannot be changed.
    fn signing_input(&self) -> String {
        let header = format!(
            r#"{{"alg":"{}","typ":"{TYPE}","kid":"{}"}}"#,
            self.algorithm, self.kid
        );
        let payload = format!(
            r#"{{"iat":{},"number":{},"hash":"{}","links":"{}"}}"#,
            self.at.as_seconds(),
            self.point.number,
            self.point.hash,
            Hash::over(&self.links)
        );
        let (header, payload) = (
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(payload),
        );
        format!("{header}.{payload}")
    }
}

/// A head that was kept elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptHead {
    /// Where the record stood.
    pub point: Point,
    /// When it was sealed.
    pub at: Timestamp,
}

/// Why a text is no head.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoHead {
    /// Not one that was ever signed here.
    #[error("it is no head of a record")]
    Malformed,
    /// Signed with a key that the record does not name.
    #[error("the key that signed it is neither among the server's keys nor in the record")]
    UnknownKey,
    /// Changed after it was signed.
    #[error("its signature is wrong: it was changed, or forged")]
    Forged,
}

impl KeptHead {
    /// Reads a JWS that a key which `find` knows has signed.
    ///
    /// # Errors
    /// [`NoHead`].
    pub fn read(text: &str, find: impl Fn(&str) -> Option<Jwk>) -> Result<Self, NoHead> {
        let compact = Compact::parse(text.trim()).map_err(|_| NoHead::Malformed)?;
        if !compact.header().is_type(TYPE) {
            return Err(NoHead::Malformed);
        }
        let kid = compact.header().kid.clone().ok_or(NoHead::Malformed)?;
        let key = find(&kid).ok_or(NoHead::UnknownKey)?;
        let payload = compact.verify(&key).map_err(|error| match error {
            VerifyError::SignatureInvalid | VerifyError::AlgorithmMismatch => NoHead::Forged,
            _ => NoHead::Malformed,
        })?;
        let payload: Payload = serde_json::from_slice(&payload).map_err(|_| NoHead::Malformed)?;
        let hash = Hash::parse(&payload.hash).ok_or(NoHead::Malformed)?;
        Ok(Self {
            point: Point {
                number: payload.number,
                hash,
            },
            at: Timestamp::from_seconds(payload.iat),
        })
    }
}

#[derive(Deserialize)]
struct Payload {
    iat: i64,
    number: i64,
    hash: String,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::event) fn key(kid: &str, seed: u8) -> SigningKey {
        SigningKey::open(kid, Algorithm::EdDsa, &[seed; 32]).expect("a key")
    }

    fn head() -> SignedHead {
        let point = Point {
            number: 7,
            hash: Hash([9; 32]),
        };
        let now = Timestamp::from_millis(1_750_000_000_999);
        SignedHead::sign(point, vec![1; 16], &key("a", 1), now)
    }

    #[test]
    fn a_head_is_good_as_it_was_signed_and_no_other_way() {
        let (good, jwk) = (head(), key("a", 1).jwk().expect("a key"));
        assert!(good.is_signed_by(&jwk));
        assert!(!good.is_signed_by(&key("a", 2).jwk().expect("a key")));
        let changes: [fn(&mut SignedHead); 6] = [
            |h| h.point.number = 8,
            |h| h.point.hash = Hash([8; 32]),
            |h| h.at = Timestamp::from_seconds(1_750_000_001),
            |h| h.links = vec![1; 8],
            |h| h.kid = "b".to_owned(),
            |h| h.signature = Vec::new(),
        ];
        for change in changes {
            let mut head = good.clone();
            change(&mut head);
            assert!(!head.is_signed_by(&jwk), "{head:?}");
        }
    }

    #[test]
    fn a_kept_head_comes_back() {
        let find = |kid: &str| (kid == "a").then(|| key("a", 1).jwk()).flatten();
        let text = head().jws();
        let kept = KeptHead::read(&format!(" {text}\n"), find).expect("reads");
        assert_eq!((kept.point, kept.at), (head().point, head().at));
        assert_eq!(KeptHead::read(&text, |_| None), Err(NoHead::UnknownKey));
        let other = |_: &str| key("a", 2).jwk();
        assert_eq!(KeptHead::read(&text, other), Err(NoHead::Forged));
        assert_eq!(KeptHead::read("what.is.this", find), Err(NoHead::Malformed));
    }

    /// An access token has the right key and another `typ`.
    #[test]
    fn a_token_is_no_head() {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let header = encode(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"a"}"#);
        let hash = Hash::START;
        let payload = format!(r#"{{"iat":1,"number":7,"hash":"{hash}"}}"#);
        let input = format!("{header}.{}", encode(&payload));
        let signature = URL_SAFE_NO_PAD.encode(key("a", 1).sign(input.as_bytes()));
        let read = KeptHead::read(&format!("{input}.{signature}"), |_| key("a", 1).jwk());
        assert_eq!(read, Err(NoHead::Malformed));
    }
}
