//! The key that sessions are bound to, and the proof that one holds it (RFC 9449).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Error, Secret};

/// An Ed25519 key, made once for a store and used by every session that is kept there.
pub(crate) struct Key {
    pair: Ed25519KeyPair,
    x: String,
}

/// The form in which it is kept: a private JWK (RFC 8037).
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Kept {
    kty: String,
    crv: String,
    x: String,
    d: String,
}

/// What a proof is made for.
#[derive(Clone, Copy)]
pub(crate) struct Purpose<'a> {
    pub(crate) method: &'a str,
    /// The URL without query and fragment.
    pub(crate) target: &'a str,
    /// With which access token, if with one.
    pub(crate) access: Option<&'a str>,
    /// What the server wants to see again, if it said so.
    pub(crate) nonce: Option<&'a str>,
}

/// What makes one proof unlike any other.
pub(crate) struct Moment {
    pub(crate) id: String,
    /// By the server's clock, in seconds since 1970.
    pub(crate) at: i64,
}

impl Key {
    pub(crate) fn generate() -> Result<Self, Error> {
        let pair = Ed25519KeyPair::generate();
        let pair = pair.map_err(|_| Error::Broken("the machine makes no key"))?;
        Ok(Self::new(pair))
    }

    fn new(pair: Ed25519KeyPair) -> Self {
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        Self { pair, x }
    }

    /// The key that was kept; nothing if it is none.
    pub(crate) fn read(kept: &Secret) -> Option<Self> {
        let kept: Kept = serde_json::from_str(kept.expose()).ok()?;
        if (kept.kty.as_str(), kept.crv.as_str()) != ("OKP", "Ed25519") {
            return None;
        }
        let x = URL_SAFE_NO_PAD.decode(&kept.x).ok()?;
        let mut seed = URL_SAFE_NO_PAD.decode(&kept.d).ok()?;
        let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &x).ok();
        seed.zeroize();
        pair.map(Self::new)
    }

    pub(crate) fn keep(&self) -> Result<Secret, Error> {
        let unreadable = |_| Error::Broken("the key cannot be written down");
        let seed = self.pair.seed().map_err(unreadable)?;
        let seed = seed.as_be_bytes().map_err(unreadable)?;
        let kept = Kept {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: self.x.clone(),
            d: URL_SAFE_NO_PAD.encode(seed.as_ref()),
        };
        let text = serde_json::to_string(&kept);
        let text = text.map_err(|_| Error::Broken("the key cannot be written down"))?;
        Ok(Secret::new(text))
    }

    /// The SHA-256 thumbprint of the public key (RFC 7638), which the server's tokens carry as `cnf.jkt`.
    pub(crate) fn thumbprint(&self) -> String {
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, self.x);
        hash(&canonical)
    }

    /// A proof for one request.
    pub(crate) fn prove(&self, purpose: Purpose<'_>, moment: &Moment) -> String {
        let header = json!({
            "typ": "dpop+jwt",
            "alg": "EdDSA",
            "jwk": { "kty": "OKP", "crv": "Ed25519", "x": self.x },
        });
        let mut claims = json!({
            "jti": moment.id,
            "htm": purpose.method,
            "htu": purpose.target,
            "iat": moment.at,
        });
        if let Some(members) = claims.as_object_mut() {
            let ath = purpose.access.map(|access| hash(access).into());
            let nonce = purpose.nonce.map(Into::into);
            members.extend(ath.map(|ath| ("ath".to_owned(), ath)));
            members.extend(nonce.map(|nonce| ("nonce".to_owned(), nonce)));
        }
        let (header, claims) = (header.to_string(), claims.to_string());
        let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
        let input = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.thumbprint()).finish()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    /// RFC 8037, appendix A.
    const KEPT: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#;

    fn known() -> Key {
        Key::read(&Secret::new(KEPT)).expect("a key")
    }

    #[test]
    fn a_key_comes_back_as_it_was_kept() {
        let key = known();
        assert_eq!(key.keep().expect("is kept"), Secret::new(KEPT));
        // RFC 8037, appendix A.3.
        let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(key.thumbprint(), thumbprint);
        let made = Key::generate().expect("a key");
        let again = Key::read(&made.keep().expect("is kept")).expect("a key");
        assert_eq!(again.thumbprint(), made.thumbprint());
        assert_ne!(made.thumbprint(), thumbprint);
    }

    #[test]
    fn what_is_no_key_is_none() {
        let other_x = KEPT.replace("11qY", "11qZ");
        let other_curve = KEPT.replace("Ed25519", "X25519");
        for text in ["", "{}", "null", &other_x, &other_curve, &KEPT[..100]] {
            assert!(Key::read(&Secret::new(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn a_proof_says_what_it_is_for_and_no_more() {
        let purpose = Purpose {
            method: "POST",
            target: "https://auth.example.com/auth/refresh",
            access: None,
            nonce: None,
        };
        let moment = Moment {
            id: "one".to_owned(),
            at: 1_800_000_000,
        };
        let with_more = Purpose {
            // RFC 9449, section 7.1, has this token and its hash.
            access: Some("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
            nonce: Some("again"),
            ..purpose
        };
        let ath = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";
        for (purpose, more) in [
            (purpose, json!({})),
            (with_more, json!({ "ath": ath, "nonce": "again" })),
        ] {
            let proof = known().prove(purpose, &moment);
            let parts: Vec<_> = proof.split('.').collect();
            let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64url");
            let header: Value = serde_json::from_slice(&decode(parts[0])).expect("JSON");
            assert_eq!(header["typ"], "dpop+jwt");
            assert_eq!(header["jwk"].get("d"), None);
            let claims: Value = serde_json::from_slice(&decode(parts[1])).expect("JSON");
            let mut expected = json!({
                "jti": "one",
                "htm": "POST",
                "htu": "https://auth.example.com/auth/refresh",
                "iat": 1_800_000_000,
            });
            let members = expected.as_object_mut().expect("an object");
            members.extend(more.as_object().expect("an object").clone());
            assert_eq!(claims, expected);
            let public = decode(header["jwk"]["x"].as_str().expect("a text"));
            let (input, signature) = proof.rsplit_once('.').expect("three parts");
            UnparsedPublicKey::new(&ED25519, public)
                .verify(input.as_bytes(), &decode(signature))
                .expect("the key's own signature");
        }
    }
}
