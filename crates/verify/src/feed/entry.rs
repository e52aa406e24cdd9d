//! What the feed says: entries, heartbeats, positions, and the snapshot's payload. Fields that are not known are ignored.

use serde::{Deserialize, Deserializer};

use crate::Revocation;

/// A place in the feed, `EPOCH.SEQUENCE`. The epoch changes with the timeline of the issuer's database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position(String);

impl Position {
    /// A position that can be sent in a header; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        const LONGEST: usize = 128;
        let (epoch, sequence) = text.rsplit_once('.')?;
        let good = !epoch.is_empty()
            && text.len() <= LONGEST
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && sequence.parse::<u64>().is_ok();
        good.then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn same_epoch(&self, other: &Self) -> bool {
        let epoch = |position: &Self| {
            position
                .0
                .rsplit_once('.')
                .map(|(epoch, _)| epoch.to_owned())
        };
        epoch(self) == epoch(other)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no position"))
    }
}

/// One entry as it comes. It may name a session, a key, both, or something that is not known here.
#[derive(Deserialize)]
pub(super) struct Entry {
    sid: Option<String>,
    #[serde(rename = "gen")]
    generation: Option<u32>,
    kid: Option<String>,
    exp: i64,
}

impl Entry {
    pub(super) fn revocations(self) -> impl Iterator<Item = Revocation> {
        let exp = self.exp;
        let session = self.sid.map(|sid| match self.generation {
            Some(through) => Revocation::generations(sid, through, exp),
            None => Revocation::session(sid, exp),
        });
        let key = self.kid.map(|kid| Revocation::key(kid, exp));
        session.into_iter().chain(key)
    }
}

/// A sign of life.
#[derive(Deserialize)]
pub(super) struct Heartbeat {
    /// Up to where everything was sent.
    pub(super) id: Position,
    /// When it was sent, in seconds since 1970 by the issuer's clock.
    pub(super) at: i64,
}

/// The payload of a snapshot.
#[derive(Deserialize)]
pub(super) struct Snapshot {
    pub(super) iss: String,
    pub(super) iat: i64,
    pub(super) exp: i64,
    /// Up to where it is complete.
    pub(super) last: Position,
    pub(super) revoked: Vec<Entry>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<Revocation>> {
        let entry: Entry = serde_json::from_str(text).ok()?;
        Some(entry.revocations().collect())
    }

    #[test]
    fn entries_by_what_they_name() {
        let one = |text| read(text).map(|mut all| all.pop().unwrap());
        assert_eq!(
            one(r#"{"sid":"a","exp":9}"#),
            Some(Revocation::session("a", 9))
        );
        assert_eq!(
            one(r#"{"sid":"a","gen":7,"exp":9}"#),
            Some(Revocation::generations("a", 7, 9))
        );
        assert_eq!(
            one(r#"{"kid":"k","exp":9,"why":{}}"#),
            Some(Revocation::key("k", 9))
        );
        assert_eq!(read(r#"{"kid":"k","sid":"a","exp":9}"#).unwrap().len(), 2);
        assert_eq!(read(r#"{"jti":"j","exp":9}"#), Some(vec![]));
    }

    /// What cannot be understood must not be taken for nothing.
    #[test]
    fn malformed_entries_are_told_from_unknown_ones() {
        for bad in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"sid":"a"}"#,
            r#"{"sid":7,"exp":9}"#,
            r#"{"sid":"a","gen":-1,"exp":9}"#,
            r#"{"sid":"a","exp":"9"}"#,
            r#"{"sid":"a","exp":9"#,
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn positions_have_an_epoch_and_a_sequence() {
        let position = |text| Position::parse(text);
        for good in ["e.0", "1.8446744073709551615", "0192f0c1-2e6b.7", "a.b.1"] {
            assert_eq!(position(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            ".",
            "e.",
            ".1",
            "e",
            "e.x",
            "e.-1",
            "e 1.1",
            "e\n.1",
            "é.1",
            "e.99999999999999999999",
        ] {
            assert_eq!(position(bad), None, "{bad}");
        }
        let same = |one, other| position(one).unwrap().same_epoch(&position(other).unwrap());
        assert!(same("e.1", "e.2") && !same("e.1", "f.1") && !same("a.b.1", "a.c.1"));
    }
}
