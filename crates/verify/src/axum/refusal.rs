//! Every way to be refused, and its one shape on the wire: a challenge by RFC 6750, section 3 and a problem by RFC 9457.

use axum_core::body::Body;
use axum_core::response::IntoResponse;
use http::{HeaderValue, Response, StatusCode, header};

use crate::VerifyError;

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
    /// Its token is refused.
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
            VerifyError::KeysUnavailable | VerifyError::RevocationsStale => {
                Self::Unavailable(error)
            }
            _ => Self::Invalid(error),
        }
    }
}

/// What an answer says: all that a caller may know.
struct Answer {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
}

impl Refusal {
    /// An expired token is told from other bad ones, for its owner can mend that; nothing else is (RFC 6750, section 3.1).
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
        response
    }
}
