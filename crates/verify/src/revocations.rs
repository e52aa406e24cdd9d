//! The set of what stopped being good before its time, and how stale it is. Knows neither how it is learnt nor whose
//! tokens are checked against it.

use std::collections::HashMap;

use crate::{Claims, VerifyError};

/// One thing that is revoked, until an absolute end: when no token that it refuses can be unexpired any more.
///
/// ```
/// use relatch_verify::{Revocation, Revocations};
///
/// let mut revoked = Revocations::default();
/// revoked.insert(Revocation::session("0193", 1_800_000_900));
/// revoked.insert(Revocation::generations("0194", 7, 1_800_000_900));
/// revoked.insert(Revocation::key("2026-11", 1_800_000_900));
/// assert!(revoked.is_key_revoked("2026-11", 1_800_000_899));
/// revoked.sweep(1_800_000_900);
/// assert!(revoked.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    what: What,
    until: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Session(String),
    Generations(String, u32),
    Key(String),
}

impl Revocation {
    /// Every access token of this session, until `until` in seconds since 1970.
    pub fn session(sid: impl Into<String>, until: i64) -> Self {
        let what = What::Session(sid.into());
        Self { what, until }
    }

    /// The access tokens of this session whose generation is at most `through`: the next refresh is good again.
    pub fn generations(sid: impl Into<String>, through: u32, until: i64) -> Self {
        let what = What::Generations(sid.into(), through);
        Self { what, until }
    }

    /// Every token that this key signed.
    pub fn key(kid: impl Into<String>, until: i64) -> Self {
        let what = What::Key(kid.into());
        Self { what, until }
    }

    pub(crate) fn is_of_key(&self) -> bool {
        matches!(self.what, What::Key(_))
    }
}

/// What to do with a good token while nobody knows whether it was revoked.
///
/// ```
/// use relatch_verify::{KeySet, ResourceServer, Verifier, WhenStale};
///
/// let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
/// let server = ResourceServer::builder(verifier)
///     .when_stale(WhenStale::FailClosed { after: 10 })
///     .keys(KeySet::default());
/// assert_eq!(server.revocations_stale_for(), None); // nothing was ever heard, so every token is refused
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WhenStale {
    /// Accept it: an unreachable issuer costs freshness, not service. Its tokens end by themselves soon enough.
    #[default]
    FailOpen,
    /// Refuse it with [`VerifyError::RevocationsStale`].
    FailClosed {
        /// Once nothing was heard of the issuer for this many seconds. Its heartbeats come every 2: take 10 or more.
        after: u32,
    },
}

/// What is revoked: sessions, generations of them, and keys.
///
/// ```
/// use relatch_verify::{Revocation, Revocations, VerifyError, WhenStale};
///
/// # let claims: relatch_verify::Claims = serde_json::from_str(r#"{"iss":"i","sub":"s","aud":"a","client_id":"c",
/// #     "exp":1800000900,"iat":1800000000,"jti":"j","sid":"0193","gen":7}"#)?;
/// let now = 1_800_000_000;
/// let mut revoked = Revocations::new(WhenStale::FailClosed { after: 10 });
/// revoked.heard(now);
/// assert_eq!(revoked.check("2026-11", &claims, now), Ok(()));
///
/// revoked.insert(Revocation::session("0193", now + 900));
/// assert_eq!(revoked.check("2026-11", &claims, now), Err(VerifyError::Revoked));
/// assert_eq!(revoked.stale_for(now + 11), Some(11));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    sessions: HashMap<String, Ends>,
    keys: HashMap<String, i64>,
    heard: Option<i64>,
    when_stale: WhenStale,
}

/// Until when the tokens of a session are refused.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    /// All of them.
    all: Option<i64>,
    /// Those of a generation up to this one. Of several such entries one is kept, with the highest generation and the
    /// latest end of them: a token that only this mixture refuses would have expired.
    through: Option<(u32, i64)>,
}

impl Revocations {
    /// An empty set that has heard of nobody yet.
    pub fn new(when_stale: WhenStale) -> Self {
        Self {
            when_stale,
            ..Self::default()
        }
    }

    /// Adds an entry; repeats do no harm, and none can be taken back.
    pub fn insert(&mut self, revocation: Revocation) {
        let until = revocation.until;
        match revocation.what {
            What::Session(sid) => {
                let ends = self.sessions.entry(sid).or_default();
                ends.all = ends.all.max(Some(until));
            }
            What::Generations(sid, through) => {
                let ends = self.sessions.entry(sid).or_default();
                let (generation, end) = ends.through.unwrap_or((through, until));
                ends.through = Some((generation.max(through), end.max(until)));
            }
            What::Key(kid) => {
                let end = self.keys.entry(kid).or_insert(until);
                *end = until.max(*end);
            }
        }
    }

