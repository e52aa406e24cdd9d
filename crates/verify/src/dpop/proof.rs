//! The checks that make a text an accepted proof, in the order of RFC 9449, section 4.3. Knows nothing of what was seen before.

use aws_lc_rs::digest;
use serde::Deserialize;

use super::{ProofError, TargetUri};
use crate::json::{self, Member};
use crate::jwk::{Offered, Thumbprint};
use crate::jws::Compact;
use crate::{Algorithm, base64url};

const PROOF_TYPE: &str = "dpop+jwt";

/// The request that a proof must be about.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    method: &'r str,
    uri: &'r TargetUri,
    token: Option<&'r str>,
}

impl<'r> Request<'r> {
    /// A request by this method to this URL, as its sender knows it.
    pub fn new(method: &'r str, uri: &'r TargetUri) -> Self {
        Self {
            method,
            uri,
            token: None,
        }
    }

    /// The same with an access token, whose hash the proof must have.
    #[must_use]
    pub fn with_token(mut self, token: &'r str) -> Self {
        self.token = Some(token);
        self
    }
}

/// A proof that is good, as far as it can be told without knowing which came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    thumbprint: Thumbprint,
    id: String,
    nonce: Option<String>,
    ends_at: i64,
}

impl Proof {
    /// The key that it proves to be held.
    pub fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// Its own name, `jti`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The nonce in it, which [`Nonces::check`](super::Nonces::check) judges.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// When it is good no more, in seconds since 1970.
    pub fn ends_at(&self) -> i64 {
        self.ends_at
    }
}

/// Decides whether a text is a proof of possession for a request.
///
/// See the [module](super) for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofVerifier {
    algorithms: Vec<Algorithm>,
    max_age: i64,
}

impl Default for ProofVerifier {
    fn default() -> Self {
        Self::new()
    }
}

impl ProofVerifier {
    /// The longest proof that is looked at, in bytes. One by an RSA key of 4096 bits has some 2 KiB.
    pub const MAX_LENGTH: usize = 4 * 1024;

    /// The longest `jti`, in bytes.
    pub const MAX_ID_LENGTH: usize = 128;

    /// One that takes ES256 and Ed25519, and proofs whose time is within a minute of its own.
    pub fn new() -> Self {
        Self {
            algorithms: vec![Algorithm::Es256, Algorithm::EdDsa],
            max_age: 60,
        }
    }

    /// Takes these algorithms and no others.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// How far `iat` may be from the time of this machine, in seconds, either way.
    ///
    /// It is for how long a proof that somebody made up in advance, or stole on its way, may be used.
    #[must_use]
    pub fn max_age(mut self, seconds: u32) -> Self {
        self.max_age = i64::from(seconds);
        self
    }

    /// The names of the algorithms with spaces between them, as a challenge lists them (RFC 9449, section 7.1).
    pub fn algorithm_names(&self) -> String {
        let names: Vec<_> = self.algorithms.iter().map(|one| one.name()).collect();
        names.join(" ")
    }

    /// The proof in `text`, if it is one for `request` at `now`, in seconds since 1970. Its nonce is not judged here, nor
    /// whether it came before.
    ///
    /// # Errors
    /// The first check that failed: structure and header, then key and signature, then the claims.
    pub fn verify(&self, text: &str, request: &Request<'_>, now: i64) -> Result<Proof, ProofError> {
        let (jws, KeyMember { jwk }) = Compact::parse_with(text, Self::MAX_LENGTH)?;
        if !self.algorithms.contains(&jws.header().algorithm) {
            return Err(ProofError::AlgorithmUnsupported);
        }
        if !jws.header().is_type(PROOF_TYPE) {
            return Err(ProofError::TypeMismatch);
        }
        let Offered(key) = jwk.0.ok_or(ProofError::KeyMissing)?;
        let key = key.map_err(ProofError::KeyInvalid)?;
        let claims = Claims::parse(&jws.verify(&key)?)?;
        check_id(&claims.id)?;
        check_request(&claims, request)?;
        self.check_time(claims.issued_at, now)?;
        check_token(claims.token_hash.as_deref(), request)?;
        Ok(Proof {
            thumbprint: key.thumbprint(),
            id: claims.id,
            nonce: claims.nonce,
            ends_at: claims.issued_at.saturating_add(self.max_age + 1),
        })
    }

    fn check_time(&self, issued_at: i64, now: i64) -> Result<(), ProofError> {
        if issued_at < now.saturating_sub(self.max_age) {
            return Err(ProofError::TooOld);
        }
        if issued_at > now.saturating_add(self.max_age) {
            return Err(ProofError::InFuture);
        }
        Ok(())
    }
}

fn check_id(id: &str) -> Result<(), ProofError> {
    if id.is_empty() || id.len() > ProofVerifier::MAX_ID_LENGTH {
        return Err(ProofError::IdLength);
    }
    Ok(())
}

/// Methods are case-sensitive (RFC 9110, section 9.1).
fn check_request(claims: &Claims, request: &Request<'_>) -> Result<(), ProofError> {
    if claims.method != request.method {
        return Err(ProofError::MethodMismatch);
    }
    if TargetUri::parse(&claims.uri).as_ref() != Ok(request.uri) {
        return Err(ProofError::UriMismatch);
    }
    Ok(())
}

fn check_token(hash: Option<&str>, request: &Request<'_>) -> Result<(), ProofError> {
    let Some(token) = request.token else {
        return Ok(());
    };
    match hash {
        None => Err(ProofError::ClaimMissing("ath")),
        Some(hash) if hash == token_hash(token) => Ok(()),
        Some(_) => Err(ProofError::TokenMismatch),
    }
}

/// The claim `ath` of a proof that goes with this access token (RFC 9449, section 4.2).
///
/// ```
/// use relatch_verify::dpop::token_hash;
///
/// let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
/// assert_eq!(token_hash(token), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
/// ```
pub fn token_hash(token: &str) -> String {
    base64url::encode(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
}

/// The member of the header that other tokens must not have.
#[derive(Deserialize)]
struct KeyMember {
    #[serde(default)]
    jwk: Member<Offered>,
}

/// The claims as they come; none is required here, so that an absent one is told by its name.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Members {
    jti: Member<String>,
    htm: Member<String>,
    htu: Member<String>,
    iat: Member<i64>,
    ath: Member<String>,
    nonce: Member<String>,
}

struct Claims {
    id: String,
    method: String,
    uri: String,
    issued_at: i64,
    token_hash: Option<String>,
    nonce: Option<String>,
}

impl Claims {
    fn parse(payload: &[u8]) -> Result<Self, ProofError> {
        let members: Members = json::object(payload).map_err(|_| ProofError::ClaimsMalformed)?;
        Ok(Self {
            id: required("jti", members.jti)?,
            method: required("htm", members.htm)?,
            uri: required("htu", members.htu)?,
            issued_at: required("iat", members.iat)?,
            token_hash: members.ath.0,
            nonce: members.nonce.0,
        })
    }
}

fn required<T>(name: &'static str, claim: Member<T>) -> Result<T, ProofError> {
    claim.0.ok_or(ProofError::ClaimMissing(name))
}
