//! The revocations of a resource server, with what has ended in them dropped in time. Knows nothing of tokens.

use crate::{Revocation, Revocations, WhenStale};

/// So few are not worth a sweep.
const FEW: usize = 1024;

/// A set that is swept whenever it has doubled: what has ended never outweighs what has not, whoever fills it.
#[derive(Debug, Default)]
pub(super) struct Revoked {
    set: Revocations,
    /// How many were left by the last sweep.
    left: usize,
}

impl Revoked {
    pub(super) fn new(when_stale: WhenStale) -> Self {
        Self {
            set: Revocations::new(when_stale),
            left: 0,
        }
    }

    pub(super) fn set(&self) -> &Revocations {
        &self.set
    }

    /// Adds one; `now` is the moment by which what has ended may go.
    pub(super) fn insert(&mut self, revocation: Revocation, now: i64) {
        self.set.insert(revocation);
        if self.set.len() > FEW.max(self.left.saturating_mul(2)) {
            self.sweep(now);
        }
    }

    /// Says that at `at` the set was complete, and drops what has ended by `now`.
    pub(super) fn heard(&mut self, at: i64, now: i64) {
        self.set.heard(at);
        self.sweep(now);
    }

    fn sweep(&mut self, now: i64) {
        self.set.sweep(now);
        self.left = self.set.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    /// One a second, each for a quarter of an hour, and nobody who would say that it is time to sweep.
    #[test]
    fn what_has_ended_does_not_pile_up() {
        let mut revoked = Revoked::default();
        for n in 0..100_000 {
            let now = NOW + n;
            revoked.insert(Revocation::session(n.to_string(), now + 900), now);
            assert!(
                revoked.set.len() <= 2 * 901,
                "{} after {n}",
                revoked.set.len()
            );
        }
    }

    #[test]
    fn what_has_not_ended_stays() {
        let mut revoked = Revoked::default();
        for n in 0..10 * FEW {
            revoked.insert(Revocation::session(n.to_string(), NOW + 900), NOW);
        }
        assert_eq!(revoked.set.len(), 10 * FEW);
        revoked.sweep(NOW + 900);
        assert_eq!((revoked.set.len(), revoked.left), (0, 0));
    }
}
