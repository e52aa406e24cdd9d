//! Resource servers: services that check access tokens and may ask this server about them, each with a credential of its
//! own. Owns what a credential is; where it comes in is not known here.

pub mod administer;
pub mod store;

use std::fmt;

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::ZeroizeOnDrop;

pub use store::{ResourceServer, ResourceServerStore};

use crate::{Entropy, chance};

/// What every credential begins with, so that secret scanners find a leaked one.
const PREFIX: &str = "relatch_rs_";

/// The name of a resource server: what the records call it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ResourceServerName(String);

/// What is wrong with a text that should be a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a resource server's name is 1 to 64 of a to z, 0 to 9, '.', '_' and '-'")]
pub struct NameFault;

impl ResourceServerName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`NameFault`].
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        let good = (1..=64).contains(&text.len()) && text.bytes().all(plain);
        good.then(|| Self(text.to_owned())).ok_or(NameFault)
    }

    /// As a text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A credential in the clear: 32 random bytes, shown once.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct Credential(String);

impl Credential {
    /// A new one.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let secret = chance::draw::<32>(entropy);
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret)))
    }

    /// One that came; nothing if none of ours looks so.
    pub fn parse(text: &str) -> Option<Self> {
        let secret = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        (secret.len() == 32).then(|| Self(text.to_owned()))
    }

    /// What the store keeps. The secret is as random as the hash is long, so that nothing slower makes guessing harder.
    pub fn hash(&self) -> CredentialHash {
        let hash = digest::digest(&digest::SHA256, self.0.as_bytes());
        let mut bytes = [0; 32];
        bytes
            .iter_mut()
            .zip(hash.as_ref())
            .for_each(|(to, from)| *to = *from);
        CredentialHash(bytes)
    }

    /// The text, for showing it once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

/// The SHA-256 of a credential: tells whether one that comes is it, and makes none.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialHash(pub [u8; 32]);

impl fmt::Debug for CredentialHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn a_credential_is_known_by_its_hash_and_shown_by_nothing() {
        let drawn = Credential::draw(&Sevens);
        let again = Credential::parse(drawn.expose()).expect("one of ours");
        assert_eq!(again.hash(), drawn.hash());
        assert!(!format!("{drawn:?}{:?}", drawn.hash()).contains("Bwc"));
        let text = drawn.expose();
        let (cut, other) = (
            &text[..text.len() - 2],
            text.replace("relatch_rs", "relatch_rt"),
        );
        let longer = format!("{text}BwcH");
        for bad in ["", PREFIX, cut, &other, &longer, &text.replace('B', "!")] {
            assert!(Credential::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn names_are_plain() {
        let long = "n".repeat(65);
        for bad in ["", "Notes", "a b", "a:b", "a\n", "é", "a/b", &long] {
            assert!(ResourceServerName::parse(bad).is_err(), "{bad}");
        }
        assert!(ResourceServerName::parse("notes-api.v2_x").is_ok());
    }
}
