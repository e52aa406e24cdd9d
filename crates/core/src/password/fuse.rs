//! A set of numbers in little more than nine bits each, that never forgets one and rarely believes in one too many: a binary
//! fuse filter (Graf and Lemire, 2022). Pure: whoever asks brings the fingerprints, from memory or from a file.

/// Segments that a key's three places lie in, one after the other.
const ARITY: usize = 3;

/// How often another seed is tried. Of those that fit at all, hardly one fails.
const MOST_SEEDS: u64 = 100;

/// What is known of a filter without its fingerprints.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// What the hash begins with.
    pub seed: u64,
    /// Fingerprints of a segment: a power of two.
    pub segment: u32,
    /// Segments in which a key's first place may be.
    pub segments: u32,
}

/// Where a key's fingerprints are, and what they make together if it is in the set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Probe {
    /// Three places in the filter.
    pub places: [usize; ARITY],
    /// Their exclusive or.
    pub fingerprint: u16,
}

impl Shape {
    /// Of no keys: nothing is in it.
    pub const EMPTY: Self = Self {
        seed: 0,
        segment: 0,
        segments: 0,
    };

    /// How many fingerprints it has.
    pub fn len(&self) -> usize {
        match self.segments {
            0 => 0,
            segments => self.segment as usize * (segments as usize + ARITY - 1),
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.segments == 0
    }

    /// Where to look for a key; nowhere in an empty one.
    pub fn probe(&self, key: u64) -> Option<Probe> {
        (!self.is_empty()).then(|| self.probe_hash(mix(key.wrapping_add(self.seed))))
    }

    fn probe_hash(&self, hash: u64) -> Probe {
        let range = u128::from(self.segment) * u128::from(self.segments);
        let first = usize::try_from((u128::from(hash) * range) >> 64).unwrap_or(0);
        let segment = self.segment as usize;
        let within = |bits: u64| usize::try_from(bits).unwrap_or(0) & (segment - 1);
        Probe {
            places: [
                first,
                (first + segment) ^ within((hash >> 18) & 0x3_ffff),
                (first + 2 * segment) ^ within(hash & 0x3_ffff),
            ],
            fingerprint: u16::try_from((hash ^ (hash >> 32)) & 0xffff).unwrap_or(0),
        }
    }

    /// One that is large enough for so many keys.
    fn for_keys(count: usize, seed: u64) -> Self {
        // More than that come to the same shape but for its length, and nobody has so many in one filter.
        let keys = f64::from(u32::try_from(count.max(2)).unwrap_or(u32::MAX));
        let exponent = (keys.ln() / 3.33_f64.ln() + 2.25).floor();
        let segment = 1_u32 << whole(exponent).min(18);
        let factor = (0.875 + 0.25 * 1e6_f64.ln() / keys.ln()).max(1.125);
        let capacity = whole((keys * factor).round());
        let segments = capacity.div_ceil(segment).saturating_sub(2).max(1);
        Self {
            seed,
            segment,
            segments,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of keys, which is not negative"
)]
fn whole(number: f64) -> u32 {
    number as u32
}

/// A filter of these keys, each of which must be there once; nothing if no seed fits, as when one is there twice.
pub fn build(keys: &[u64]) -> Option<(Shape, Vec<u16>)> {
    if keys.is_empty() {
        return Some((Shape::EMPTY, Vec::new()));
    }
    (0..MOST_SEEDS).find_map(|attempt| {
        let shape = Shape::for_keys(keys.len(), mix(attempt));
        let order = peel(&shape, keys)?;
        Some((shape, fill(&shape, &order)))
    })
}

/// An order in which each key has a place that no key before it has; with that place.
fn peel(shape: &Shape, keys: &[u64]) -> Option<Vec<(u64, usize)>> {
    // Of the keys that lie there: how many, and the exclusive or of their hashes.
    let mut lying = vec![(0_u32, 0_u64); shape.len()];
    let change = |lying: &mut [(u32, u64)], place: usize, hash: u64, more: bool| {
        let at = lying.get_mut(place)?;
        at.0 = if more { at.0 + 1 } else { at.0.checked_sub(1)? };
        at.1 ^= hash;
        Some(at.0)
    };
    for key in keys {
        let hash = mix(key.wrapping_add(shape.seed));
        for place in shape.probe_hash(hash).places {
            change(&mut lying, place, hash, true)?;
        }
    }
    let alone = lying.iter().enumerate().filter(|(_, at)| at.0 == 1);
    let mut waiting: Vec<usize> = alone.map(|(place, _)| place).collect();
    let mut order = Vec::with_capacity(keys.len());
    while let Some(place) = waiting.pop() {
        let Some((1, hash)) = lying.get(place).copied() else {
            continue;
        };
        order.push((hash, place));
        for other in shape.probe_hash(hash).places {
            if change(&mut lying, other, hash, false)? == 1 {
                waiting.push(other);
            }
        }
    }
    (order.len() == keys.len()).then_some(order)
}

/// Each key's own place is set last, so that its three places make its fingerprint.
fn fill(shape: &Shape, order: &[(u64, usize)]) -> Vec<u16> {
    let mut filter = vec![0; shape.len()];
    for (hash, own) in order.iter().rev() {
        let probe = shape.probe_hash(*hash);
        let others = probe.places.iter().filter(|place| *place != own);
        let value = others
            .filter_map(|place| filter.get(*place))
            .fold(probe.fingerprint, |value, other: &u16| value ^ other);
        if let Some(place) = filter.get_mut(*own) {
            *place = value;
        }
    }
    filter
}

/// The finalizer of MurmurHash3: every bit of the key changes half of the hash.
fn mix(key: u64) -> u64 {
    let mut hash = key;
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn has(shape: &Shape, filter: &[u16], key: u64) -> bool {
        shape.probe(key).is_some_and(|probe| {
            let found = probe
                .places
                .iter()
                .fold(0, |all, place| all ^ filter[*place]);
            found == probe.fingerprint
        })
    }

    fn keys(count: u64) -> Vec<u64> {
        (0..count).map(|number| mix(number ^ 0x5555)).collect()
    }

    #[test]
    fn it_is_small_and_rarely_wrong() {
        for (count, most) in [(1_000, 1_500), (30_000, 1_240), (300_000, 1_170)] {
            let keys = keys(count);
            let (shape, filter) = build(&keys).expect("fits");
            assert_eq!(shape.len(), filter.len());
            assert!(keys.iter().all(|key| has(&shape, &filter, *key)));
            let thousandths = filter.len() * 1_000 / keys.len();
            assert!(
                thousandths < most,
                "{thousandths} fingerprints for 1,000 of {count}"
            );
            let others = (0..500_000).map(|number: u64| mix(number << 32 | 7));
            let wrong = others.filter(|key| has(&shape, &filter, *key)).count();
            assert!(
                wrong < 30,
                "{wrong} of half a million, where 8 are expected"
            );
        }
    }

    #[test]
    fn nothing_is_in_an_empty_one_and_nobody_is_there_twice() {
        assert_eq!(build(&[]), Some((Shape::EMPTY, Vec::new())));
        assert_eq!(Shape::EMPTY.probe(7), None);
        assert_eq!(build(&[7, 8, 7]), None);
    }

    proptest! {
        #[test]
        fn whatever_went_in_is_there(keys in prop::collection::btree_set(any::<u64>(), 1..300)) {
            let keys: Vec<_> = BTreeSet::into_iter(keys).collect();
            let (shape, filter) = build(&keys).expect("fits");
            for key in keys {
                prop_assert!(has(&shape, &filter, key));
            }
        }
    }
}
