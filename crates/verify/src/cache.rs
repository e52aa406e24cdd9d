//! Tokens that were verified a moment ago. Owns the bound on memory; whether what it remembers still holds (time, keys,
//! revocations), the caller asks at each hit.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest;

use crate::Claims;

/// More of them than cores, so that two threads seldom want the same.
const SHARDS: usize = 16;

/// What one entry may take; one that takes more counts as several.
const UNIT: usize = 2 * 1024;

/// The SHA-256 of a token: who reads the memory of a cache finds no credential there.
pub(crate) type Digest = [u8; 32];

/// What was found out about a token.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) claims: Arc<Claims>,
    /// The key that signed it.
    pub(crate) kid: Arc<str>,
    /// The key set that this key was found in.
    pub(crate) keys_version: u64,
}

impl Entry {
    /// For how many it counts.
    fn weight(&self) -> usize {
        self.claims.memory().div_ceil(UNIT)
    }
}

/// A map of bounded size that forgets what was not asked for lately.
pub(crate) struct TokenCache {
    shards: Vec<Mutex<Shard>>,
    /// The weight of one generation of one shard.
    generation: usize,
}

/// Two generations: a hit in the old one moves to the young one; when that is full it becomes the old one and what was
/// not asked for since is dropped. Keeps about what a list in order of use would keep, without the list.
#[derive(Default)]
struct Shard {
    young: HashMap<Digest, Entry>,
    old: HashMap<Digest, Entry>,
    /// Of the young ones.
    weight: usize,
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

    pub(crate) fn find(&self, digest: &Digest) -> Option<Entry> {
        let mut shard = self.shard(digest)?;
        if let Some(entry) = shard.young.get(digest) {
            return Some(entry.clone());
        }
        let entry = shard.old.remove(digest)?;
        shard.put(*digest, entry.clone(), self.generation);
        Some(entry)
    }

    pub(crate) fn insert(&self, digest: Digest, entry: Entry) {
        if let Some(mut shard) = self.shard(&digest) {
            shard.put(digest, entry, self.generation);
        }
    }

    pub(crate) fn remove(&self, digest: &Digest) {
        if let Some(mut shard) = self.shard(digest) {
            shard.remove(digest);
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
    fn put(&mut self, digest: Digest, entry: Entry, generation: usize) {
        self.remove(&digest);
        let weight = entry.weight();
        if weight > generation {
            return;
        }
        if self.weight + weight > generation {
            // Swapped and not replaced: a map that has to grow again costs more than what is put into it.
            std::mem::swap(&mut self.old, &mut self.young);
            self.young.clear();
            self.weight = 0;
        }
        self.weight += weight;
        self.young.insert(digest, entry);
    }

    fn remove(&mut self, digest: &Digest) {
        self.old.remove(digest);
        if let Some(entry) = self.young.remove(digest) {
            self.weight -= entry.weight();
        }
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
        with_permissions(sub, 0)
    }

    fn with_permissions(sub: &str, count: usize) -> Entry {
        let permissions = serde_json::to_string(&vec!["a:b"; count]).unwrap();
        let claims = format!(
            r#"{{"iss":"i","sub":"{sub}","aud":"a","client_id":"c","exp":1,"iat":1,"jti":"j","permissions":{permissions}}}"#
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

    fn memory(cache: &TokenCache) -> usize {
        let shards = cache.shards.iter().map(|shard| shard.lock().unwrap());
        let of = |shard: MutexGuard<'_, Shard>| {
            let entries = shard.young.values().chain(shard.old.values());
            entries.map(|entry| entry.claims.memory()).sum::<usize>()
        };
        shards.map(of).sum()
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

    /// A token of 8 KiB has room for a thousand permissions, which take ten times as much once they are read.
    #[test]
    fn what_is_large_counts_as_several() {
        assert_eq!(entry("s").weight(), 1);
        let large = || with_permissions("s", 1000);
        assert!(large().claims.memory() > 1000 * (24 + 3));
        assert!(large().weight() > 10);
        let cache = TokenCache::new(1000).unwrap();
        for n in 0..3000 {
            let kept = if n % 3 == 0 { entry("s") } else { large() };
            cache.insert(digest(n), kept);
            cache.find(&digest(n / 2));
            cache.remove(&digest(n / 3));
            assert!(memory(&cache) <= 1000 * UNIT, "{n}: {}", memory(&cache));
        }
        assert!(memory(&cache) > 1000 * UNIT / 4, "{}", memory(&cache));
        let small = TokenCache::new(4).unwrap();
        small.insert(digest(0), large());
        assert!(small.find(&digest(0)).is_none());
        small.insert(digest(1), entry("s"));
        assert!(small.find(&digest(1)).is_some());
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
    fn one_that_comes_again_pushes_no_other_out() {
        let cache = TokenCache::new(4).unwrap();
        cache.insert(digest(0), entry("kept"));
        for _ in 0..100 {
            cache.insert(digest(1), entry("again"));
            cache.remove(&digest(2));
        }
        assert!(cache.find(&digest(0)).is_some());
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
