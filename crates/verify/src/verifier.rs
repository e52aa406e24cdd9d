//! The checks that make a string an accepted access token, in their order (RFC 9068, section 4). Knows nothing of where
//! keys come from, what time it is, or what a claim permits.

use std::sync::Arc;

use crate::dpop::ProofError;
use crate::jws::{Compact, Header};
use crate::shape::Shape;
use crate::{Claims, KeySet, Thumbprint, VerifyError};

const TOKEN_TYPE: &str = "at+jwt";

/// How a token was presented.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shown {
    /// By itself.
    AsBearer,
    /// With a good proof that its sender holds this key.
    WithProof(Thumbprint),
}

/// Decides whether a string is an access token of one issuer for one audience.
///
/// ```
/// use relatch_verify::{KeySet, Verifier, VerifyError};
///
/// # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026-11","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// # let token = concat!(
/// #     "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjIwMjYtMTEifQ.eyJpc3MiOiJodHRwczovL2F1dGguZXhhbXBsZ",
/// #     "S5jb20iLCJzdWIiOiJhbGljZSIsImF1ZCI6Imh0dHBzOi8vYXBpLmV4YW1wbGUuY29tIiwiY2xpZW50X2lkIjoicmVsYXRjaCIsI",
/// #     "mV4cCI6MTgwMDAwMDkwMCwiaWF0IjoxODAwMDAwMDAwLCJqdGkiOiIxIiwicGVybWlzc2lvbnMiOlsibm90ZXM6cmVhZCJdfQ.0M",
/// #     "oCMRD8MypJz2BqWG4tuuDzPibnwdxdOvYWhS_-bq3ocWaUFH-3zzQ4xxHcfkvLw-4SnqWPiO60kF0Z3N6JAQ",
/// # );
/// let keys: KeySet = serde_json::from_str(jwks)?;
/// let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
///
/// let claims = verifier.verify(token, &keys, 1_800_000_000)?;
/// assert_eq!(claims.sub, "alice");
/// assert!(claims.permits("notes:read"));
///
/// // The same token a day later:
/// assert_eq!(verifier.verify(token, &keys, 1_800_086_400), Err(VerifyError::Expired));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    issuer: String,
    audience: String,
    leeway: i64,
    bound_without_proof: bool,
    other_type: Option<String>,
    shape: Shape,
}

