//! Everything that a service needs to check tokens, in one value: verifier, keys, revocations, cache, clock. Owns their order;
//! where keys and revocations come from, it is told.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::cache::{Digest, Entry, TokenCache};
#[cfg(feature = "feed")]
use crate::feed::{Feed, Follower};
#[cfg(feature = "jwks")]
use crate::jwks::{Keeper, KeySource};
use crate::jws::{Compact, MAX_LENGTH};
#[cfg(feature = "jwks")]
use crate::transport::{Client, Transport, UrlError};
use crate::{
    Claims, Clock, KeySet, Revocation, Revocations, SystemClock, Verifier, VerifyError, WhenStale,
};

/// How many verified tokens are remembered unless said otherwise.
const CACHED_TOKENS: usize = 10_000;

/// A service that checks access tokens. Cloning it is cheap, and all clones are one.
///
/// ```
/// use relatch_verify::{KeySet, ResourceServer, Revocation, Verifier, VerifyError};
///
/// # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026-11","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// # let token = concat!(
/// #     "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjIwMjYtMTEifQ.eyJpc3MiOiJodHRwczovL2F1dGguZXhhbXBsZ",
/// #     "S5jb20iLCJzdWIiOiJhbGljZSIsImF1ZCI6Imh0dHBzOi8vYXBpLmV4YW1wbGUuY29tIiwiY2xpZW50X2lkIjoicmVsYXRjaCIsI",
/// #     "mV4cCI6MTgwMDAwMDkwMCwiaWF0IjoxODAwMDAwMDAwLCJqdGkiOiIxIiwicGVybWlzc2lvbnMiOlsibm90ZXM6cmVhZCJdfQ.0M",
/// #     "oCMRD8MypJz2BqWG4tuuDzPibnwdxdOvYWhS_-bq3ocWaUFH-3zzQ4xxHcfkvLw-4SnqWPiO60kF0Z3N6JAQ",
/// # );
/// let keys: KeySet = serde_json::from_str(jwks)?;
/// let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
/// let server = ResourceServer::builder(verifier).clock(|| 1_800_000_000).keys(keys);
///
/// assert!(server.check(token)?.permits("notes:read"));
/// server.revoke(Revocation::key("2026-11", 1_800_001_000));
/// assert_eq!(server.check(token).err(), Some(VerifyError::Revoked));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ResourceServer {
    pub(crate) state: Arc<State>,
    #[cfg(feature = "jwks")]
    pub(crate) tasks: Option<Arc<Tasks>>,
}

/// What keeps a server's knowledge fresh; it ends with the last clone of the server.
#[cfg(feature = "jwks")]
#[derive(Debug)]
pub(crate) struct Tasks {
    keeper: Arc<Keeper>,
    #[cfg(feature = "feed")]
    _follower: Option<Follower>,
}

/// What a [`ResourceServer`] is made from; [`ResourceServer::builder`] begins one.
#[derive(Debug)]
pub struct Builder {
    state: State,
    #[cfg(feature = "jwks")]
    transport: Option<Wire>,
    #[cfg(feature = "feed")]
    feed: Option<Feed>,
}

pub(crate) struct State {
    pub(crate) verifier: Verifier,
    pub(crate) clock: Box<dyn Clock>,
    keys: RwLock<Arc<Keys>>,
    revocations: RwLock<Revocations>,
    cache: Option<TokenCache>,
}

/// A key set as it was at one time.
#[derive(Debug)]
struct Keys {
    set: KeySet,
    /// Another number for another set.
    version: u64,
    /// When it is too old to be relied upon, in seconds since 1970; there are no keys yet where this is the minimum.
    until: i64,
}

impl Keys {
    fn usable(&self, now: i64) -> Result<(), VerifyError> {
        if now < self.until {
            Ok(())
        } else {
            Err(VerifyError::KeysUnavailable)
        }
    }
}

impl ResourceServer {
    /// Begins one that accepts what `verifier` accepts.
    pub fn builder(verifier: Verifier) -> Builder {
        let none = Keys {
            set: KeySet::default(),
            version: 0,
            until: i64::MIN,
        };
        Builder {
            state: State {
                verifier,
                clock: Box::new(SystemClock),
                keys: RwLock::new(Arc::new(none)),
                revocations: RwLock::default(),
                cache: TokenCache::new(CACHED_TOKENS),
            },
            #[cfg(feature = "jwks")]
            transport: None,
            #[cfg(feature = "feed")]
            feed: None,
        }
    }

