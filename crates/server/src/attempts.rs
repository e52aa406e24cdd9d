//! The counters of attempts and the proofs of work that were used, as requests share them. What is counted and how is core's.

use std::sync::{Mutex, MutexGuard, PoisonError};

use relatch_core::{
    Entropy, Timestamp,
    attempt::{
        Attempt, Kind, Limits, Outcome, Permit, Refused,
        proof::{Errand, Fault, Proof, ProofKeys, Spent},
    },
};

use crate::config::AttemptsConfig;

/// How many proofs are remembered: 5 MiB of them. Whoever fills that has worked for days.
const MOST_PROOFS: usize = 1 << 16;

/// Behind a lock each, which is held for a microsecond: next to a password's hash, nothing.
pub(crate) struct Attempts {
    limits: Option<Mutex<Limits>>,
    spent: Mutex<Spent>,
}

impl Attempts {
    /// Empty counters, or none.
    pub(crate) fn new(config: &AttemptsConfig, entropy: &dyn Entropy) -> Self {
        let limits = || Mutex::new(Limits::new(&config.policy, entropy));
        Self {
            limits: config.enabled.then(limits),
            spent: Mutex::new(Spent::holding(MOST_PROOFS)),
        }
    }

    /// Counts an attempt, if there is room for it; nothing to give back where nothing is counted.
    ///
    /// # Errors
    /// [`Refused`].
    pub(crate) fn admit(
        &self,
        attempt: &Attempt<'_>,
        now: Timestamp,
    ) -> Result<Option<Permit>, Refused> {
        let limits = self.limits.as_ref().map(lock);
        limits
            .map(|mut limits| limits.admit(attempt, now))
            .transpose()
    }

    /// Gives back what was no guess.
    pub(crate) fn settle(&self, permit: &Permit, outcome: Outcome, now: Timestamp) {
        if let Some(limits) = &self.limits {
            lock(limits).settle(permit, outcome, now);
        }
    }

    /// Whether strangers have used up more than half of what they may do at once.
    pub(crate) fn is_strained(&self, kind: Kind, now: Timestamp) -> bool {
        let limits = self.limits.as_ref().map(lock);
        limits.is_some_and(|limits| limits.is_strained(kind, now))
    }

    /// Uses a proof.
    ///
    /// # Errors
    /// [`Fault`].
    pub(crate) fn redeem(
        &self,
        proof: &Proof,
        keys: &ProofKeys,
        errand: Errand<'_>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let solved = proof.check(keys, errand, now)?;
        lock(&self.spent).spend(solved, now)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
