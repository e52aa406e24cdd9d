//! The JSON form of a key (RFC 7517, RFC 8037, RFC 7518, section 6) and what its members permit.

use serde::de::{Error, IgnoredAny};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Jwk;
use super::material::Material;
use crate::json::Member;
use crate::{Algorithm, KeyError, base64url, json};

/// The members of a key as they come; which of them must be there depends on `kty`.
#[derive(Deserialize)]
struct Members {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    key_ops: Option<Vec<String>>,
    // Only a private or symmetric key has one of these (RFC 7518, section 6), whatever it holds.
    #[serde(default)]
    d: Member<IgnoredAny>,
    #[serde(default)]
    p: Member<IgnoredAny>,
    #[serde(default)]
    q: Member<IgnoredAny>,
    #[serde(default)]
    dp: Member<IgnoredAny>,
    #[serde(default)]
    dq: Member<IgnoredAny>,
    #[serde(default)]
    qi: Member<IgnoredAny>,
    #[serde(default)]
    oth: Member<IgnoredAny>,
    #[serde(default)]
    k: Member<IgnoredAny>,
}

impl Members {
    /// The name of a private member that is there.
    fn private(&self) -> Option<&'static str> {
        let named = [
            ("d", &self.d),
            ("p", &self.p),
            ("q", &self.q),
            ("dp", &self.dp),
            ("dq", &self.dq),
            ("qi", &self.qi),
            ("oth", &self.oth),
            ("k", &self.k),
        ];
        let found = named.into_iter().find(|(_, member)| member.0.is_some());
        found.map(|(name, _)| name)
    }

    fn into_key(self) -> Result<Jwk, KeyError> {
        let material = self.material()?;
        self.check_public()?;
        self.check_use()?;
        self.check_algorithm(material.algorithm())?;
        Jwk::new(self.kid, material)
    }

    fn material(&self) -> Result<Material, KeyError> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => Ok(Material::Ed25519 {
                x: array("x", self.x.as_ref())?,
            }),
            ("EC", Some("P-256")) => Ok(Material::P256 {
                x: array("x", self.x.as_ref())?,
                y: array("y", self.y.as_ref())?,
            }),
            ("RSA", _) => Ok(Material::Rsa {
                n: bytes("n", self.n.as_ref())?,
                e: bytes("e", self.e.as_ref())?,
            }),
            _ => Err(KeyError::TypeUnsupported),
        }
    }

    fn check_public(&self) -> Result<(), KeyError> {
        match self.private() {
            Some(name) => Err(KeyError::PrivateMember(name)),
            None => Ok(()),
        }
    }

    fn check_use(&self) -> Result<(), KeyError> {
        let usage_fits = self.usage.as_ref().is_none_or(|usage| usage == "sig");
        let ops = self.key_ops.as_ref();
        let ops_fit = ops.is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if usage_fits && ops_fit {
            Ok(())
        } else {
            Err(KeyError::UseMismatch)
        }
    }

    fn check_algorithm(&self, algorithm: Algorithm) -> Result<(), KeyError> {
        match self.alg.as_deref() {
            Some(name) if Algorithm::from_name(name) != Some(algorithm) => {
                Err(KeyError::AlgorithmMismatch)
            }
            _ => Ok(()),
        }
    }
}

fn array<const N: usize>(name: &'static str, value: Option<&String>) -> Result<[u8; N], KeyError> {
    let text = value.ok_or(KeyError::MemberMissing(name))?;
    base64url::decode_array(text).ok_or(KeyError::MemberMalformed(name))
}

fn bytes(name: &'static str, value: Option<&String>) -> Result<Vec<u8>, KeyError> {
    let text = value.ok_or(KeyError::MemberMissing(name))?;
    base64url::decode(text).ok_or(KeyError::MemberMalformed(name))
}

/// A key that somebody brings: either it will do, or why not.
pub(crate) struct Offered(pub(crate) Result<Jwk, KeyError>);

impl<'de> Deserialize<'de> for Offered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members: Members = json::strict(deserializer)?;
        Ok(Self(members.into_key()))
    }
}

impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Offered(key) = Offered::deserialize(deserializer)?;
        key.map_err(D::Error::custom)
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.material.members() {
            map.serialize_entry(name, value)?;
        }
        if let Some(kid) = self.kid() {
            map.serialize_entry("kid", kid)?;
        }
        map.serialize_entry("use", "sig")?;
        map.serialize_entry("alg", self.algorithm().name())?;
        map.end()
    }
}
