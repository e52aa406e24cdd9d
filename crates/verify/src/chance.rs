//! Chance for waiting: so that a thousand resource servers that lost one issuer do not come back in one moment.

use std::time::Duration;

use aws_lc_rs::rand;

/// A fraction from 0 up to 1.
pub(crate) fn fraction() -> f64 {
    let mut bytes = [0; 4];
    // Without chance there is no jitter, which is no reason to fail.
    let filled = rand::fill(&mut bytes).is_ok();
    let drawn = if filled {
        u32::from_le_bytes(bytes)
    } else {
        u32::MAX
    };
    f64::from(drawn) / 4_294_967_296.0
}

/// Anything from nothing up to twice as long for each failure, but no longer than `most`: "full jitter".
pub(crate) fn backoff(failures: u32, first: Duration, most: Duration) -> Duration {
    let doubled = first.saturating_mul(1 << failures.min(16));
    doubled.min(most).mul_f64(fraction())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_and_stays_within_its_bound() {
        let (first, most) = (Duration::from_secs(1), Duration::from_secs(30));
        for (failures, bound) in [(0, 1), (1, 2), (4, 16), (5, 30), (u32::MAX, 30)] {
            let drawn: Vec<_> = (0..200).map(|_| backoff(failures, first, most)).collect();
            let bound = Duration::from_secs(bound);
            assert!(drawn.iter().all(|wait| *wait < bound));
            assert!(drawn.iter().any(|wait| *wait > bound / 2));
            assert!(drawn.iter().any(|wait| *wait < bound / 2));
        }
    }
}
