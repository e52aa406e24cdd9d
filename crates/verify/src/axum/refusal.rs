//! Every way to be refused, and its one shape on the wire: a challenge by RFC 6750, section 3 and RFC 9449, section 7.1, and a
//! problem by RFC 9457.

use axum_core::body::Body;
use axum_core::response::IntoResponse;
use http::{HeaderValue, Response, StatusCode, header};

use crate::VerifyError;
use crate::dpop::ProofError;

/// Why a request is refused.
///
/// Handlers that decide for themselves answer in the same form:
///
/// ```
/// use axum::response::IntoResponse;
/// use relatch_verify::axum::Refusal;
///
/// let answer = Refusal::Forbidden("notes:delete").into_response();
/// assert_eq!(answer.status(), 403);
/// assert_eq!(answer.headers()["www-authenticate"], r#"Bearer error="insufficient_scope", scope="notes:delete""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It has no access token.
    Missing,
    /// Its `Authorization` header is not one, or there are several.
    Malformed,
    /// Its token is refused, or the proof that came with it.
    Invalid(VerifyError),
    /// The token is good, but does not permit this.
    Forbidden(&'static str),
    /// Whether its token is good cannot be told now.
    Unavailable(VerifyError),
    /// The route is not behind [`Authenticate`](super::Authenticate): a mistake of this service.
    LayerMissing,
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::KeysUnavailable
            | VerifyError::RevocationsStale
            | VerifyError::Proof(ProofError::MemoryFull) => Self::Unavailable(error),
            _ => Self::Invalid(error),
        }
    }
}

/// How tokens may come where those that are bound to a key are taken.
pub(super) struct Schemes<'s> {
    /// Those that a proof may be signed with.
    pub(super) algorithms: &'s str,
    /// Whether the request that is refused had a proof.
    pub(super) has_proof: bool,
}

/// What an answer says: all that a caller may know.
struct Answer {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
}

impl Refusal {
    /// An expired token is told from other bad ones, for its owner can mend that, and so is what is wrong with a proof; nothing
    /// else is (RFC 6750, section 3.1).
    fn answer(self) -> Answer {
        let (status, code, title) = match self {
            Self::Missing => (
                StatusCode::UNAUTHORIZED,
                "token_required",
                "Send an access token: Authorization: Bearer …",
            ),
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "The Authorization header is malformed.",
            ),
            Self::Invalid(VerifyError::Expired) => (
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "The access token has expired.",
            ),
            Self::Invalid(VerifyError::Proof(error)) => proof_answer(error),
            Self::Invalid(_) => (
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "The access token is not valid here.",
            ),
            Self::Forbidden(_) => (
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                "The access token does not permit this.",
            ),
            Self::Unavailable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Access tokens cannot be checked now; ask again.",
            ),
            Self::LayerMissing => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong here.",
            ),
        };
        Answer {
            status,
            code,
            title,
        }
    }

    /// The challenge where bound tokens are taken, too.
    pub(super) fn challenge_by(self, schemes: &Schemes<'_>) -> Option<String> {
        let (answer, algorithms) = (self.answer(), schemes.algorithms);
        let bearer = self.challenge(&answer);
        match self {
            Self::Missing => Some(format!(r#"Bearer, DPoP algs="{algorithms}""#)),
            Self::Invalid(VerifyError::ProofRequired) => Some(format!(
                r#"DPoP error="invalid_token", error_description="The access token is bound to a key", algs="{algorithms}""#
            )),
            Self::Invalid(_) | Self::Forbidden(_) if schemes.has_proof || self.is_of_proof() => {
                let parameters = bearer?.trim_start_matches("Bearer ").to_owned();
                Some(format!(r#"DPoP {parameters}, algs="{algorithms}""#))
            }
            _ => bearer,
        }
    }

    fn is_of_proof(self) -> bool {
        matches!(
            self,
            Self::Invalid(VerifyError::Proof(_) | VerifyError::NotBound)
        )
    }

    fn challenge(self, answer: &Answer) -> Option<String> {
        let Answer { code, title, .. } = answer;
        match self {
            // Without credentials there is nothing to complain about (RFC 6750, section 3.1).
            Self::Missing => Some("Bearer".to_owned()),
            Self::Malformed => Some(format!(r#"Bearer error="{code}""#)),
            Self::Invalid(_) => {
                let about = title.trim_end_matches('.');
                Some(format!(
                    r#"Bearer error="{code}", error_description="{about}""#
                ))
            }
            Self::Forbidden(permission) => {
                Some(format!(r#"Bearer error="{code}", scope="{permission}""#))
            }
            Self::Unavailable(_) | Self::LayerMissing => None,
        }
    }
}

/// What may be said of a proof: all that its sender needs to make a better one.
fn proof_answer(error: ProofError) -> (StatusCode, &'static str, &'static str) {
    let (code, title) = match error {
        error if error.wants_nonce() => (
            "use_dpop_nonce",
            "The DPoP proof must have the nonce in DPoP-Nonce.",
        ),
        error if error.is_of_clocks() => (
            "invalid_dpop_proof",
            "The time in the DPoP proof is off; the header Date has it.",
        ),
        ProofError::Missing => (
            "invalid_dpop_proof",
            "Send a proof in the header DPoP with this access token.",
        ),
        _ => (
            "invalid_dpop_proof",
            "The DPoP proof is not valid for this request.",
        ),
    };
    (StatusCode::UNAUTHORIZED, code, title)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let answer = self.answer();
        let problem = serde_json::json!({
            "type": "about:blank", "title": answer.title, "status": answer.status.as_u16(), "code": answer.code,
        });
        let mut response = Response::new(Body::from(problem.to_string()));
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        let is = HeaderValue::from_static;
        headers.insert(header::CONTENT_TYPE, is("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, is("no-store"));
        let challenge = self.challenge(&answer);
        if let Some(Ok(challenge)) = challenge.map(HeaderValue::try_from) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Self::Unavailable(_) = self {
            headers.insert(header::RETRY_AFTER, is("1"));
        }
        if let Self::Invalid(why) | Self::Unavailable(why) = self {
            response.extensions_mut().insert(why);
        }
        // For the layer, which knows how else tokens may come here.
        response.extensions_mut().insert(self);
        response
    }
}
