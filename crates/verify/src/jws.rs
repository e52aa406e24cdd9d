//! Compact JWS, read strictly (RFC 7515): three parts, a plain header, one signature. Knows nothing of claims, and
//! decides neither which `typ` nor which key is the right one: that is the caller's.
//!
//! The payload cannot be read before the signature has been checked. The header members `jwk`, `jku`, `x5c` and
//! `x5u`, by which a token would bring its own key, are not even parsed; [`dpop`](crate::dpop) alone reads `jwk`, for a proof
//! is about the key that it brings.
//!
//! Access tokens are [`Verifier`](crate::Verifier)'s; this is for other things that an issuer signs:
//!
//! ```
//! use relatch_verify::{Jwk, jws::Compact};
//!
//! // RFC 8037, appendix A.
//! let token = concat!(
//!     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5Bh",
//!     "VsPt9g7sVvpAr_MuM0KAg",
//! );
//! let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
//! let key: Jwk = serde_json::from_str(key)?;
//!
//! let jws = Compact::parse(token)?;
//! assert_eq!(jws.header().kid, None);
//! assert_eq!(jws.verify(&key)?, b"Example of Ed25519 signing");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::json::{self, Fault, Member};
use crate::{Algorithm, Jwk, VerifyError, base64url};

/// The longest token that is looked at, in bytes. Ours are shorter than 1 KiB.
pub const MAX_LENGTH: usize = 8 * 1024;

/// A token taken apart, its signature not checked yet.
#[derive(Clone)]
pub struct Compact<'t> {
    header: Header,
    signing_input: &'t str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// What a header says, as far as anything here heeds it (RFC 7515, section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// `alg`
    pub algorithm: Algorithm,
    /// `typ`
    pub typ: Option<String>,
    /// `kid`
    pub kid: Option<String>,
}

impl<'t> Compact<'t> {
    /// Takes a token apart and reads its header; the time it takes is bounded by [`MAX_LENGTH`].
    ///
    /// # Errors
    /// [`VerifyError`] up to [`AlgorithmUnsupported`](VerifyError::AlgorithmUnsupported): what is wrong with the
    /// structure or the header.
    pub fn parse(token: &'t str) -> Result<Self, VerifyError> {
        Self::parse_within(token, MAX_LENGTH)
    }

    /// The same, for what is longer than a token may be.
    pub(crate) fn parse_within(token: &'t str, longest: usize) -> Result<Self, VerifyError> {
        Self::take_apart(token, longest).map(|(jws, _)| jws)
    }

    /// The same, with members of the header that are no business of other tokens.
    pub(crate) fn parse_with<M>(token: &'t str, longest: usize) -> Result<(Self, M), VerifyError>
    where
        M: for<'de> Deserialize<'de>,
    {
        let (jws, header) = Self::take_apart(token, longest)?;
        Ok((jws, members(&header)?))
    }

    /// With the bytes of the header.
    fn take_apart(token: &'t str, longest: usize) -> Result<(Self, Vec<u8>), VerifyError> {
        if token.len() > longest {
            return Err(VerifyError::TokenTooLong);
        }
        let parts = split(token).ok_or(VerifyError::TokenMalformed)?;
        let decode = |part| base64url::decode(part).ok_or(VerifyError::TokenMalformed);
        let header = decode(parts.header)?;
        let payload = decode(parts.payload)?;
        let signature = decode(parts.signature)?;
        let jws = Self {
            header: Header::parse(&header)?,
            signing_input: parts.signing_input,
            payload,
            signature,
        };
        Ok((jws, header))
    }

    /// The header, which nothing vouches for yet.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The payload, if the token's algorithm is the key's and the signature is good.
    ///
    /// # Errors
    /// [`VerifyError::AlgorithmMismatch`] or [`VerifyError::SignatureInvalid`].
    pub fn verify(self, key: &Jwk) -> Result<Vec<u8>, VerifyError> {
        if self.header.algorithm != key.algorithm() {
            return Err(VerifyError::AlgorithmMismatch);
        }
        if !key.accepts(self.signing_input.as_bytes(), &self.signature) {
            return Err(VerifyError::SignatureInvalid);
        }
        Ok(self.payload)
    }
}

/// Shows the header alone: the rest is a credential.
impl fmt::Debug for Compact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compact")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, VerifyError> {
        let members: Members = members(bytes)?;
        if members.crit.0.is_some() {
            return Err(VerifyError::CriticalHeader);
        }
        let algorithm = Algorithm::from_name(&members.alg);
        Ok(Self {
            algorithm: algorithm.ok_or(VerifyError::AlgorithmUnsupported)?,
            typ: members.typ.0,
            kid: members.kid.0,
        })
    }

    /// Whether `typ` is this media type, with or without `application/` and in any case (RFC 7515, section 4.1.9).
    pub fn is_type(&self, expected: &str) -> bool {
        const PREFIX: &str = "application/";
        let Some(typ) = &self.typ else {
            return false;
        };
        let short = match typ.split_at_checked(PREFIX.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
            _ => typ,
        };
        short.eq_ignore_ascii_case(expected)
    }
}

/// What a header has, as far as `M` asks for it.
fn members<M: for<'de> Deserialize<'de>>(header: &[u8]) -> Result<M, VerifyError> {
    json::object(header).map_err(|fault| match fault {
        Fault::Malformed => VerifyError::HeaderMalformed,
        Fault::Repeated => VerifyError::HeaderRepeated,
    })
}

#[derive(Deserialize)]
struct Members {
    alg: String,
    #[serde(default)]
    typ: Member<String>,
    #[serde(default)]
    kid: Member<String>,
    #[serde(default)]
    crit: Member<IgnoredAny>,
}

struct Parts<'t> {
    header: &'t str,
    payload: &'t str,
    signature: &'t str,
    signing_input: &'t str,
}

/// The parts between exactly two dots.
fn split(token: &str) -> Option<Parts<'_>> {
    let (signing_input, signature) = token.rsplit_once('.')?;
    let (header, payload) = signing_input.split_once('.')?;
    // A third dot would stay in the payload, where base64url refuses it.
    Some(Parts {
        header,
        payload,
        signature,
        signing_input,
    })
}