    /// Says that at `at`, in seconds since 1970, the set was complete.
    pub fn heard(&mut self, at: i64) {
        self.heard = self.heard.max(Some(at));
    }

    /// For how many seconds nothing has been heard; `None` if nothing ever was.
    pub fn stale_for(&self, now: i64) -> Option<u64> {
        let since = |heard| u64::try_from(now.saturating_sub(heard)).unwrap_or(0);
        self.heard.map(since)
    }

    /// Whether a token with these claims, signed by the key `kid`, is still good at `now`, in seconds since 1970.
    ///
    /// A token without `sid` belongs to no session that could be revoked; one without `gen` is refused with every
    /// generation of its session.
    ///
    /// # Errors
    /// [`VerifyError::Revoked`], or [`VerifyError::RevocationsStale`] where [`WhenStale`] says so.
    pub fn check(&self, kid: &str, claims: &Claims, now: i64) -> Result<(), VerifyError> {
        self.check_revoked(kid, claims, now)?;
        self.check_stale(now)
    }

    pub(crate) fn check_revoked(
        &self,
        kid: &str,
        claims: &Claims,
        now: i64,
    ) -> Result<(), VerifyError> {
        let session = claims.sid.as_deref().and_then(|sid| self.sessions.get(sid));
        let ended = session.is_some_and(|ends| ends.refuse(claims.generation, now));
        if ended || self.is_key_revoked(kid, now) {
            return Err(VerifyError::Revoked);
        }
        Ok(())
    }

    pub(crate) fn check_stale(&self, now: i64) -> Result<(), VerifyError> {
        let WhenStale::FailClosed { after } = self.when_stale else {
            return Ok(());
        };
        match self.stale_for(now) {
            Some(seconds) if seconds <= u64::from(after) => Ok(()),
            _ => Err(VerifyError::RevocationsStale),
        }
    }

    /// Whether this key is revoked at `now`, in seconds since 1970.
    pub fn is_key_revoked(&self, kid: &str, now: i64) -> bool {
        self.keys.get(kid).is_some_and(|end| now < *end)
    }

    /// Drops the entries whose end has come by `now`, in seconds since 1970.
    pub fn sweep(&mut self, now: i64) {
        self.keys.retain(|_, end| now < *end);
        self.sessions.retain(|_, ends| {
            ends.all = ends.all.filter(|end| now < *end);
            ends.through = ends.through.filter(|(_, end)| now < *end);
            ends.all.is_some() || ends.through.is_some()
        });
    }