    /// The claims of `token` by what is known at this moment: no call, no waiting.
    ///
    /// # Errors
    /// As [`Verifier::verify`]; also [`VerifyError::Revoked`], and where too little is known to decide,
    /// [`VerifyError::KeysUnavailable`] and [`VerifyError::RevocationsStale`].
    pub fn check(&self, token: &str) -> Result<Arc<Claims>, VerifyError> {
        self.state.check(token)
    }

    /// The claims of `token`; unlike [`check`](ResourceServer::check) it waits for keys that are just being fetched, and has
    /// the issuer asked for a key that nobody knows. With fixed keys it never waits.
    ///
    /// # Errors
    /// As [`check`](ResourceServer::check).
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, VerifyError> {
        let answer = self.check(token);
        #[cfg(feature = "jwks")]
        if let Err(VerifyError::KeyUnknown | VerifyError::KeysUnavailable) = answer
            && let Some(tasks) = &self.tasks
            && tasks.keeper.ask().await
        {
            return self.check(token);
        }
        answer
    }

    /// Waits until there are keys to check with: at once where they are fixed, else after the first fetch that succeeds.
    ///
    /// A service need not wait for it: until then [`verify`](ResourceServer::verify) refuses with
    /// [`VerifyError::KeysUnavailable`].
    #[cfg(feature = "jwks")]
    pub async fn ready(&self) {
        while let Some(tasks) = &self.tasks {
            // Subscribed before looking, so that keys which come in between are not missed.
            let mut progress = tasks.keeper.progress();
            if self.state.has_keys() || progress.changed().await.is_err() {
                return;
            }
        }
    }

    /// Replaces the keys, for good. A token of a key that is not among them is refused from now on.
    pub fn set_keys(&self, keys: KeySet) {
        self.state.set_keys(keys, i64::MAX);
    }

    /// Adds a revocation.
    pub fn revoke(&self, revocation: Revocation) {
        self.state.revoke(revocation);
    }

    /// For how many seconds nothing was heard of revocations; `None` if nothing ever was.
    pub fn revocations_stale_for(&self) -> Option<u64> {
        self.state.revocations().stale_for(self.state.clock.now())
    }
}

