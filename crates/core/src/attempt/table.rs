//! Counters for any number of keys in a memory of one size: a count-min sketch whose cells are those of a [`Quota`].
//!
//! Each key has a cell in every row, found by a hash that nobody outside can compute. It counts in all of them, and the
//! emptiest of them decides. Keys that share a cell can only make each other wait longer, and one that waits for others
//! shares all of its cells with busy ones; no key ever pushes another one out.

use std::time::Duration;

use aws_lc_rs::hmac;

use super::quota::{Cell, Quota};
use crate::{Entropy, Timestamp, chance};

const ROWS: usize = 4;

/// Fewest cells of a row.
const LEAST: usize = 1 << 10;

/// Most cells of a row: with four rows, 32 MiB.
const MOST: usize = 1 << 20;

/// Where one key counts: a hash for each row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place([u64; ROWS]);

/// Finds the places of keys; drawn anew at each start.
pub struct Places(hmac::Key);

impl Places {
    /// Draws the key of the hash.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let secret: [u8; 32] = chance::draw(entropy);
        Self(hmac::Key::new(hmac::HMAC_SHA256, &secret))
    }

    /// That of what consists of these parts.
    pub fn of(&self, parts: &[&[u8]]) -> Place {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            // With their lengths, so that no two lists of parts run together to the same bytes.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let tag = context.sign();
        let mut place = [0; ROWS];
        for (hash, bytes) in place.iter_mut().zip(tag.as_ref().chunks_exact(8)) {
            *hash = bytes.try_into().map_or(0, u64::from_be_bytes);
        }
        Place(place)
    }
}

/// The counters of one quota.
#[derive(Debug)]
pub struct Table {
    quota: Quota,
    width: usize,
    cells: Vec<Cell>,
}

impl Table {
    /// Large enough that no more than a quarter of each row is in use while so many keys are counted within a pause, each of
    /// them another one: then none is likely to find all four of its cells full.
    pub fn new(quota: Quota, keys: f64) -> Self {
        let needed = (keys * 4.0).clamp(0.0, 1e9);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a thousand million"
        )]
        let width = (needed as usize).next_power_of_two().clamp(LEAST, MOST);
        Self {
            quota,
            width,
            // Zeros take no memory before somebody writes there.
            cells: vec![0; width * ROWS],
        }
    }

    /// What each key may do.
    pub fn quota(&self) -> Quota {
        self.quota
    }

    /// How long that key must wait.
    pub fn wait(&self, place: Place, now: Timestamp) -> Duration {
        let emptiest = self.cells_of(place).min();
        emptiest.map_or(Duration::ZERO, |cell| self.quota.wait(cell, now))
    }

    /// Whether that key has used more than half of what it may do at once.
    pub fn is_strained(&self, place: Place, now: Timestamp) -> bool {
        let emptiest = self.cells_of(place).min();
        emptiest.is_some_and(|cell| self.quota.is_strained(cell, now))
    }

    /// Counts one more of that key.
    pub fn charge(&mut self, place: Place, now: Timestamp) {
        let quota = self.quota;
        self.change(place, |cell| quota.charge(cell, now));
    }

    /// Takes one back that was counted so long ago.
    pub fn give_back(&mut self, place: Place, held: Duration) {
        let quota = self.quota;
        self.change(place, |cell| quota.give_back(cell, held));
    }

    fn change(&mut self, place: Place, change: impl Fn(Cell) -> Cell) {
        for index in self.indices(place) {
            if let Some(cell) = self.cells.get_mut(index) {
                *cell = change(*cell);
            }
        }
    }

    fn cells_of(&self, place: Place) -> impl Iterator<Item = Cell> {
        let indices = self.indices(place).into_iter();
        indices.filter_map(|index| self.cells.get(index).copied())
    }

    fn indices(&self, place: Place) -> [usize; ROWS] {
        let mut row = 0;
        place.0.map(|hash| {
            // The width is a power of two, and fits into both.
            let index = row * self.width + (usize::try_from(hash).unwrap_or(0) & (self.width - 1));
            row += 1;
            index
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    struct Fixed;

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(9);
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn quota(burst: u32, seconds: u64) -> Quota {
        Quota::new(burst, Duration::from_secs(seconds)).expect("a quota")
    }

    #[test]
    fn no_two_lists_of_parts_have_one_place() {
        let places = Places::draw(&Fixed);
        let of = |parts: &[&str]| {
            let parts: Vec<_> = parts.iter().map(|part| part.as_bytes()).collect();
            places.of(&parts)
        };
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        for other in [&["ab"][..], &["b", "a"], &["a", "b", ""], &["a"]] {
            assert_ne!(of(&["a", "b"]), of(other), "{other:?}");
        }
    }

    #[test]
    fn whoever_shares_some_cells_with_a_busy_key_waits_for_nobody() {
        let now = at(1_000_000);
        let mut table = Table::new(quota(1, 900), 5_000.0);
        let busy = Place([1, 2, 3, 4]);
        table.charge(busy, now);
        assert!(!table.wait(busy, now).is_zero());
        for other in [[1, 2, 3, 5], [9, 2, 3, 4], [4, 3, 2, 1]] {
            assert_eq!(table.wait(Place(other), now), Duration::ZERO, "{other:?}");
        }
        assert!(!table.is_strained(Place([1, 2, 3, 5]), now));
    }

    /// As many names as the limit for the whole lets through, for as long as it takes to fill whatever can be filled.
    #[test]
    fn invented_names_neither_push_a_counter_out_nor_fill_that_of_somebody_else() {
        let (places, now) = (Places::draw(&Fixed), at(1_000_000));
        let mut table = Table::new(quota(50, 900), 5_000.0);
        let victim = places.of(&[b"ada"]);
        for _ in 0..50 {
            table.charge(victim, now);
        }
        let other = places.of(&[b"bob"]);
        for number in 0..200_000_u32 {
            let place = places.of(&[b"invented", &number.to_be_bytes()]);
            table.charge(place, now.plus(Duration::from_millis(200) * number));
        }
        assert!(!table.wait(victim, now).is_zero(), "pushed out");
        let then = now.plus(Duration::from_millis(200) * 200_000);
        assert_eq!(table.wait(other, then), Duration::ZERO, "filled");
    }

    proptest! {
        /// A table in which nearly everybody shares cells lets nobody do what he could not do with counters of his own.
        #[test]
        fn collisions_only_tighten(
            asked in prop::collection::vec((0_u16..400, 0_i64..3_000, any::<bool>()), 1..600),
        ) {
            let (places, quota) = (Places::draw(&Fixed), quota(3, 2));
            let mut table = Table { quota, width: 4, cells: vec![0; 4 * ROWS] };
            let mut own: HashMap<u16, Cell> = HashMap::new();
            let mut now = 1_000_000;
            for (key, step, good) in asked {
                now += step;
                let place = places.of(&[&key.to_be_bytes()]);
                let cell = own.entry(key).or_default();
                prop_assert!(table.wait(place, at(now)) >= quota.wait(*cell, at(now)));
                if table.wait(place, at(now)).is_zero() {
                    table.charge(place, at(now));
                    *cell = quota.charge(*cell, at(now));
                    if good {
                        table.give_back(place, Duration::ZERO);
                        *cell = quota.give_back(*cell, Duration::ZERO);
                    }
                }
            }
        }
    }
}