impl Verifier {
    /// A verifier for tokens whose `iss` is exactly `issuer` and whose `aud` contains exactly `audience`.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            leeway: 0,
            bound_without_proof: false,
            other_type: None,
            shape: Shape::default(),
        }
    }

    /// How many seconds this machine's clock may be ahead of or behind the issuer's; 0 unless said.
    ///
    /// It applies to `exp`, `nbf` and `iat`. With 0, a clock that is a second behind refuses tokens that are just
    /// issued: on another machine than the issuer's, take a few seconds.
    #[must_use]
    pub fn leeway(mut self, seconds: u32) -> Self {
        self.leeway = i64::from(seconds);
        self
    }

    /// Accepts tokens that are bound to a key, though nothing here checks that their bearer holds it.
    ///
    /// Only for callers who check the DPoP proof themselves (RFC 9449, section 7.1) against `cnf.jkt` of the
    /// claims: without that, whoever stole the token may use it. A [`ResourceServer`](crate::ResourceServer) checks proofs
    /// where it is told [`dpop`](crate::Builder::dpop), and needs none of this.
    #[must_use]
    pub fn dangerous_accept_bound_without_proof(mut self) -> Self {
        self.bound_without_proof = true;
        self
    }

    /// Takes `client_id` from this claim where the token has none: `azp` at Keycloak and Auth0.
    #[must_use]
    pub fn client_id_from(mut self, claim: impl Into<String>) -> Self {
        self.shape.client_id = Some(claim.into());
        self
    }

    /// Adds the roles of this place to those in `roles`; may be said more than once.
    ///
    /// The place is a path of member names, so that a name with a dot or a slash in it is one step:
    /// `["realm_access", "roles"]` at Keycloak, `["https://example.com/roles"]` at Auth0. It holds a list of strings, or
    /// nothing at all.
    #[must_use]
    pub fn roles_at<S: Into<String>>(mut self, path: impl IntoIterator<Item = S>) -> Self {
        self.shape.roles.push(Shape::path(path));
        self
    }

    /// Adds the permissions of this place to those in `permissions`; see [`roles_at`](Verifier::roles_at).
    #[must_use]
    pub fn permissions_at<S: Into<String>>(mut self, path: impl IntoIterator<Item = S>) -> Self {
        self.shape.permissions.push(Shape::path(path));
        self
    }

    /// Accepts tokens whose header says this `typ`, beside `at+jwt`.
    ///
    /// Issuers that do not follow RFC 9068 write `JWT` for every kind of token. Then nothing but the audience tells an
    /// access token from an ID token or a logout token, so give the API an audience that is nobody's client id.
    #[must_use]
    pub fn dangerous_accept_type(mut self, typ: impl Into<String>) -> Self {
        self.other_type = Some(typ.into());
        self
    }

    /// Accepts tokens without `jti`, which then is empty in the claims: nobody can tell two such tokens apart in a log.
    #[must_use]
    pub fn dangerous_accept_without_jti(mut self) -> Self {
        self.shape.jti_optional = true;
        self
    }

    /// The claims of `token`, if every check passes at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// The first check that failed: structure and header, then key and signature, then the claims.
    pub fn verify(&self, token: &str, keys: &KeySet, now: i64) -> Result<Claims, VerifyError> {
        let (claims, _) = self.verify_naming_key(token, keys, now)?;
        self.check_binding(&claims, Shown::AsBearer)?;
        Ok(claims)
    }

    /// The same but for how the token is bound, with the `kid` of the key that signed.
    pub(crate) fn verify_naming_key(
        &self,
        token: &str,
        keys: &KeySet,
        now: i64,
    ) -> Result<(Claims, Arc<str>), VerifyError> {
        let jws = Compact::parse(token)?;
        self.check_type(jws.header())?;
        let kid = jws.header().kid.as_deref();
        let key = keys.find(kid.ok_or(VerifyError::KeyIdMissing)?);
        let (key, kid) = key
            .and_then(|key| Some((key, key.shared_kid()?)))
            .ok_or(VerifyError::KeyUnknown)?;
        let claims = Claims::parse(&jws.verify(key)?, &self.shape)?;
        self.check_issuer(&claims)?;
        self.check_audience(&claims)?;
        self.check_times(&claims, now)?;
        Ok((claims, kid))
    }

    /// What has to be asked again of claims that were good before.
    pub(crate) fn check_times(&self, claims: &Claims, now: i64) -> Result<(), VerifyError> {
        self.check_expiry(claims, now)?;
        self.check_start(claims, now)?;
        self.check_issue(claims, now)
    }

    /// Whose tokens are accepted.
    #[cfg(feature = "feed")]
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn leeway_seconds(&self) -> i64 {
        self.leeway
    }

    /// Without this, a signed thing of another kind by the same issuer would pass for a token (RFC 8725, section 3.11).
    fn check_type(&self, header: &Header) -> Result<(), VerifyError> {
        let other = self.other_type.as_deref();
        let good = header.is_type(TOKEN_TYPE) || other.is_some_and(|typ| header.is_type(typ));
        pass(good, VerifyError::TypeMismatch)
    }

    fn check_issuer(&self, claims: &Claims) -> Result<(), VerifyError> {
        pass(claims.iss == self.issuer, VerifyError::IssuerMismatch)
    }

    fn check_audience(&self, claims: &Claims) -> Result<(), VerifyError> {
        let contained = claims.aud.contains(&self.audience);
        pass(contained, VerifyError::AudienceMismatch)
    }

    /// On `exp` itself the token has ended (RFC 7519, section 4.1.4).
    fn check_expiry(&self, claims: &Claims, now: i64) -> Result<(), VerifyError> {
        let end = claims.exp.saturating_add(self.leeway);
        pass(now < end, VerifyError::Expired)
    }

    fn check_start(&self, claims: &Claims, now: i64) -> Result<(), VerifyError> {
        let begun = claims.nbf.is_none_or(|start| self.reached(start, now));
        pass(begun, VerifyError::NotYetValid)
    }

    fn check_issue(&self, claims: &Claims, now: i64) -> Result<(), VerifyError> {
        pass(self.reached(claims.iat, now), VerifyError::IssuedInFuture)
    }

    /// Any `cnf` binds, also by a method that this crate does not know; whoever shows a proof shows it for a token that is bound
    /// to its key and to nothing else.
    pub(crate) fn check_binding(&self, claims: &Claims, shown: Shown) -> Result<(), VerifyError> {
        match (&claims.cnf, shown) {
            (None, Shown::AsBearer) => Ok(()),
            (Some(_), Shown::AsBearer) => {
                pass(self.bound_without_proof, VerifyError::ProofRequired)
            }
            (None, Shown::WithProof(_)) => Err(VerifyError::NotBound),
            (Some(cnf), Shown::WithProof(key)) => {
                let bound = cnf.jkt.as_deref().and_then(Thumbprint::parse);
                pass(bound == Some(key), ProofError::KeyMismatch.into())
            }
        }
    }

    fn reached(&self, moment: i64, now: i64) -> bool {
        moment <= now.saturating_add(self.leeway)
    }
}

fn pass(good: bool, otherwise: VerifyError) -> Result<(), VerifyError> {
    if good { Ok(()) } else { Err(otherwise) }
}
