//! Which proofs came already. Owns the bound on memory; what is to be done when it is reached, the caller decides.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use super::Proof;

/// Proofs that end within so many seconds of each other are forgotten together.
const SLOT_SECONDS: i64 = 8;

/// What a memory knows of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recall {
    /// It did not come before, and now is remembered.
    New,
    /// It came before.
    Seen,
    /// It did not come before, and there is no room to remember it: should it come again, nobody will know.
    Full,
}

/// The proofs that came and are still good, for one process.
///
/// Of each it keeps eight bytes: a hash of its key's thumbprint and its `jti`, under a key that is drawn when the memory is made,
/// so that nobody can look for two proofs with one hash. With what the table around them takes, that is 20 bytes a proof at most:
/// 20 MB for a million. Each is kept until it has ended, and no more than eight seconds longer; so with proofs that are good for a
/// minute, a million is enough for some 15,000 requests a second.
pub struct ReplayMemory {
    capacity: usize,
    hasher: RandomState,
    slots: Mutex<Slots>,
}

/// The same proof always has the same end, so that it need be looked for in one slot alone.
#[derive(Default)]
struct Slots {
    /// By the number of their span of time.
    by_end: BTreeMap<i64, HashSet<u64>>,
    count: usize,
}

impl ReplayMemory {
    /// A memory of at most so many proofs.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            hasher: RandomState::new(),
            slots: Mutex::default(),
        }
    }

    /// Whether this proof came before; `now` is the moment by which those that have ended are forgotten, in seconds since 1970.
    pub fn remember(&self, proof: &Proof, now: i64) -> Recall {
        let hash = self.hasher.hash_one((proof.thumbprint(), proof.id()));
        let slot = proof.ends_at().div_euclid(SLOT_SECONDS);
        // Whoever panicked left the sets as whole as they were.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.forget_before(now.div_euclid(SLOT_SECONDS));
        slots.insert(slot, hash, self.capacity)
    }

    /// How many proofs are remembered.
    pub fn len(&self) -> usize {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.count
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for ReplayMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayMemory")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

impl Slots {
    fn forget_before(&mut self, slot: i64) {
        while let Some(first) = self.by_end.first_entry()
            && *first.key() < slot
        {
            self.count -= first.remove().len();
        }
    }

    fn insert(&mut self, slot: i64, hash: u64, capacity: usize) -> Recall {
        let seen = self.by_end.entry(slot).or_default();
        if seen.contains(&hash) {
            return Recall::Seen;
        }
        if self.count >= capacity {
            return Recall::Full;
        }
        seen.insert(hash);
        self.count += 1;
        Recall::New
    }
}
