//! What an access token says, once its signature is checked (RFC 9068, section 2.2). Owns the reading of it;
//! decides nothing about who may do what.

use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::VerifyError;
use crate::json::{self, Fault, Member};
use crate::shape::{Found, Shape};

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
    /// The token's own id; empty only where [`dangerous_accept_without_jti`](crate::Verifier::dangerous_accept_without_jti) let it be absent.
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
    /// Whether the token permits `permission`, written `resource:action`.
    ///
    /// It does if it carries that very permission, or `resource:*`, which stands for every action on that one
    /// resource. Names are compared byte for byte, and there is no other pattern: `*` and `*:read` mean nothing.
    ///
    /// ```
    /// # let claims: relatch_verify::Claims = serde_json::from_str(r#"{"iss":"i","sub":"s","aud":"a","client_id":"c",
    /// #     "exp":1,"iat":1,"jti":"j","permissions":["notes:*","tags:read"]}"#)?;
    /// assert_eq!(claims.permissions, ["notes:*", "tags:read"]);
    /// assert!(claims.permits("notes:delete") && claims.permits("tags:read"));
    /// assert!(!claims.permits("tags:delete") && !claims.permits("notebooks:read"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn permits(&self, permission: &str) -> bool {
        let granted = |held: &String| held == permission || grants_all_of(held, permission);
        self.permissions.iter().any(granted)
    }

    /// Whether `scope` has this name, compared byte for byte.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|held| held == scope)
    }

    /// The names in `scope`.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope
            .iter()
            .flat_map(|scope| scope.split_ascii_whitespace())
    }

    /// How many bytes they take, about: what the allocator adds is not counted.
    pub(crate) fn memory(&self) -> usize {
        let texts = [&self.iss, &self.sub, &self.client_id, &self.jti];
        let confirmation = self.cnf.as_ref().and_then(|cnf| cnf.jkt.as_ref());
        let optional = [self.sid.as_ref(), self.scope.as_ref(), confirmation];
        let single = texts.into_iter().chain(optional.into_iter().flatten());
        let lists = [&self.aud, &self.amr, &self.roles, &self.permissions];
        let slots: usize = lists.iter().map(|list| list.capacity()).sum();
        let listed = lists.into_iter().flatten();
        let text: usize = single.chain(listed).map(String::capacity).sum();
        size_of::<Self>() + slots * size_of::<String>() + text
    }

    /// Reads a payload that has everything where RFC 9068 puts it, but for what `shape` says.
    pub(crate) fn parse(payload: &[u8], shape: &Shape) -> Result<Self, VerifyError> {
        let mut members: Members = json::object(payload).map_err(|fault| match fault {
            Fault::Malformed => VerifyError::ClaimsMalformed,
            Fault::Repeated => VerifyError::ClaimRepeated,
        })?;
        if shape.has_places() {
            members.move_from(&shape.read(payload)?);
        }
        if shape.jti_optional {
            members.jti.0.get_or_insert_default();
        }
        members.into_claims()
    }
}

/// Whether `held` is `resource:*` and `permission` some action on that resource.
fn grants_all_of(held: &str, permission: &str) -> bool {
    let (Some(resource), Some((wanted, action))) =
        (held.strip_suffix(":*"), permission.split_once(':'))
    else {
        return false;
    };
    resource == wanted && !action.is_empty()
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
    /// Puts in what was found in other places, where nothing was in its own.
    fn move_from(&mut self, found: &Found) {
        if self.client_id.0.is_none() {
            self.client_id.0.clone_from(&found.client_id);
        }
        self.roles.extend_from_slice(&found.roles);
        self.permissions.extend_from_slice(&found.permissions);
    }

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
