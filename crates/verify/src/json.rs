//! Strict reading of one JSON object. Knows nothing of headers or claims.
//!
//! Two parsers that disagree about a repeated member disagree about who the user is, so names must be
//! distinct (RFC 7515, section 4 and RFC 7519, section 4). Serde's derived code sees only repeats of fields it knows, and
//! takes an array for a struct; both are refused here, in the same single pass.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

/// Why a text is not the object that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No JSON, no object, or a member of the wrong type.
    Malformed,
    /// A member name occurs twice at the top level.
    Repeated,
}

/// Reads `bytes` as one JSON object of distinct members, with nothing after it.
pub(crate) fn object<T>(bytes: &[u8]) -> Result<T, Fault>
where
    T: for<'de> Deserialize<'de>,
{
    // serde_json lets broken UTF-8 pass in members that nobody reads.
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::Malformed)?;
    let repeated = Cell::new(false);
    let mut json = serde_json::Deserializer::from_str(text);
    let distinct = Distinct {
        inner: &mut json,
        repeated: &repeated,
    };
    let value = T::deserialize(distinct).and_then(|value| json.end().map(|()| value));
    value.map_err(|_| {
        if repeated.get() {
            Fault::Repeated
        } else {
            Fault::Malformed
        }
    })
}

/// An object of distinct members, where serde's derived code would take repeats and arrays too.
pub(crate) fn strict<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(Distinct {
        inner: deserializer,
        repeated: &Cell::new(false),
    })
}

/// A member that may be absent, under `#[serde(default)]`. Unlike in `Option` itself, `null` is a wrong type.
#[derive(Debug)]
pub(crate) struct Member<T>(pub(crate) Option<T>);

impl<T> Default for Member<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Member<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}

/// Wraps a deserializer, a visitor or a map so that the outermost object must have distinct members.
struct Distinct<'a, T> {
    inner: T,
    repeated: &'a Cell<bool>,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Distinct<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_map(Distinct {
            inner: visitor,
            repeated: self.repeated,
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Distinct<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(DistinctMembers {
            map,
            repeated: self.repeated,
            seen: Seen::default(),
        })
    }
}

struct DistinctMembers<'a, 'de, A> {
    map: A,
    repeated: &'a Cell<bool>,
    seen: Seen<'de>,
}

/// As many names as a token of ours has, and then some.
const FEW: usize = 24;

/// The names that came so far: the first few in a list that costs no memory of its own, the others in a tree, for a header of
/// thousands of members comes from anybody, before any signature.
#[derive(Default)]
struct Seen<'t> {
    few: [Cow<'t, str>; FEW],
    count: usize,
    more: BTreeSet<Cow<'t, str>>,
}

impl<'t> Seen<'t> {
    /// Whether the name is a new one, which then is remembered.
    fn insert(&mut self, name: Cow<'t, str>) -> bool {
        if self.few.iter().take(self.count).any(|seen| *seen == name) {
            return false;
        }
        match self.few.get_mut(self.count) {
            Some(place) => {
                *place = name;
                self.count += 1;
                true
            }
            None => self.more.insert(name),
        }
    }
}

/// A member name, borrowed from the text unless it is written with escapes.
#[derive(Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for DistinctMembers<'_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<K>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error>
    where
        K: DeserializeSeed<'de>,
    {
        let Some(Name(name)) = self.map.next_key()? else {
            return Ok(None);
        };
        if !self.seen.insert(name.clone()) {
            self.repeated.set(true);
            return Err(A::Error::custom("a member occurs twice"));
        }
        seed.deserialize(CowStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S>(&mut self, seed: S) -> Result<S::Value, A::Error>
    where
        S: DeserializeSeed<'de>,
    {
        self.map.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;

    fn read(names: impl Iterator<Item = String>) -> Result<(), Fault> {
        let members: Vec<_> = names.map(|name| format!("{name:?}:0")).collect();
        let text = format!("{{{}}}", members.join(","));
        object::<IgnoredAny>(text.as_bytes()).map(drop)
    }

    /// Wherever the two are: among the first, among the many, or one in each.
    #[test]
    fn no_repeat_is_too_far_away() {
        let many = 3 * FEW;
        let names = || (0..many).map(|n| n.to_string());
        assert_eq!(read(names()), Ok(()));
        assert_eq!(read(names().chain([String::new()])), Ok(()));
        for again in 0..many {
            let repeated = read(names().chain([again.to_string()]));
            assert_eq!(repeated, Err(Fault::Repeated), "{again}");
        }
    }
}
