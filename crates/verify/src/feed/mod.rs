//! The issuer's revocations, followed as they happen. Owns the connection and what is read from it; what a revocation refuses
//! is `revocations`'.

mod entry;
mod follower;
mod snapshot;
mod sse;

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Uri, header};

use crate::transport::{Plain, UrlError, checked};

pub(crate) use follower::Follower;

/// Where an issuer tells what it revokes, and how it is followed.
///
/// An ended session is refused within a second of its end while the connection stands, without a call per request. When it
/// breaks, it is made again and takes up where it was; how long nothing was heard is
/// [`revocations_stale_for`](crate::ResourceServer::revocations_stale_for), and what then becomes of tokens is
/// [`WhenStale`](crate::WhenStale). The issuer's clock and this machine's must agree, but for the leeway.
///
/// ```
/// use relatch_verify::{Feed, KeySource, ResourceServer, Verifier, WhenStale};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), relatch_verify::UrlError> {
/// let issuer = "https://auth.example.com";
/// let verifier = Verifier::new(issuer, "https://api.example.com").leeway(5);
/// let server = ResourceServer::builder(verifier)
///     .when_stale(WhenStale::FailClosed { after: 30 })
///     .follow(Feed::of(issuer).credential("the credential of this resource server"))
///     .fetch(KeySource::of(issuer))?;
/// # let _ = server;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Feed {
    url: String,
    credential: Option<String>,
    plain: Plain,
    quiet: Duration,
}

impl Feed {
    /// The feed of a Relatch server with this issuer, at `/revocations`.
    pub fn of(issuer: &str) -> Self {
        let issuer = issuer.trim_end_matches('/');
        Self::at(format!("{issuer}/revocations"))
    }

    /// The feed at this address, its snapshot at `/snapshot` below: `https`, or `http` on this machine.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            credential: None,
            plain: Plain::Loopback,
            quiet: Duration::from_secs(10),
        }
    }

    /// Presents this credential, as `Authorization: Bearer`.
    #[must_use]
    pub fn credential(mut self, credential: impl Into<String>) -> Self {
        self.credential = Some(credential.into());
        self
    }

    /// Makes the connection anew when no event came for this long: 10 seconds unless said. The issuer sends one every 2.
    #[must_use]
    pub fn quiet(mut self, most: Duration) -> Self {
        self.quiet = most;
        self
    }

    /// Lets the feed come over plain `http` from another machine.
    ///
    /// Only where nobody else is on the way, as between two containers of one host: whoever is can read the credential and
    /// hold revocations back.
    #[must_use]
    pub fn dangerous_plain_http(mut self) -> Self {
        self.plain = Plain::Anywhere;
        self
    }

    fn stream_url(&self) -> Result<Uri, UrlError> {
        checked(&self.url, self.plain)
    }

    fn snapshot_url(&self) -> Result<Uri, UrlError> {
        checked(&format!("{}/snapshot", self.url), self.plain)
    }

    fn headers(&self, accept: &'static str) -> Result<HeaderMap, UrlError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        if let Some(credential) = &self.credential {
            let value = HeaderValue::try_from(format!("Bearer {credential}"));
            let mut value = value.map_err(|_| UrlError::Credential)?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        Ok(headers)
    }
}

/// Shows no credential.
impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
