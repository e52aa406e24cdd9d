//! The counters of attempts and the proofs of work that were used, as requests share them. What is counted and how is core's.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use relatch_core::{
    Entropy, Timestamp,
    attempt::{
        Attempt, Kind, Limits, Outcome, Permit, Refused,
        proof::{Errand, Fault, Proof, ProofKeys, Spent},
    },
    password::Busy,
};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    config::AttemptsConfig,
    places::{Place, Places},
};

/// How many proofs are remembered: 5 MiB of them. Whoever fills that has worked for days.
const MOST_PROOFS: usize = 1 << 16;

/// Behind a lock each, which is held for a microsecond: next to a password's hash, nothing.
pub(crate) struct Attempts {
    limits: Option<Mutex<Limits>>,
    /// Strangers who may wait for a hash at once.
    room: Semaphore,
    /// Of one network, known or not: whoever makes himself accounts is known as well.
    shares: Arc<Places>,
    spent: Mutex<Spent>,
}

impl Attempts {
    /// Empty counters, or none. Of `queue` passwords that may wait to be hashed, strangers' are half at most, so that a burst of
    /// theirs leaves room for whom the server knows.
    pub(crate) fn new(config: &AttemptsConfig, queue: usize, entropy: &dyn Entropy) -> Self {
        let limits = || Mutex::new(Limits::new(&config.policy, entropy));
        Self {
            limits: config.enabled.then(limits),
            room: Semaphore::new(queue.div_ceil(2)),
            shares: Places::new(usize::MAX, queue.div_ceil(4)),
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

    /// A place before the hashing threads, which is free again once this is dropped; no place to keep where nothing is
    /// counted.
    ///
    /// # Errors
    /// [`Busy`].
    pub(crate) fn enter(
        &self,
        stranger: bool,
        address: Option<IpAddr>,
    ) -> Result<(Option<SemaphorePermit<'_>>, Option<Place>), Busy> {
        if self.limits.is_none() {
            return Ok((None, None));
        }
        let share = self.shares.take(address).map_err(|_| Busy)?;
        let room = stranger.then(|| self.room.try_acquire().map_err(|_| Busy));
        Ok((room.transpose()?, Some(share)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, entropy::SystemEntropy};

    #[test]
    fn strangers_leave_half_of_the_queue_to_whom_the_server_knows() {
        let mut config = Config::default().attempts;
        let attempts = Attempts::new(&config, 8, &SystemEntropy);
        let mut inside: Vec<_> = (0..4)
            .map(|_| attempts.enter(true, None).expect("room"))
            .collect();
        assert!(attempts.enter(true, None).is_err());
        assert!(attempts.enter(false, None).is_ok());
        inside.pop();
        assert!(attempts.enter(true, None).is_ok());
        config.enabled = false;
        let unlimited = Attempts::new(&config, 0, &SystemEntropy);
        assert!(unlimited.enter(true, None).is_ok());
    }

    #[test]
    fn one_network_leaves_three_quarters_of_the_queue_to_others_known_or_not() {
        let config = Config::default().attempts;
        let attempts = Attempts::new(&config, 8, &SystemEntropy);
        let (one, other) = (Some([192, 0, 2, 7].into()), Some([192, 0, 2, 8].into()));
        let _inside = [(); 2].map(|()| attempts.enter(false, one).expect("room"));
        assert!(attempts.enter(false, one).is_err());
        assert!(attempts.enter(false, other).is_ok());
    }
}
