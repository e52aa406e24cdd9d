//! The headers `Authorization` (RFC 6750, section 2.1; RFC 9449, section 7.1) and `DPoP`. Looks nowhere else: a token in an address
//! or a form ends up in logs.

use http::{HeaderMap, HeaderName, header};

use super::Refusal;
use crate::VerifyError;
use crate::dpop::ProofError;

/// The header with a proof of possession.
pub(super) const PROOF: HeaderName = HeaderName::from_static("dpop");

/// The header with what the next proof must have in it.
pub(super) const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What a request shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credentials<'r> {
    /// No credentials, or those of another scheme.
    None,
    /// A token by itself.
    Bearer(&'r str),
    /// A token and a proof that its sender holds its key.
    Proven { token: &'r str, proof: &'r str },
}

/// The credentials of a request; proofs are credentials only where they are accepted.
pub(super) fn credentials(
    headers: &HeaderMap,
    accepts_proofs: bool,
) -> Result<Credentials<'_>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(Credentials::None);
    };
    // Of two, a proxy in front may have looked at the other one.
    if values.next().is_some() {
        return Err(Refusal::Malformed);
    }
    let value = value.to_str().map_err(|_| Refusal::Malformed)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let token = token.trim_matches(' ');
    let malformed = token.is_empty() || token.contains([' ', '\t', ',']);
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    match (is("bearer"), is("dpop") && accepts_proofs) {
        (false, false) => Ok(Credentials::None),
        _ if malformed => Err(Refusal::Malformed),
        (true, _) => Ok(Credentials::Bearer(token)),
        (false, true) => {
            let proof = proof(headers).map_err(VerifyError::from)?;
            Ok(Credentials::Proven { token, proof })
        }
    }
}

/// The one proof of a request.
fn proof(headers: &HeaderMap) -> Result<&str, ProofError> {
    let mut values = headers.get_all(PROOF).iter();
    let value = values.next().ok_or(ProofError::Missing)?;
    if values.next().is_some() {
        return Err(ProofError::Several);
    }
    value.to_str().map_err(|_| ProofError::Malformed)
}
