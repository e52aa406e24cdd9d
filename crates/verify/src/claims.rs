//! What an access token says, once its signature is checked (RFC 9068, section 2.2). Owns the reading of it;
//! decides nothing about who may do what.

use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::VerifyError;
use crate::json::{self, Fault, Member};

/// The claims of an access token. Those that RFC 9068 requires are plain fields; absent lists are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// Issuer: who made the token.
    pub iss: String,
    /// Subject: the user's id.
    pub sub: String,
    /// Audience: whom the token is for; a single one on the wire is a list of one here.
    pub aud: Vec<String>,
    /// The application that the user logged in with (RFC 8693, section 4.3).
    pub client_id: String,
    /// When the token ends, in seconds since 1970.
    pub exp: i64,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it begins, in seconds since 1970.
    pub nbf: Option<i64>,
    /// The token's own id.
    pub jti: String,
    /// The session that it belongs to.
    pub sid: Option<String>,
    /// How often the session's refresh token had turned; `gen` on the wire.
    pub generation: Option<u32>,
    /// When the user last proved who they are, in seconds since 1970 (RFC 9470).
    pub auth_time: Option<i64>,
    /// The methods by which they did (RFC 8176).
    pub amr: Vec<String>,
    /// Names separated by spaces (RFC 8693, section 4.2); see [`Claims::scopes`].
    pub scope: Option<String>,
    /// The user's roles (RFC 9068, section 2.2.3.1).
    pub roles: Vec<String>,
    /// What the roles allow, each `resource:action`.
    pub permissions: Vec<String>,
    /// The key that the token is bound to, if any (RFC 7800).
    pub cnf: Option<Confirmation>,
}

/// The key that a token is bound to. Whoever presents the token must prove that they hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Confirmation {
    /// The thumbprint of a DPoP key (RFC 9449, section 6.1); `None` if the token is bound by another method.
    pub jkt: Option<String>,
}

impl Claims {
    /// Whether the token carries this permission, compared byte for byte.
    pub fn has_permission(&self, permission: &str) -> bool {
        self.permissions.iter().any(|held| held == permission)
    }

    /// The names in `scope`.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope
            .iter()
            .flat_map(|scope| scope.split_ascii_whitespace())
    }

    /// Reads a payload.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, VerifyError> {
        let members: Members = json::object(payload).map_err(|fault| match fault {
            Fault::Malformed => VerifyError::ClaimsMalformed,
            Fault::Repeated => VerifyError::ClaimRepeated,
        })?;
        members.into_claims()
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members: Members = json::strict(deserializer)?;
        members.into_claims().map_err(D::Error::custom)
    }
}

/// The claims as they come. None is required here, so that an absent one is told by its name and not by serde's text.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Members {
    iss: Member<String>,
    sub: Member<String>,
    aud: Member<Audience>,
    client_id: Member<String>,
    exp: Member<i64>,
    iat: Member<i64>,
    nbf: Member<i64>,
    jti: Member<String>,
    sid: Member<String>,
    #[serde(rename = "gen")]
    generation: Member<u32>,
    auth_time: Member<i64>,
    amr: Vec<String>,
    scope: Member<String>,
    roles: Vec<String>,
    permissions: Vec<String>,
    cnf: Member<Confirmation>,
}

impl Members {
    fn into_claims(self) -> Result<Claims, VerifyError> {
        let Audience(aud) = required("aud", self.aud)?;
        Ok(Claims {
            iss: required("iss", self.iss)?,
            sub: required("sub", self.sub)?,
            aud,
            client_id: required("client_id", self.client_id)?,
            exp: required("exp", self.exp)?,
            iat: required("iat", self.iat)?,
            nbf: self.nbf.0,
            jti: required("jti", self.jti)?,
            sid: self.sid.0,
            generation: self.generation.0,
            auth_time: self.auth_time.0,
            amr: self.amr,
            scope: self.scope.0,
            roles: self.roles,
            permissions: self.permissions,
            cnf: self.cnf.0,
        })
    }
}

fn required<T>(name: &'static str, claim: Member<T>) -> Result<T, VerifyError> {
    claim.0.ok_or(VerifyError::ClaimMissing(name))
}

impl<'de> Deserialize<'de> for Confirmation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Members {
            jkt: Member<String>,
        }
        let members: Members = json::strict(deserializer)?;
        Ok(Self { jkt: members.jkt.0 })
    }
}

/// One string or a list of them (RFC 7519, section 4.1.3).
struct Audience(Vec<String>);

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AudienceVisitor).map(Self)
    }
}

struct AudienceVisitor;

impl<'de> Visitor<'de> for AudienceVisitor {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of strings")
    }

    fn visit_str<E: Error>(self, one: &str) -> Result<Self::Value, E> {
        Ok(vec![one.to_owned()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list))
    }
}
