//! How a resource server is put together: what is said of it, and where its keys come from.

use std::sync::Arc;

#[cfg(feature = "jwks")]
use super::Tasks;
use super::{Dpop, ResourceServer, State};
#[cfg(feature = "feed")]
use crate::feed::{Feed, Follower};
#[cfg(feature = "jwks")]
use crate::jwks::{Keeper, KeySource};
#[cfg(feature = "jwks")]
use crate::transport::{Client, Transport, UrlError};
use crate::{Clock, KeySet, Verifier, WhenStale};

/// What a [`ResourceServer`] is made from; [`ResourceServer::builder`] begins one.
#[derive(Debug)]
pub struct Builder {
    state: State,
    #[cfg(feature = "jwks")]
    transport: Option<Wire>,
    #[cfg(feature = "feed")]
    feed: Option<Feed>,
}

impl Builder {
    pub(super) fn new(verifier: Verifier) -> Self {
        Self {
            state: State::new(verifier),
            #[cfg(feature = "jwks")]
            transport: None,
            #[cfg(feature = "feed")]
            feed: None,
        }
    }

    /// Reads the time here and not from the machine.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.state.clock = Box::new(clock);
        self
    }

    /// Remembers this many verified tokens, so that one that comes again costs a hash and not a signature; 10,000 unless
    /// said, 0 for none.
    ///
    /// That is 2 KiB of claims for each, or 20 MB for 10,000: a token with more of them, thousands of permissions for example,
    /// counts as several. A remembered token is refused no later than another: expiry, removed keys and revocations are
    /// looked at each time.
    #[must_use]
    pub fn cached_tokens(mut self, capacity: usize) -> Self {
        self.state.remember(capacity);
        self
    }

    /// Takes tokens that are bound to a key, with a proof that their sender holds it (RFC 9449); see [`Dpop`]. Unless this is said,
    /// they are refused.
    #[must_use]
    pub fn dpop(mut self, dpop: Dpop) -> Self {
        self.state.dpop = Some(dpop);
        self
    }

    /// What to do while nobody knows what was revoked: [`WhenStale::FailOpen`] unless said.
    #[must_use]
    pub fn when_stale(mut self, when_stale: WhenStale) -> Self {
        self.state.forget_revocations(when_stale);
        self
    }

    /// A server with these keys, which stay until [`ResourceServer::set_keys`].
    pub fn keys(self, keys: KeySet) -> ResourceServer {
        self.state.set_keys(keys, i64::MAX);
        ResourceServer {
            state: Arc::new(self.state),
            #[cfg(feature = "jwks")]
            tasks: None,
        }
    }
}

#[cfg(feature = "jwks")]
impl Builder {
    /// Fetches with this client and not with the built-in one.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Wire(Arc::new(transport)));
        self
    }

    /// A server with the keys of `source`, which it goes on fetching until its last clone is dropped.
    ///
    /// It does not wait for the first of them; [`ResourceServer::ready`] does.
    ///
    /// ```
    /// use relatch_verify::{KeySource, ResourceServer, Verifier};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), relatch_verify::UrlError> {
    /// let issuer = "https://auth.example.com";
    /// let verifier = Verifier::new(issuer, "https://api.example.com").leeway(5);
    /// let server = ResourceServer::builder(verifier).fetch(KeySource::of(issuer))?;
    /// # let _ = server;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`UrlError`] if an address may not be asked.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn fetch(self, source: KeySource) -> Result<ResourceServer, UrlError> {
        let client = || Wire(Arc::new(Client::new()));
        let Wire(transport) = self.transport.unwrap_or_else(client);
        let state = Arc::new(self.state);
        let keeper = Keeper::start(source, Arc::clone(&transport), Arc::clone(&state))?;
        let keeper = Arc::new(keeper);
        #[cfg(feature = "feed")]
        let follower = match self.feed {
            Some(feed) => {
                let (state, keeper) = (Arc::clone(&state), Arc::clone(&keeper));
                Some(Follower::start(feed, transport, state, keeper)?)
            }
            None => None,
        };
        let tasks = Tasks {
            keeper,
            #[cfg(feature = "feed")]
            _follower: follower,
        };
        Ok(ResourceServer {
            state,
            tasks: Some(Arc::new(tasks)),
        })
    }
}

#[cfg(feature = "feed")]
impl Builder {
    /// Follows the issuer's revocations, as soon as [`fetch`](Builder::fetch) starts: see [`Feed`].
    #[must_use]
    pub fn follow(mut self, feed: Feed) -> Self {
        self.feed = Some(feed);
        self
    }
}

/// A transport that can stand in a type that is shown.
#[cfg(feature = "jwks")]
struct Wire(Arc<dyn Transport>);

#[cfg(feature = "jwks")]
impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}