impl Builder {
    /// Reads the time here and not from the machine.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.state.clock = Box::new(clock);
        self
    }

    /// Remembers this many verified tokens, so that one that comes again costs a hash and not a signature; 10,000 unless
    /// said, 0 for none.
    ///
    /// Each takes about as much memory as its claims, so 10,000 tokens of 1 KiB make about 20 MB. A remembered token is
    /// refused no later than another: expiry, removed keys and revocations are looked at each time.
    #[must_use]
    pub fn cached_tokens(mut self, capacity: usize) -> Self {
        self.state.cache = TokenCache::new(capacity);
        self
    }

    /// What to do while nobody knows what was revoked: [`WhenStale::FailOpen`] unless said.
    #[must_use]
    pub fn when_stale(mut self, when_stale: WhenStale) -> Self {
        self.state.revocations = RwLock::new(Revocations::new(when_stale));
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

impl State {
    pub(crate) fn check(&self, token: &str) -> Result<Arc<Claims>, VerifyError> {
        let now = self.clock.now();
        let keys = self.keys();
        keys.usable(now)?;
        // A token that is too long is not even hashed.
        let short = token.len() <= MAX_LENGTH;
        let cache = self.cache.as_ref().filter(|_| short);
        let Some((cache, digest)) = cache.zip(TokenCache::digest(token)) else {
            return Ok(Arc::new(self.verified(token, &keys, now)?.0));
        };
        if let Some(claims) = self.remembered(cache, &digest, keys.version, now)? {
            return Ok(claims);
        }
        let (claims, kid) = self.verified(token, &keys, now)?;
        let claims = Arc::new(claims);
        let entry = Entry {
            claims: Arc::clone(&claims),
            kid,
            keys_version: keys.version,
        };
        cache.insert(digest, entry);
        Ok(claims)
    }

    fn verified(
        &self,
        token: &str,
        keys: &Keys,
        now: i64,
    ) -> Result<(Claims, String), VerifyError> {
        let verified = self.verifier.verify_naming_key(token, &keys.set, now);
        if verified == Err(VerifyError::KeyUnknown) && self.names_revoked_key(token, now) {
            return Err(VerifyError::Revoked);
        }
        let (claims, kid) = verified?;
        self.check_revocations(&kid, &claims, now)?;
        Ok((claims, kid))
    }

    /// A revoked key is unknown, because it was taken out of the set; no fetch could bring it back.
    fn names_revoked_key(&self, token: &str, now: i64) -> bool {
        let kid = Compact::parse(token)
            .ok()
            .and_then(|jws| jws.header().kid.clone());
        kid.is_some_and(|kid| self.revocations().is_key_revoked(&kid, now))
    }

    fn remembered(
        &self,
        cache: &TokenCache,
        digest: &Digest,
        keys_version: u64,
        now: i64,
    ) -> Result<Option<Arc<Claims>>, VerifyError> {
        let entry = cache.find(digest);
        let Some(entry) = entry.filter(|entry| entry.keys_version == keys_version) else {
            return Ok(None);
        };
        let good = self
            .verifier
            .check_times(&entry.claims, now)
            .and_then(|()| self.check_revocations(&entry.kid, &entry.claims, now));
        match good {
            Ok(()) => Ok(Some(Arc::clone(&entry.claims))),
            Err(error) => {
                if error != VerifyError::RevocationsStale {
                    cache.remove(digest);
                }
                Err(error)
            }
        }
    }

    fn check_revocations(&self, kid: &str, claims: &Claims, now: i64) -> Result<(), VerifyError> {
        let revocations = self.revocations();
        revocations.check_revoked(kid, claims, self.lenient(now))?;
        revocations.check_stale(now)
    }

    /// Whom the leeway lets in after `exp`, a revocation must still find.
    pub(crate) fn lenient(&self, now: i64) -> i64 {
        now.saturating_sub(self.verifier.leeway_seconds())
    }

    pub(crate) fn revoke(&self, revocation: Revocation) {
        let of_key = revocation.is_of_key();
        self.revocations_mut().insert(revocation);
        if of_key {
            let mut keys = self.keys_mut();
            let (set, until) = (keys.set.clone(), keys.until);
            self.replace(&mut keys, set, until);
        }
    }

    pub(crate) fn set_keys(&self, set: KeySet, until: i64) {
        self.replace(&mut self.keys_mut(), set, until);
    }

    /// Replaces the keys, leaving out revoked ones: the revocation of a key ends, and what its thief signs after that must
    /// not be good again because an old answer still has it.
    fn replace(&self, keys: &mut Arc<Keys>, mut set: KeySet, until: i64) {
        let now = self.lenient(self.clock.now());
        let revocations = self.revocations();
        let revoked = |kid: &str| revocations.is_key_revoked(kid, now);
        set.retain(|key| !key.kid().is_some_and(revoked));
        // The same keys again are no reason to verify everything anew.
        let changed = u64::from(set != keys.set);
        *keys = Arc::new(Keys {
            set,
            version: keys.version + changed,
            until,
        });
    }

    /// Says that at `at`, by the issuer's clock, everything was known; and drops what has ended.
    #[cfg(feature = "feed")]
    pub(crate) fn heard(&self, at: i64) {
        let now = self.clock.now();
        let mut revocations = self.revocations_mut();
        // What lay on the way is as old as it says, and nothing comes from the future.
        revocations.heard(now.min(at.saturating_add(self.verifier.leeway_seconds())));
        revocations.sweep(self.lenient(now));
    }

    /// The keys, if there are any that may be relied upon.
    #[cfg(feature = "feed")]
    pub(crate) fn usable_keys(&self, now: i64) -> Result<KeySet, VerifyError> {
        let keys = self.keys();
        keys.usable(now)?;
        Ok(keys.set.clone())
    }

    #[cfg(feature = "jwks")]
    fn has_keys(&self) -> bool {
        self.keys().usable(self.clock.now()).is_ok()
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn keys_mut(&self) -> RwLockWriteGuard<'_, Arc<Keys>> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn revocations(&self) -> RwLockReadGuard<'_, Revocations> {
        let lock = self.revocations.read();
        lock.unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn revocations_mut(&self) -> RwLockWriteGuard<'_, Revocations> {
        let lock = self.revocations.write();
        lock.unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("verifier", &self.verifier)
            .finish_non_exhaustive()
    }
}
