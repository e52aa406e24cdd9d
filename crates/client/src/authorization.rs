//! What goes into the headers of a request to an API, and what its refusal means.

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::{Error, Secret};

pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");
pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The right to send one request: an access token, and for a bound session the proof for that method and address.
///
/// A proof is good once and for about a minute: ask for an authorization right before each request.
#[derive(Clone, Debug)]
pub struct Authorization {
    pub(crate) method: Method,
    pub(crate) url: Uri,
    pub(crate) access_token: Secret,
    pub(crate) proof: Option<Secret>,
    /// What was done already for the sake of this request.
    pub(crate) renewed: bool,
    pub(crate) challenged: bool,
}

impl Authorization {
    /// `Authorization`, and `DPoP` where the session is bound. Both are marked as sensitive, so that they are not logged.
    ///
    /// # Errors
    /// [`Error::Broken`] if the server's token has characters that no header can carry.
    pub fn headers(&self) -> Result<HeaderMap, Error> {
        let (scheme, token) = (self.scheme(), self.access_token.expose());
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, sensitive(&format!("{scheme} {token}"))?);
        if let Some(proof) = &self.proof {
            headers.insert(DPOP, sensitive(proof.expose())?);
        }
        Ok(headers)
    }

    fn scheme(&self) -> &'static str {
        if self.proof.is_some() {
            "DPoP"
        } else {
            "Bearer"
        }
    }
}

pub(crate) fn sensitive(text: &str) -> Result<HeaderValue, Error> {
    let value = HeaderValue::from_str(text);
    let mut value = value.map_err(|_| Error::Broken("a token has characters of no token"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What can be done about an answer of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Nothing: it is about something else.
    None,
    /// Another proof with the nonce that came along.
    Prove,
    /// Another access token.
    Renew,
}

impl Remedy {
    /// By status and challenge (RFC 6750, section 3; RFC 9449, section 9).
    pub(crate) fn of(status: u16, headers: &HeaderMap) -> Self {
        if status != 401 {
            return Self::None;
        }
        let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
        let challenges: Vec<_> = challenges.filter_map(|text| text.to_str().ok()).collect();
        let says = |error: &str| challenges.iter().any(|text| text.contains(error));
        if headers.contains_key(DPOP_NONCE) && says("use_dpop_nonce") {
            Self::Prove
        } else if challenges.is_empty() || says("invalid_token") {
            Self::Renew
        } else {
            Self::None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_taken_for_what_it_says() {
        let with = |challenge: &str, nonce: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(WWW_AUTHENTICATE, challenge.parse().expect("a header"));
            if nonce {
                headers.insert(DPOP_NONCE, HeaderValue::from_static("n"));
            }
            headers
        };
        for (status, headers, remedy) in [
            (200, HeaderMap::new(), Remedy::None),
            (
                403,
                with("Bearer error=\"insufficient_scope\"", false),
                Remedy::None,
            ),
            (401, HeaderMap::new(), Remedy::Renew),
            (
                401,
                with("Bearer error=\"invalid_token\"", false),
                Remedy::Renew,
            ),
            (
                401,
                with("DPoP error=\"invalid_token\", algs=\"EdDSA\"", true),
                Remedy::Renew,
            ),
            (
                401,
                with("DPoP error=\"use_dpop_nonce\"", true),
                Remedy::Prove,
            ),
            (
                401,
                with("DPoP error=\"use_dpop_nonce\"", false),
                Remedy::None,
            ),
            (
                401,
                with("Bearer error=\"insufficient_user_authentication\"", false),
                Remedy::None,
            ),
            (401, with("Basic realm=\"x\"", false), Remedy::None),
        ] {
            assert_eq!(Remedy::of(status, &headers), remedy, "{status} {headers:?}");
        }
    }

    #[test]
    fn both_headers_are_sensitive() {
        let authorization = Authorization {
            method: Method::GET,
            url: Uri::from_static("https://api.example.com/"),
            access_token: Secret::new("abc"),
            proof: Some(Secret::new("a.b.c")),
            renewed: false,
            challenged: false,
        };
        let headers = authorization.headers().expect("headers");
        assert_eq!(headers[AUTHORIZATION], "DPoP abc");
        assert_eq!(headers[DPOP], "a.b.c");
        assert!(headers.values().all(HeaderValue::is_sensitive));
        assert!(!format!("{authorization:?}").contains("abc"));
    }
}