    /// How many sessions and keys are in it.
    pub fn len(&self) -> usize {
        self.sessions.len() + self.keys.len()
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Ends {
    fn refuse(&self, generation: Option<u32>, now: i64) -> bool {
        let all = self.all.is_some_and(|end| now < end);
        let older = |(through, end): (u32, i64)| {
            now < end && generation.is_none_or(|generation| generation <= through)
        };
        all || self.through.is_some_and(older)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn claims(sid: Option<&str>, generation: Option<u32>) -> Claims {
        let mut claims: Claims = serde_json::from_str(
            r#"{"iss":"i","sub":"s","aud":"a","client_id":"c","exp":1,"iat":1,"jti":"j"}"#,
        )
        .unwrap();
        claims.sid = sid.map(Into::into);
        claims.generation = generation;
        claims
    }

    fn set(entries: impl IntoIterator<Item = Revocation>) -> Revocations {
        let mut set = Revocations::default();
        for entry in entries {
            set.insert(entry);
        }
        set
    }

    fn good(set: &Revocations, sid: &str, generation: u32) -> bool {
        set.check("k", &claims(Some(sid), Some(generation)), NOW)
            .is_ok()
    }

    #[test]
    fn a_session_is_refused_until_its_end() {
        let set = set([Revocation::session("a", NOW + 5)]);
        let at = |now| set.check("k", &claims(Some("a"), None), now);
        assert_eq!(at(NOW), Err(VerifyError::Revoked));
        assert_eq!(at(NOW + 4), Err(VerifyError::Revoked));
        assert_eq!(at(NOW + 5), Ok(()));
        assert!(good(&set, "b", 0) && good(&set, "A", 0) && good(&set, "", 0));
        assert_eq!(set.check("k", &claims(None, None), NOW), Ok(()));
    }

    #[test]
    fn generations_are_refused_up_to_theirs() {
        let set = set([Revocation::generations("a", 7, NOW + 5)]);
        assert!(!good(&set, "a", 0) && !good(&set, "a", 7) && good(&set, "a", 8));
        assert_eq!(
            set.check("k", &claims(Some("a"), None), NOW),
            Err(VerifyError::Revoked)
        );
    }

    #[test]
    fn a_key_is_refused_with_all_it_signed() {
        let set = set([Revocation::key("k", NOW + 5)]);
        assert!(!good(&set, "a", 0));
        assert_eq!(set.check("other", &claims(None, None), NOW), Ok(()));
        assert_eq!(set.check("k", &claims(None, None), NOW + 5), Ok(()));
    }

    #[test]
    fn the_end_of_one_entry_does_not_end_another() {
        let mut set = set([
            Revocation::session("a", NOW + 5),
            Revocation::session("a", NOW + 1),
            Revocation::generations("a", 9, NOW + 9),
            Revocation::generations("a", 3, NOW + 2),
            Revocation::key("k", NOW + 5),
            Revocation::key("k", NOW + 1),
        ]);
        let at = |set: &Revocations, now| {
            [Some(9), Some(10)].map(|generation| {
                set.check("other", &claims(Some("a"), generation), now)
                    .is_ok()
            })
        };
        assert_eq!(at(&set, NOW + 4), [false, false]);
        assert_eq!(at(&set, NOW + 5), [false, true]);
        assert!(set.is_key_revoked("k", NOW + 4));
        set.sweep(NOW + 5);
        assert_eq!((set.len(), at(&set, NOW + 4)), (1, [false, true]));
        set.sweep(NOW + 9);
        assert!(set.is_empty());
    }

    #[test]
    fn staleness_is_what_the_policy_makes_of_it() {
        let closed = || Revocations::new(WhenStale::FailClosed { after: 10 });
        let check = |set: &Revocations, now| set.check("k", &claims(None, None), now);
        assert_eq!(check(&closed(), NOW), Err(VerifyError::RevocationsStale));
        let mut set = closed();
        set.heard(NOW);
        set.heard(NOW - 60);
        assert_eq!(check(&set, NOW + 10), Ok(()));
        assert_eq!(check(&set, NOW + 11), Err(VerifyError::RevocationsStale));
        assert_eq!(check(&set, NOW - 1), Ok(()));
        assert_eq!(check(&Revocations::default(), NOW), Ok(()));
        set.insert(Revocation::key("k", i64::MAX));
        assert_eq!(check(&set, NOW + 11), Err(VerifyError::Revoked));
    }

    fn entry() -> impl Strategy<Value = Revocation> {
        let name = prop::sample::select(vec!["a", "b"]);
        let until = 0..20_i64;
        prop_oneof![
            (name.clone(), until.clone()).prop_map(|(sid, end)| Revocation::session(sid, end)),
            (name.clone(), 0..5_u32, until.clone())
                .prop_map(|(sid, through, end)| Revocation::generations(sid, through, end)),
            (name, until).prop_map(|(kid, end)| Revocation::key(kid, end)),
        ]
    }

    fn refuses(entry: &Revocation, kid: &str, sid: &str, generation: u32) -> bool {
        match &entry.what {
            What::Session(ended) => ended == sid,
            What::Generations(of, through) => of == sid && generation <= *through,
            What::Key(revoked) => revoked == kid,
        }
    }

    proptest! {
        /// Whatever the order, the repeats and the sweeps between: what an entry refuses stays refused until its end.
        #[test]
        fn nothing_revoked_gets_through(entries in prop::collection::vec((entry(), 0..20_i64), 0..12), now in 0..20_i64, generation in 0..6_u32) {
            let mut set = Revocations::default();
            for (entry, swept) in &entries {
                set.insert(entry.clone());
                set.sweep(now.min(*swept));
            }
            for (kid, sid) in [("a", "a"), ("a", "b"), ("b", "a"), ("c", "c")] {
                let refused = set.check(kid, &claims(Some(sid), Some(generation)), now).is_err();
                let must = entries.iter().any(|(entry, _)| now < entry.until && refuses(entry, kid, sid, generation));
                prop_assert!(refused || !must);
                let may = entries.iter().any(|(entry, _)| refuses(entry, kid, sid, generation));
                prop_assert!(may || !refused);
            }
        }
    }
}
