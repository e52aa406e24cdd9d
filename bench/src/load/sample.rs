//! What one measured interval showed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::connection::Seen;

/// Rates, times and costs of one interval.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    elapsed: Duration,
    /// The server's processor time in it.
    cpu: Duration,
    /// The generator's own.
    generator: Duration,
    micros: Vec<u32>,
    refused: BTreeMap<u16, u64>,
}

impl Sample {
    pub(super) fn new(elapsed: Duration, cpu: Duration, generator: Duration) -> Self {
        Self {
            elapsed,
            cpu,
            generator,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, seen: Seen) {
        self.micros.extend(seen.micros);
        for (status, count) in seen.refused {
            *self.refused.entry(status).or_default() += count;
        }
    }

    pub(super) fn sort(&mut self) {
        self.micros.sort_unstable();
    }

    fn answers(&self) -> f64 {
        // A count of answers never comes near 2⁵³.
        f64::from(u32::try_from(self.micros.len()).unwrap_or(u32::MAX))
    }

    /// Good answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answers() / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// The server's processor time for one good answer, in µs.
    pub(crate) fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.answers().max(1.0)
    }

    /// The generator's own processor time for one, in µs.
    pub(crate) fn generator_micros(&self) -> f64 {
        self.generator.as_secs_f64() * 1e6 / self.answers().max(1.0)
    }

    /// The time in ms within which `per_mille` of 1,000 good answers came: exact, by nearest rank.
    pub(crate) fn percentile_ms(&self, per_mille: usize) -> f64 {
        let rank = (self.micros.len() * per_mille).div_ceil(1000).max(1);
        let micros = self.micros.get(rank - 1).copied().unwrap_or(0);
        f64::from(micros) / 1000.0
    }

    /// How many answers were not 2xx.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.values().sum()
    }

    /// `401 × 3, 503 × 1`
    pub(crate) fn refusals(&self) -> String {
        let parts: Vec<String> = self
            .refused
            .iter()
            .map(|(status, count)| format!("{status} × {count}"))
            .collect();
        parts.join(", ")
    }
}

/// The middle one of `figures`, or the mean of the two in the middle; 0 of none.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let upper = figures.get(figures.len() / 2).copied();
    let lower = figures.get(figures.len().saturating_sub(1) / 2).copied();
    upper.zip(lower).map_or(0.0, |(a, b)| f64::midpoint(a, b))
}

#[cfg(test)]
mod tests {
    use super::{Sample, median};
    use std::time::Duration;

    #[test]
    fn percentiles_are_exact() {
        let sample = Sample {
            elapsed: Duration::from_secs(2),
            micros: (1..=1000).map(|n| n * 1000).collect(),
            ..Sample::default()
        };
        let of = |per_mille| sample.percentile_ms(per_mille).to_string();
        assert_eq!([of(500), of(990), of(1000)], ["500", "990", "1000"]);
        assert_eq!(sample.rate().to_string(), "500");
    }

    #[test]
    fn a_median_lies_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]).to_string(), "2");
        assert_eq!(median(vec![4.0, 1.0]).to_string(), "2.5");
        assert_eq!(median(vec![]).to_string(), "0");
    }
}
