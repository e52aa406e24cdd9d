//! Every reason to refuse a token or a key: one variant a cause. Knows nothing of HTTP, and never holds what a
//! token said, so that its text may be logged.

use thiserror::Error;

use crate::dpop::ProofError;

/// Why a token is refused.
///
/// ```
/// use relatch_verify::{KeySet, Verifier, VerifyError};
///
/// let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
/// let error = verifier.verify("no token", &KeySet::default(), 0).unwrap_err();
/// assert_eq!(error, VerifyError::TokenMalformed);
/// // For a metric, and for a log:
/// assert_eq!(error.code(), "token_malformed");
/// assert_eq!(error.to_string(), "the token is not a compact JWS");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Longer than [`jws::MAX_LENGTH`](crate::jws::MAX_LENGTH).
    #[error("the token is too long")]
    TokenTooLong,
    /// Not three parts of strict base64url (RFC 7515, section 7.1).
    #[error("the token is not a compact JWS")]
    TokenMalformed,
    /// The header is no JSON object, or a member of it has the wrong type.
    #[error("the header is malformed")]
    HeaderMalformed,
    /// A header member occurs twice (RFC 7515, section 4).
    #[error("the header repeats a member")]
    HeaderRepeated,
    /// The header has `crit`, and this crate knows no extension (RFC 7515, section 4.1.11).
    #[error("the header demands an extension")]
    CriticalHeader,
    /// `alg` names no algorithm of [`Algorithm`](crate::Algorithm): `none` and `HS256` end here.
    #[error("the algorithm is not supported")]
    AlgorithmUnsupported,
    /// `typ` is not `at+jwt` (RFC 9068, section 4).
    #[error("the token is of another type")]
    TypeMismatch,
    /// The header has no `kid`.
    #[error("the token names no key")]
    KeyIdMissing,
    /// No key of the set has this `kid`; fetching the set again may help.
    #[error("the token's key is unknown")]
    KeyUnknown,
    /// `alg` is not the algorithm of the key (RFC 8725, section 3.1).
    #[error("the algorithm does not fit the key")]
    AlgorithmMismatch,
    /// The signature is not that of the key over this token.
    #[error("the signature is wrong")]
    SignatureInvalid,
    /// The payload is no JSON object, or a claim has the wrong type.
    #[error("the claims are malformed")]
    ClaimsMalformed,
    /// A claim occurs twice at the top level (RFC 7519, section 4).
    #[error("the payload repeats a claim")]
    ClaimRepeated,
    /// A claim that RFC 9068, section 2.2 requires is absent; its name is here.
    #[error("the claim `{0}` is missing")]
    ClaimMissing(&'static str),
    /// `iss` is not the expected issuer.
    #[error("the token is from another issuer")]
    IssuerMismatch,
    /// `aud` does not contain the expected audience.
    #[error("the token is for another audience")]
    AudienceMismatch,
    /// `exp` has passed (RFC 7519, section 4.1.4).
    #[error("the token has expired")]
    Expired,
    /// `nbf` is still to come (RFC 7519, section 4.1.5).
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` is still to come.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// The token is bound to a key by `cnf` (RFC 9449, section 6), and nothing proved possession of that key.
    #[error("the token is bound to a key and cannot be used as a bearer token")]
    ProofRequired,
    /// The token came with a proof of possession, and is bound to no key that it could be for (RFC 9449, section 7.1).
    #[error("the token is not bound to a key")]
    NotBound,
    /// The token is bound to a key, and the proof of its possession is refused; why is here.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The token's session, generation or key is revoked; see [`Revocations`](crate::Revocations).
    #[error("the token is revoked")]
    Revoked,
    /// The issuer's keys are not known yet, or what is known of them is too old: the token may well be good.
    #[error("the issuer's keys are not available")]
    KeysUnavailable,
    /// What is revoked was not heard for too long, and [`WhenStale`](crate::WhenStale) says to refuse then.
    #[error("it is not known whether the token is revoked")]
    RevocationsStale,
}

impl VerifyError {
    /// A stable name for logs, metrics and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TokenTooLong => "token_too_long",
            Self::TokenMalformed => "token_malformed",
            Self::HeaderMalformed => "header_malformed",
            Self::HeaderRepeated => "header_repeated",
            Self::CriticalHeader => "critical_header",
            Self::AlgorithmUnsupported => "algorithm_unsupported",
            Self::TypeMismatch => "type_mismatch",
            Self::KeyIdMissing => "key_id_missing",
            Self::KeyUnknown => "key_unknown",
            Self::AlgorithmMismatch => "algorithm_mismatch",
            Self::SignatureInvalid => "signature_invalid",
            Self::ClaimsMalformed => "claims_malformed",
            Self::ClaimRepeated => "claim_repeated",
            Self::ClaimMissing(_) => "claim_missing",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::AudienceMismatch => "audience_mismatch",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedInFuture => "issued_in_future",
            Self::ProofRequired => "proof_required",
            Self::NotBound => "not_bound",
            Self::Proof(error) => error.code(),
            Self::Revoked => "revoked",
            Self::KeysUnavailable => "keys_unavailable",
            Self::RevocationsStale => "revocations_stale",
        }
    }
}

/// Why a public key or a set of keys is refused.
///
/// ```
/// use relatch_verify::{Jwk, KeyError};
///
/// assert_eq!(Jwk::rsa("k", &[0xc1; 128], &[3]).err(), Some(KeyError::RsaParameters)); // 1024 bits
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// `kty` and `crv` are none of OKP Ed25519, EC P-256 and RSA.
    #[error("the key type is not supported")]
    TypeUnsupported,
    /// A member that this type of key needs is absent; its name is here.
    #[error("the key member `{0}` is missing")]
    MemberMissing(&'static str),
    /// A member is not base64url of the right length (RFC 7518, section 6).
    #[error("the key member `{0}` is malformed")]
    MemberMalformed(&'static str),
    /// The key has a private part; its name is here. Whoever sent it has published a secret.
    #[error("the key has the private member `{0}`")]
    PrivateMember(&'static str),
    /// `use` or `key_ops` say that the key is not for verifying signatures (RFC 7517, sections 4.2 and 4.3).
    #[error("the key is not for verifying signatures")]
    UseMismatch,
    /// `alg` is not the algorithm of this type of key (RFC 7517, section 4.4).
    #[error("the key is for another algorithm")]
    AlgorithmMismatch,
    /// An RSA modulus of fewer than 2048 or more than 8192 bits (RFC 7518, section 3.3), an exponent of one or of
    /// more than 32 bits, or an even number as either.
    #[error("the RSA key is too weak or too large")]
    RsaParameters,
    /// The numbers make no public key, for example a point that is not on the curve.
    #[error("the key is not valid")]
    Invalid,
    /// Two keys of a set have one `kid`, so that it names neither.
    #[error("two keys have the same id")]
    KeyIdRepeated,
}
