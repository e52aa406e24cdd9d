//! Chance that can be repeated: a run prints its seed, and the same seed draws the same numbers.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A stream of numbers from a seed (SplitMix64: small, and good enough to choose what to break).
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// A stream of its own for each `lane`, so that tasks draw the same however they interleave.
    pub(crate) fn lane(seed: u64, lane: u64) -> Self {
        let mut mixed = Self(seed ^ lane.wrapping_mul(0xd1b5_4a32_d192_ed03));
        Self(mixed.number())
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end` (0 if `end` is 0).
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.number().checked_rem(end).unwrap_or(0)
    }

    /// A number from `start` up to, but without, `end`.
    pub(crate) fn between(&mut self, start: u64, end: u64) -> u64 {
        start.saturating_add(self.below(end.saturating_sub(start)))
    }

    pub(crate) fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// One of the items of `from`, or none of an empty list.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = self.below(from.len() as u64);
        from.get(usize::try_from(index).unwrap_or(0))
    }
}

/// A seed that nobody chose, short enough to type again.
pub(crate) fn fresh_seed() -> u64 {
    RandomState::new().build_hasher().finish() % 1_000_000
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn the_same_seed_draws_the_same_numbers() {
        let draw = |seed| -> Vec<u64> {
            let mut chance = Chance::lane(seed, 3);
            (0..8).map(|_| chance.between(5, 50)).collect()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(1).iter().all(|n| (5..50).contains(n)));
    }

    #[test]
    fn an_empty_choice_is_none() {
        assert_eq!(Chance(1).pick::<u8>(&[]), None);
    }
}
