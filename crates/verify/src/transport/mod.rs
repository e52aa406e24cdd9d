//! How bytes come from the issuer: a small trait, so that users can bring a client of their own, and a client on hyper and
//! rustls. Knows nothing of keys, revocations and what the bytes mean.

mod client;
mod url;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Uri};
use thiserror::Error;

pub use client::Client;
pub use url::UrlError;
pub(crate) use url::{Plain, checked};

/// A future in a box, as the methods of [`Transport`] and [`Body`] return it.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends GET requests.
///
/// An implementation follows no redirect to another host, checks certificates, and need not bound time or size: its callers
/// do, and drop what takes too long.
///
/// ```
/// use bytes::Bytes;
/// use http::HeaderMap;
/// use relatch_verify::transport::{Body, Pending, Request, Response, Transport, TransportError};
///
/// /// Always answers the same.
/// struct Canned(&'static str);
/// struct Whole(Option<Bytes>);
///
/// impl Transport for Canned {
///     fn get(&self, _: Request) -> Pending<'_, Result<Response, TransportError>> {
///         let body = Whole(Some(Bytes::from_static(self.0.as_bytes())));
///         Box::pin(async { Ok(Response { status: 200, headers: HeaderMap::new(), body: Box::new(body) }) })
///     }
/// }
///
/// impl Body for Whole {
///     fn chunk(&mut self) -> Pending<'_, Result<Option<Bytes>, TransportError>> {
///         Box::pin(async { Ok(self.0.take()) })
///     }
/// }
/// ```
pub trait Transport: Send + Sync {
    /// The answer to a GET request, as soon as its headers are there.
    fn get(&self, request: Request) -> Pending<'_, Result<Response, TransportError>>;
}

/// A GET request.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// Where to, with scheme and host.
    pub url: Uri,
    /// What to say besides `Host`; may hold a credential.
    pub headers: HeaderMap,
}

/// An answer.
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, still on its way.
    pub body: Box<dyn Body>,
}

/// A body that comes in pieces.
pub trait Body: Send {
    /// The next piece; `None` at the end.
    fn chunk(&mut self) -> Pending<'_, Result<Option<Bytes>, TransportError>>;
}

/// Why no answer came. Its text says what happened, for a log.
#[derive(Debug, Error)]
#[error("{what}")]
pub struct TransportError {
    what: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl TransportError {
    /// An error with this text.
    pub fn new(what: &'static str) -> Self {
        Self { what, source: None }
    }

    /// An error with this text and its cause.
    pub fn with_source(what: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            what,
            source: Some(cause.into()),
        }
    }
}

/// Why something was not fetched.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum FetchError {
    #[error("the issuer does not answer")]
    Transport(#[from] TransportError),
    #[error("the issuer takes too long")]
    Timeout,
    #[error("the issuer answered with status {0}")]
    Status(u16),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the answer is malformed: {0}")]
    Malformed(&'static str),
    #[error("the snapshot is refused")]
    Refused(#[from] crate::VerifyError),
}

impl Request {
    pub(crate) fn new(url: Uri, headers: HeaderMap) -> Self {
        Self { url, headers }
    }
}

impl Response {
    /// This answer if its status is 200.
    pub(crate) fn ok(self) -> Result<Self, FetchError> {
        match self.status {
            200 => Ok(self),
            other => Err(FetchError::Status(other)),
        }
    }
}

/// The whole answer to a request, of at most `limit` bytes and within `timeout`.
pub(crate) async fn fetch(
    transport: &dyn Transport,
    request: Request,
    limit: usize,
    timeout: Duration,
) -> Result<(HeaderMap, Vec<u8>), FetchError> {
    let whole = async {
        let mut response = transport.get(request).await?.ok()?;
        let mut whole = Vec::new();
        while let Some(chunk) = response.body.chunk().await? {
            if whole.len() + chunk.len() > limit {
                return Err(FetchError::TooLarge(limit));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok((response.headers, whole))
    };
    let answer = tokio::time::timeout(timeout, whole).await;
    answer.unwrap_or(Err(FetchError::Timeout))
}

/// An error with its causes, as one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

/// Shows no header: one may be a credential.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
