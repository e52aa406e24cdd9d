//! What a resource server knows at a moment, and the order in which it decides by that. Where keys and revocations come from,
//! it is told.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Dpop;
use super::revoked::Revoked;
use crate::cache::{Digest, Entry, TokenCache};
use crate::dpop::Request;
use crate::jws::{Compact, MAX_LENGTH};
use crate::verifier::Shown;
use crate::{Claims, Clock, KeySet, Revocation, SystemClock, Verifier, VerifyError, WhenStale};

/// How many verified tokens are remembered unless said otherwise.
const CACHED_TOKENS: usize = 10_000;

pub(crate) struct State {
    pub(crate) verifier: Verifier,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) dpop: Option<Dpop>,
    keys: RwLock<Arc<Keys>>,
    revoked: RwLock<Revoked>,
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

impl State {
    /// With no keys yet, so that every token is refused.
    pub(super) fn new(verifier: Verifier) -> Self {
        let none = Keys {
            set: KeySet::default(),
            version: 0,
            until: i64::MIN,
        };
        Self {
            verifier,
            clock: Box::new(SystemClock),
            dpop: None,
            keys: RwLock::new(Arc::new(none)),
            revoked: RwLock::default(),
            cache: TokenCache::new(CACHED_TOKENS),
        }
    }

    /// Remembers this many tokens from now on, and none of before.
    pub(super) fn remember(&mut self, capacity: usize) {
        self.cache = TokenCache::new(capacity);
    }

    /// Begins with nothing revoked.
    pub(super) fn forget_revocations(&mut self, when_stale: WhenStale) {
        self.revoked = RwLock::new(Revoked::new(when_stale));
    }

    pub(crate) fn check(&self, token: &str) -> Result<Arc<Claims>, VerifyError> {
        let claims = self.genuine(token, self.clock.now())?;
        self.verifier.check_binding(&claims, Shown::AsBearer)?;
        Ok(claims)
    }

    pub(crate) fn check_with_proof(
        &self,
        token: &str,
        proof: &str,
        request: &Request<'_>,
    ) -> Result<Arc<Claims>, VerifyError> {
        let dpop = self.dpop.as_ref().ok_or(VerifyError::ProofRequired)?;
        let now = self.clock.now();
        // The token first: of what a stranger sends, nothing is remembered.
        let claims = self.genuine(token, now)?;
        let proof = dpop
            .proofs()
            .verify(proof, &request.with_token(token), now)?;
        let shown = Shown::WithProof(proof.thumbprint());
        self.verifier.check_binding(&claims, shown)?;
        dpop.admit(&proof, now)?;
        Ok(claims)
    }

    /// The claims of a token that is good, however it must be shown.
    fn genuine(&self, token: &str, now: i64) -> Result<Arc<Claims>, VerifyError> {
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
    ) -> Result<(Claims, Arc<str>), VerifyError> {
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
        kid.is_some_and(|kid| self.revoked().set().is_key_revoked(&kid, now))
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
            Ok(()) => Ok(Some(entry.claims)),
            Err(error) => {
                if error != VerifyError::RevocationsStale {
                    cache.remove(digest);
                }
                Err(error)
            }
        }
    }

    fn check_revocations(&self, kid: &str, claims: &Claims, now: i64) -> Result<(), VerifyError> {
        let revoked = self.revoked();
        revoked
            .set()
            .check_revoked(kid, claims, self.lenient(now))?;
        revoked.set().check_stale(now)
    }

    /// Whom the leeway lets in after `exp`, a revocation must still find.
    pub(crate) fn lenient(&self, now: i64) -> i64 {
        now.saturating_sub(self.verifier.leeway_seconds())
    }

    pub(crate) fn revoke(&self, revocation: Revocation) {
        let of_key = revocation.is_of_key();
        let now = self.lenient(self.clock.now());
        self.revoked_mut().insert(revocation, now);
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
        let revoked = self.revoked();
        let gone = |kid: &str| revoked.set().is_key_revoked(kid, now);
        set.retain(|key| !key.kid().is_some_and(gone));
        // The same keys again are no reason to verify everything anew.
        let changed = u64::from(set != keys.set);
        *keys = Arc::new(Keys {
            set,
            version: keys.version + changed,
            until,
        });
    }

    /// Says that at `at`, by the issuer's clock, everything was known; and drops what has ended.
    pub(crate) fn heard(&self, at: i64) {
        let now = self.clock.now();
        // What lay on the way is as old as it says, and nothing comes from the future.
        let at = now.min(at.saturating_add(self.verifier.leeway_seconds()));
        self.revoked_mut().heard(at, self.lenient(now));
    }

    /// The keys, if there are any that may be relied upon.
    #[cfg(feature = "feed")]
    pub(crate) fn usable_keys(&self, now: i64) -> Result<KeySet, VerifyError> {
        let keys = self.keys();
        keys.usable(now)?;
        Ok(keys.set.clone())
    }

    #[cfg(feature = "jwks")]
    pub(super) fn has_keys(&self) -> bool {
        self.keys().usable(self.clock.now()).is_ok()
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn keys_mut(&self) -> RwLockWriteGuard<'_, Arc<Keys>> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn revoked(&self) -> RwLockReadGuard<'_, Revoked> {
        self.revoked.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn revoked_mut(&self) -> RwLockWriteGuard<'_, Revoked> {
        self.revoked.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("verifier", &self.verifier)
            .finish_non_exhaustive()
    }
}
