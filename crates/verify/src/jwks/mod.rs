//! The issuer's keys, fetched and kept fresh. Owns when to ask for them and for how long to rely on them; what is in a set and
//! what checks a token is elsewhere.

mod freshness;
mod keeper;

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::transport::{Plain, UrlError, checked};

pub(crate) use keeper::Keeper;

/// Whatever an answer says and whatever is allowed, an issuer is not asked without a pause.
const LEAST_LIFETIME: Duration = Duration::from_secs(1);

/// Where an issuer's keys are, and how they are kept.
///
/// They are asked for again ahead of their end, in the background. A token that names an unknown key makes them be asked for
/// at once, but seldom; while the issuer does not answer, the old ones go on for a while.
///
/// ```
/// use std::time::Duration;
/// use relatch_verify::KeySource;
///
/// let ours = KeySource::of("https://auth.example.com"); // https://auth.example.com/.well-known/jwks.json
/// let keycloak = KeySource::at("https://id.example.com/realms/main/protocol/openid-connect/certs")
///     .lifetime(Duration::from_secs(60)..=Duration::from_secs(900));
/// ```
#[derive(Clone, Debug)]
pub struct KeySource {
    url: String,
    plain: Plain,
    lifetime: RangeInclusive<Duration>,
    outage: Duration,
    pause: Duration,
    timeout: Duration,
}

impl KeySource {
    /// The keys that a Relatch server with this issuer publishes, at `/.well-known/jwks.json`.
    pub fn of(issuer: &str) -> Self {
        let issuer = issuer.trim_end_matches('/');
        Self::at(format!("{issuer}/.well-known/jwks.json"))
    }

    /// The keys at this address: `https`, or `http` on this machine.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            plain: Plain::Loopback,
            lifetime: Duration::from_mins(1)..=Duration::from_hours(1),
            outage: Duration::from_hours(1),
            pause: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
        }
    }

    /// For how long keys are taken for fresh, whatever `Cache-Control` says: from 1 minute to 1 hour unless said. An answer
    /// that says nothing is fresh for 5 minutes, and none for less than a second.
    ///
    /// A removed key is accepted for up to this long.
    #[must_use]
    pub fn lifetime(mut self, bounds: RangeInclusive<Duration>) -> Self {
        self.lifetime = bounds;
        self
    }

    /// For how long keys that are no more fresh are still relied upon while the issuer does not answer: 1 hour unless said.
    /// After that tokens are refused with [`KeysUnavailable`](crate::VerifyError::KeysUnavailable).
    #[must_use]
    pub fn outage(mut self, most: Duration) -> Self {
        self.outage = most;
        self
    }

    /// How long to wait at least between one fetch and one for the sake of an unknown key: 10 seconds unless said.
    ///
    /// A flood of tokens with made-up keys makes one fetch each time, and none of them waits longer than for that.
    #[must_use]
    pub fn pause(mut self, least: Duration) -> Self {
        self.pause = least;
        self
    }

    /// How long one fetch may take: 5 seconds unless said.
    #[must_use]
    pub fn timeout(mut self, most: Duration) -> Self {
        self.timeout = most;
        self
    }

    /// Lets keys come over plain `http` from another machine.
    ///
    /// Only where nobody else is on the way, as between two containers of one host: whoever can change the answer can
    /// make every token good.
    #[must_use]
    pub fn dangerous_plain_http(mut self) -> Self {
        self.plain = Plain::Anywhere;
        self
    }

    fn url(&self) -> Result<http::Uri, UrlError> {
        checked(&self.url, self.plain)
    }

    /// What an answer with this lifetime is fresh for.
    fn bounded(&self, lifetime: Option<Duration>) -> Duration {
        let lifetime = lifetime.unwrap_or(Duration::from_mins(5));
        lifetime
            .min(*self.lifetime.end())
            .max(*self.lifetime.start())
            .max(LEAST_LIFETIME)
    }
}
