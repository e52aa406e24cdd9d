//! Every reason to refuse a proof: one variant a cause. Knows nothing of HTTP, and never holds what a proof said.

use thiserror::Error;

use crate::{KeyError, VerifyError};

/// Why a proof is refused (RFC 9449, section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ProofError {
    /// No proof came.
    #[error("there is no proof")]
    Missing,
    /// More than one came: nobody can say which of them counts.
    #[error("there is more than one proof")]
    Several,
    /// Longer than [`ProofVerifier::MAX_LENGTH`](super::ProofVerifier::MAX_LENGTH).
    #[error("the proof is too long")]
    TooLong,
    /// Not three parts of strict base64url.
    #[error("the proof is not a compact JWS")]
    Malformed,
    /// The header is no JSON object, repeats a member, or a member of it has the wrong type.
    #[error("the proof's header is malformed")]
    HeaderMalformed,
    /// The header has `crit`, and this crate knows no extension.
    #[error("the proof's header demands an extension")]
    CriticalHeader,
    /// `alg` is not among the algorithms that are accepted here: `none` and `HS256` always end here.
    #[error("the proof's algorithm is not accepted")]
    AlgorithmUnsupported,
    /// `typ` is not `dpop+jwt`.
    #[error("the proof's typ is not dpop+jwt")]
    TypeMismatch,
    /// The header has no `jwk`.
    #[error("the proof's header has no jwk")]
    KeyMissing,
    /// `jwk` is not a public key that will do; a private one least of all.
    #[error("the proof's jwk is refused: {0}")]
    KeyInvalid(KeyError),
    /// `alg` is not the algorithm of `jwk`.
    #[error("the proof's algorithm does not fit its key")]
    AlgorithmMismatch,
    /// The signature is not that of `jwk` over this proof.
    #[error("the proof's signature is wrong")]
    SignatureInvalid,
    /// The payload is no JSON object, repeats a claim, or a claim has the wrong type.
    #[error("the proof's claims are malformed")]
    ClaimsMalformed,
    /// A claim that must be there is absent; its name is here.
    #[error("the proof has no {0}")]
    ClaimMissing(&'static str),
    /// `jti` is empty or longer than [`ProofVerifier::MAX_ID_LENGTH`](super::ProofVerifier::MAX_ID_LENGTH).
    #[error("the proof's jti is empty or too long")]
    IdLength,
    /// `htm` is another method than the request's.
    #[error("the proof's htm is not the method of this request")]
    MethodMismatch,
    /// `htu` is no URL, or another one than the request's.
    #[error("the proof's htu is not the URL of this request")]
    UriMismatch,
    /// `iat` is too long ago. Where the clock of the sender is slow, every proof of its is.
    #[error(
        "the proof's iat is too long ago: the proof is old, or the clock of its sender is slow"
    )]
    TooOld,
    /// `iat` is still to come: the clock of the sender is fast.
    #[error("the proof's iat is in the future: the clock of its sender is fast")]
    InFuture,
    /// `ath` is not the hash of the token that came with the proof.
    #[error("the proof's ath is not the hash of this access token")]
    TokenMismatch,
    /// The key is not the one that the token is bound to.
    #[error("the proof is by another key than the one that the token is bound to")]
    KeyMismatch,
    /// There is no `nonce`, and one is demanded (RFC 9449, sections 8 and 9).
    #[error("the proof has no nonce, and one is demanded")]
    NonceMissing,
    /// `nonce` is too old, or was never given out here.
    #[error("the proof's nonce is not one that is good now")]
    NonceInvalid,
    /// The same proof came before.
    #[error("the proof has been used before")]
    Replayed,
    /// Whether the proof came before cannot be told: as many as fit in memory did.
    #[error("it cannot be told whether the proof was used before")]
    MemoryFull,
}

impl ProofError {
    /// A stable name for logs, metrics and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "proof_missing",
            Self::Several => "proof_several",
            Self::TooLong => "proof_too_long",
            Self::Malformed => "proof_malformed",
            Self::HeaderMalformed => "proof_header_malformed",
            Self::CriticalHeader => "proof_critical_header",
            Self::AlgorithmUnsupported => "proof_algorithm_unsupported",
            Self::TypeMismatch => "proof_type_mismatch",
            Self::KeyMissing => "proof_key_missing",
            Self::KeyInvalid(_) => "proof_key_invalid",
            Self::AlgorithmMismatch => "proof_algorithm_mismatch",
            Self::SignatureInvalid => "proof_signature_invalid",
            Self::ClaimsMalformed => "proof_claims_malformed",
            Self::ClaimMissing(_) => "proof_claim_missing",
            Self::IdLength => "proof_id_length",
            Self::MethodMismatch => "proof_method_mismatch",
            Self::UriMismatch => "proof_uri_mismatch",
            Self::TooOld => "proof_too_old",
            Self::InFuture => "proof_in_future",
            Self::TokenMismatch => "proof_token_mismatch",
            Self::KeyMismatch => "proof_key_mismatch",
            Self::NonceMissing => "proof_nonce_missing",
            Self::NonceInvalid => "proof_nonce_invalid",
            Self::Replayed => "proof_replayed",
            Self::MemoryFull => "proof_memory_full",
        }
    }

    /// Whether another nonce is all that is wanted: `use_dpop_nonce` on the wire, with one in the header `DPoP-Nonce`.
    pub const fn wants_nonce(self) -> bool {
        matches!(self, Self::NonceMissing | Self::NonceInvalid)
    }

    /// Whether it is a matter of clocks, which the sender can set right by the header `Date` of the answer.
    pub const fn is_of_clocks(self) -> bool {
        matches!(self, Self::TooOld | Self::InFuture)
    }
}

/// What can be wrong with a compact JWS, in the words for proofs.
impl From<VerifyError> for ProofError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::TokenTooLong => Self::TooLong,
            VerifyError::HeaderMalformed | VerifyError::HeaderRepeated => Self::HeaderMalformed,
            VerifyError::CriticalHeader => Self::CriticalHeader,
            VerifyError::AlgorithmUnsupported => Self::AlgorithmUnsupported,
            VerifyError::AlgorithmMismatch => Self::AlgorithmMismatch,
            VerifyError::SignatureInvalid => Self::SignatureInvalid,
            _ => Self::Malformed,
        }
    }
}
