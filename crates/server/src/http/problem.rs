//! The catalogue of errors, and their one shape on the wire: `application/problem+json` (RFC 9457).

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

macro_rules! catalogue {
    ($($variant:ident = $status:ident $name:literal $title:literal;)*) => {
        /// Every error of the API; names are stable.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The status of its answers.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// What it means, in a sentence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

catalogue! {
    InvalidRequest = BAD_REQUEST "invalid_request" "The request has faults; `errors` names each of them.";
    InvalidCredentials = UNAUTHORIZED "invalid_credentials" "The username or the password is wrong.";
    InvalidToken = UNAUTHORIZED "invalid_token" "The token is missing, malformed, expired or not from here.";
    SessionEnded = UNAUTHORIZED "session_ended" "The session has ended; `reason` and `ended_at` say why and when.";
    SessionUnknown = UNAUTHORIZED "session_unknown" "The token is genuine, but its session is not known here any more.";
    ReauthenticationRequired = UNAUTHORIZED "reauthentication_required" "The password must be proved again first: POST /auth/reauthenticate.";
    ProofRequired = UNAUTHORIZED "proof_required" "The session is bound to a key; the request must prove that it holds it.";
    UserDisabled = FORBIDDEN "user_disabled" "The user is disabled.";
    RegistrationClosed = FORBIDDEN "registration_closed" "Nobody can register here.";
    NotFound = NOT_FOUND "not_found" "There is nothing here.";
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" "This is not to be done here; `Allow` lists what is.";
    RequestTimeout = REQUEST_TIMEOUT "request_timeout" "The request took too long to arrive.";
    UsernameTaken = CONFLICT "username_taken" "Somebody has that username.";
    PayloadTooLarge = PAYLOAD_TOO_LARGE "payload_too_large" "The body is too large.";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "The body is of a type that is not understood here.";
    Overloaded = SERVICE_UNAVAILABLE "overloaded" "Too much is waiting already; `Retry-After` says when to ask again.";
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "The answer is not to be had now, and whether the request was carried out is not known; ask again.";
    Internal = INTERNAL_SERVER_ERROR "internal" "Something went wrong here; the log has it under the request's id.";
}

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

/// An error on its way out.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: Option<Box<str>>,
    errors: Vec<FieldError>,
    ended: Option<Ended>,
    challenge: Option<&'static str>,
    about: Option<(SessionId, Generation)>,
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
        Self::invalid(vec![FieldError {
            field: field.to_owned(),
            code,
            detail: detail.into(),
        }])
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
    pub fn challenge(self, challenge: &'static str) -> Self {
        Self {
            challenge: Some(challenge),
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

    /// The body with the request's id, once that is known.
    pub(super) fn render(&self, request_id: RequestId) -> Vec<u8> {
        let body = Body {
            r#type: format!("urn:relatch:error:{}", self.code.name()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
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
        let text = match (self.challenge, self.code) {
            (Some(challenge), _) => challenge,
            (None, Code::InvalidToken | Code::SessionEnded | Code::SessionUnknown) => {
                "Bearer error=\"invalid_token\""
            }
            _ => return None,
        };
        Some(HeaderValue::from_static(text))
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
        let mut response = self.code.status().into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(challenge) = self.challenge_header() {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if self.code.status() == StatusCode::SERVICE_UNAVAILABLE {
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
