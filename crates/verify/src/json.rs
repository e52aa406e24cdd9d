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
            seen: BTreeSet::new(),
        })
    }
}

struct DistinctMembers<'a, 'de, A> {
    map: A,
    repeated: &'a Cell<bool>,
    // A tree and not a list: a header of thousands of members comes from anybody, before any signature.
    seen: BTreeSet<Cow<'de, str>>,
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
