//! Tokens that were verified a moment ago. Owns the bound on memory; whether what it remembers still holds (time, keys,
//! revocations), the caller asks at each hit.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest;

use crate::Claims;

/// More of them than cores, so that two threads seldom want the same.
const SHARDS: usize = 16;

/// The SHA-256 of a token: who reads the memory of a cache finds no credential there.
pub(crate) type Digest = [u8; 32];

/// What was found out about a token.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) claims: Arc<Claims>,
    /// The key that signed it.
    pub(crate) kid: String,
    /// The key set that this key was found in.
    pub(crate) keys_version: u64,
}

/// A map of bounded size that forgets what was not asked for lately.
pub(crate) struct TokenCache {
    shards: Vec<Mutex<Shard>>,
    /// Entries of one generation of one shard.
    generation: usize,
}

/// Two generations: a hit in the old one moves to the young one; when that is full it becomes the old one and what was
/// not asked for since is dropped. Keeps about what a list in order of use would keep, without the list.
#[derive(Default)]
struct Shard {
    young: HashMap<Digest, Arc<Entry>>,
    old: HashMap<Digest, Arc<Entry>>,
}

impl TokenCache {
    /// A cache of at most `capacity` entries; none for less than two.
    pub(crate) fn new(capacity: usize) -> Option<Self> {
        let shards = if capacity < SHARDS * 8 { 1 } else { SHARDS };
        let generation = capacity / shards / 2;
        (generation > 0).then(|| Self {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            generation,
        })
    }

    pub(crate) fn digest(token: &str) -> Option<Digest> {
        let digest = digest::digest(&digest::SHA256, token.as_bytes());
        digest.as_ref().try_into().ok()
    }

    pub(crate) fn find(&self, digest: &Digest) -> Option<Arc<Entry>> {
        let mut shard = self.shard(digest)?;
        if let Some(entry) = shard.young.get(digest) {
            return Some(Arc::clone(entry));
        }
        let entry = shard.old.remove(digest)?;
        shard.put(*digest, Arc::clone(&entry), self.generation);
        Some(entry)
    }

    pub(crate) fn insert(&self, digest: Digest, entry: Entry) {
        if let Some(mut shard) = self.shard(&digest) {
            shard.put(digest, Arc::new(entry), self.generation);
        }
    }

    pub(crate) fn remove(&self, digest: &Digest) {
        if let Some(mut shard) = self.shard(digest) {
            shard.young.remove(digest);
            shard.old.remove(digest);
        }
    }

    fn shard(&self, digest: &Digest) -> Option<MutexGuard<'_, Shard>> {
        let at = usize::from(*digest.first()?) % self.shards.len();
        // Whoever panicked left the maps as whole as they were.
        let lock = self.shards.get(at)?.lock();
        Some(lock.unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shard {
    fn put(&mut self, digest: Digest, entry: Arc<Entry>, generation: usize) {
        if self.young.len() >= generation && !self.young.contains_key(&digest) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&digest);
        self.young.insert(digest, entry);
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sub: &str) -> Entry {
        let claims = format!(
            r#"{{"iss":"i","sub":"{sub}","aud":"a","client_id":"c","exp":1,"iat":1,"jti":"j"}}"#
        );
        Entry {
            claims: Arc::new(serde_json::from_str(&claims).unwrap()),
            kid: "k".into(),
            keys_version: 0,
        }
    }

    fn size(cache: &TokenCache) -> usize {
        let shards = cache.shards.iter().map(|shard| shard.lock().unwrap());
        shards
            .map(|shard| shard.young.len() + shard.old.len())
            .sum()
    }

    fn digest(n: usize) -> Digest {
        TokenCache::digest(&n.to_string()).unwrap()
    }

    #[test]
    fn it_never_holds_more_than_it_may() {
        for capacity in [2, 3, 64, 1000, 10_000] {
            let cache = TokenCache::new(capacity).unwrap();
            for n in 0..capacity * 3 {
                cache.insert(digest(n), entry("s"));
                cache.find(&digest(n / 2));
                assert!(size(&cache) <= capacity, "{capacity}");
            }
            assert!(size(&cache) >= capacity / 3, "{capacity}: {}", size(&cache));
        }
        assert!(TokenCache::new(0).is_none() && TokenCache::new(1).is_none());
    }

    #[test]
    fn what_is_asked_for_stays() {
        let cache = TokenCache::new(100).unwrap();
        cache.insert(digest(0), entry("kept"));
        for n in 1..1000 {
            cache.insert(digest(n), entry("passing"));
            assert_eq!(cache.find(&digest(0)).unwrap().claims.sub, "kept");
        }
        assert!(cache.find(&digest(1)).is_none());
    }

    #[test]
    fn a_newer_entry_replaces_an_older_one() {
        let cache = TokenCache::new(4).unwrap();
        for sub in ["a", "b"] {
            cache.insert(digest(0), entry(sub));
        }
        for n in 1..3 {
            cache.insert(digest(n), entry("other"));
        }
        cache.insert(digest(0), entry("c"));
        assert_eq!(cache.find(&digest(0)).unwrap().claims.sub, "c");
        cache.remove(&digest(0));
        assert!(cache.find(&digest(0)).is_none());
    }
}
