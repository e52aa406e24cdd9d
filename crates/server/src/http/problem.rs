//! Errors on their way out, in their one shape on the wire: `application/problem+json` (RFC 9457).

mod code;
mod reference;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use relatch_core::session::{Ended, Generation, SessionId};
use serde::Serialize;

use super::{
    answer,
    arrival::{Note, RequestId},
};

pub use code::{Code, FAULTS};
pub use reference::reference;

/// One fault of a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FieldError {
    /// The field, or `body`, or the name of a header or parameter.
    pub field: String,
    /// The stable name of the fault.
    pub code: &'static str,
    /// What to do about it.
    pub detail: String,
}

impl FieldError {
    /// That fault of that field.
    pub fn new(field: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            code,
            detail: detail.into(),
        }
    }
}

/// An error on its way out.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: Option<Box<str>>,
    errors: Vec<FieldError>,
    ended: Option<Ended>,
    challenge: Option<Box<str>>,
    about: Option<(SessionId, Generation)>,
    unauthorized: bool,
    cause: Option<&'static str>,
}

impl Problem {
    /// That error, with nothing to add.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            detail: None,
            errors: Vec::new(),
            ended: None,
            challenge: None,
            about: None,
            unauthorized: false,
            cause: None,
        }
    }

    /// Bad fields.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self {
            errors,
            ..Self::new(Code::InvalidRequest)
        }
    }

    /// One bad field.
    pub fn field(field: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(field, code, detail)])
    }

    /// A session that is over.
    pub fn ended(ended: Ended) -> Self {
        Self {
            ended: Some(ended),
            ..Self::new(Code::SessionEnded)
        }
    }

    /// The same, with words for this case.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into().into()),
            ..self
        }
    }

    /// The same, asking for a bearer token (RFC 6750 §3).
    #[must_use]
    pub fn challenge(self, challenge: impl Into<Box<str>>) -> Self {
        Self {
            challenge: Some(challenge.into()),
            ..self
        }
    }

    /// The same on a route with an access token, where it is answered 401 whatever it is elsewhere.
    #[must_use]
    pub fn unauthorized(self) -> Self {
        Self {
            unauthorized: true,
            ..self
        }
    }

    /// The same, for the log: which session's token it was. The answer does not tell.
    #[must_use]
    pub fn about(self, session: SessionId, generation: Generation) -> Self {
        Self {
            about: Some((session, generation)),
            ..self
        }
    }

    /// A fault of ours, with its cause for the log alone.
    pub fn internal(cause: &'static str) -> Self {
        Self {
            cause: Some(cause),
            ..Self::new(Code::Internal)
        }
    }

    /// A token that is not accepted (RFC 6750 §3.1).
    pub fn invalid_token(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidToken).detail(detail)
    }

    /// Which error it is.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The status of its answer.
    fn status(&self) -> StatusCode {
        if self.unauthorized {
            StatusCode::UNAUTHORIZED
        } else {
            self.code.status()
        }
    }

    /// The body with the request's id, once that is known.
    pub(super) fn render(&self, request_id: RequestId) -> Vec<u8> {
        let body = Body {
            r#type: self.code.urn(),
            title: self.code.title(),
            status: self.status().as_u16(),
            detail: self.detail.as_deref(),
            code: self.code.name(),
            request_id: request_id.to_string(),
            reason: self.ended.map(|ended| ended.reason.name()),
            ended_at: self.ended.map(|ended| answer::time(ended.at)),
            errors: &self.errors,
        };
        // Serializing strings and numbers to memory has no way to fail.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    fn challenge_header(&self) -> Option<HeaderValue> {
        match (&self.challenge, self.code) {
            (Some(challenge), _) => HeaderValue::from_str(challenge).ok(),
            (None, Code::InvalidToken | Code::SessionEnded | Code::SessionUnknown) => {
                Some(HeaderValue::from_static("Bearer error=\"invalid_token\""))
            }
            (None, Code::PermissionRequired) => Some(HeaderValue::from_static(
                "Bearer error=\"insufficient_scope\"",
            )),
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    code: &'a str,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl IntoResponse for Problem {
    /// Status and headers; the body follows once the request's id is known.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(challenge) = self.challenge_header() {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        let note = Note {
            outcome: Some(self.code.name()),
            reason: self.ended.map(|ended| ended.reason.name()).or(self.cause),
            session: self.about.map(|about| about.0),
            generation: self.about.map(|about| about.1.0),
        };
        response.extensions_mut().insert(note);
        response.extensions_mut().insert(std::sync::Arc::new(self));
        response
    }
}
