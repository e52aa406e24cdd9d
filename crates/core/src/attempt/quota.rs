//! How often something may be done: the generic cell rate algorithm (ITU-T I.371), which needs one number a counter. Pure:
//! knows neither what is counted nor who asks.

use std::{fmt, time::Duration};

use crate::Timestamp;

/// So many at once, and then one after each pause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    burst: u32,
    every: Duration,
}

/// One counter: the moment at which nothing of what it counted matters any more, in milliseconds.
pub type Cell = i64;

impl Quota {
    /// At least one at once, and at least a millisecond between two of them; nothing that cannot be.
    pub fn new(burst: u32, every: Duration) -> Option<Self> {
        let whole = burst > 0 && every.as_millis() > 0;
        let fits = i64::try_from(every.as_millis())
            .is_ok_and(|every| every.checked_mul(i64::from(burst)).is_some());
        (whole && fits).then_some(Self { burst, every })
    }

    /// How many at once.
    pub fn burst(self) -> u32 {
        self.burst
    }

    /// The pause after which one more is good.
    pub fn every(self) -> Duration {
        self.every
    }

    /// How long it takes until all of them are good again.
    pub fn window(self) -> Duration {
        self.every * self.burst
    }

    /// How long to wait until one more is good; nothing if it is good now.
    pub fn wait(self, cell: Cell, now: Timestamp) -> Duration {
        let room = self.millis() * i64::from(self.burst - 1);
        let wait = self.level(cell, now) - room;
        Duration::from_millis(u64::try_from(wait).unwrap_or(0))
    }

    /// The counter with one more in it.
    pub fn charge(self, cell: Cell, now: Timestamp) -> Cell {
        now.as_millis() + self.level(cell, now) + self.millis()
    }

    /// The counter without one that was put in so long ago. What has leaked meanwhile is not given back a second time, so
    /// that whoever else is counted here finds it as if that one had never been, or fuller.
    pub fn give_back(self, cell: Cell, held: Duration) -> Cell {
        let held = i64::try_from(held.as_millis()).unwrap_or(i64::MAX);
        cell - (self.millis() - held).max(0)
    }

    /// Whether more than half of what is good at once is used.
    pub fn is_strained(self, cell: Cell, now: Timestamp) -> bool {
        self.level(cell, now) * 2 > self.millis() * i64::from(self.burst)
    }

    /// How full it is. Never more than full, so that a clock that is set back makes nobody wait longer than one pause.
    fn level(self, cell: Cell, now: Timestamp) -> i64 {
        let most = self.millis() * i64::from(self.burst);
        cell.saturating_sub(now.as_millis()).clamp(0, most)
    }

    fn millis(self) -> i64 {
        i64::try_from(self.every.as_millis()).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at once, one more every {:?}", self.burst, self.every)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quota(burst: u32, millis: u64) -> Quota {
        Quota::new(burst, Duration::from_millis(millis)).expect("a quota")
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// Asks at each of these moments; the moments at which it was good.
    fn good(quota: Quota, asked: &[i64]) -> Vec<i64> {
        let mut cell = 0;
        let mut good = Vec::new();
        for moment in asked {
            if quota.wait(cell, at(*moment)).is_zero() {
                cell = quota.charge(cell, at(*moment));
                good.push(*moment);
            }
        }
        good
    }

    #[test]
    fn so_many_at_once_and_then_one_after_each_pause() {
        let quota = quota(3, 1_000);
        let asked: Vec<_> = (0..50).map(|step| 10_000 + step * 100).collect();
        assert_eq!(
            good(quota, &asked),
            [10_000, 10_100, 10_200, 11_000, 12_000, 13_000, 14_000]
        );
    }

    #[test]
    fn whoever_must_wait_is_told_exactly_how_long() {
        let quota = quota(1, 1_000);
        let cell = quota.charge(0, at(5_000));
        assert_eq!(quota.wait(cell, at(5_400)), Duration::from_millis(600));
        assert_eq!(quota.wait(cell, at(6_000)), Duration::ZERO);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait_longer_than_a_pause() {
        let quota = quota(5, 1_000);
        let cell = quota.charge(0, at(3_600_000));
        assert_eq!(quota.wait(cell, at(0)), Duration::from_secs(1));
        let cell = quota.charge(cell, at(0));
        assert!(quota.wait(cell, at(1_000)) <= Duration::from_secs(1));
    }

    #[test]
    fn nothing_at_once_and_no_pause_are_no_quota() {
        assert_eq!(Quota::new(0, Duration::from_secs(1)), None);
        assert_eq!(Quota::new(1, Duration::from_micros(1)), None);
        assert_eq!(Quota::new(u32::MAX, Duration::MAX), None);
    }

    proptest! {
        #[test]
        fn no_stretch_of_time_has_more_than_burst_and_pauses(
            burst in 1_u32..8,
            every in 1_u64..50,
            steps in prop::collection::vec(0_i64..40, 1..200),
        ) {
            let moments: Vec<_> = steps.iter().scan(1_000, |now, step| { *now += step; Some(*now) }).collect();
            let good = good(quota(burst, every), &moments);
            for (place, from) in good.iter().enumerate() {
                for (count, to) in (1_i64..).zip(&good[place..]) {
                    let allowed = i64::from(burst) + (to - from) / i64::try_from(every)?;
                    prop_assert!(count <= allowed, "{count} from {from} to {to}");
                }
            }
        }

        #[test]
        fn whoever_waits_as_long_as_he_is_told_is_let_in(
            burst in 1_u32..8,
            every in 1_u64..50,
            cell in 0_i64..2_000,
            now in 0_i64..2_000,
        ) {
            let quota = quota(burst, every);
            let wait = i64::try_from(quota.wait(cell, at(now)).as_millis())?;
            prop_assert!(quota.wait(cell, at(now + wait)).is_zero() || cell > now + wait);
            prop_assert!(wait <= i64::try_from(every)?);
        }

        /// Others are counted in the same cell: a trip there and back must leave them no more than they had.
        #[test]
        fn what_is_given_back_late_loosens_nothing_for_others(
            burst in 1_u32..8,
            every in 1_u64..50,
            before in prop::collection::vec(0_i64..40, 0..20),
            between in prop::collection::vec(0_i64..40, 0..20),
            held in 0_i64..60,
        ) {
            let quota = quota(burst, every);
            let (mut now, mut with) = (1_000, 0);
            for step in before {
                now += step;
                with = quota.charge(with, at(now));
            }
            let (taken, mut without) = (now, with);
            with = quota.charge(with, at(now));
            for step in between {
                now += step;
                (with, without) = (quota.charge(with, at(now)), quota.charge(without, at(now)));
            }
            now += held;
            let held = Duration::from_millis(u64::try_from(now - taken)?);
            let back = quota.give_back(with, held);
            prop_assert!(quota.level(back, at(now)) >= quota.level(without, at(now)));
        }
    }
}
