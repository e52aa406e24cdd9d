//! The sealer: takes the rows after the newest head, computes their hashes, and signs a new head. Nobody waits for it.
//!
//! Any number of sealers may be at work at once: a head is added only after the one that it goes on from, so that the
//! slower one adds nothing. Rows have their numbers in the order in which they were committed, without gaps, so that none is skipped.

use relatch_verify::Jwk;

use super::{
    Administrator, Event, EventKind, EventQuery, KEY_TAKEN,
    chain::{LINK, Record},
    head::{Point, SignedHead},
    store::{Appended, Unsealed},
};
use crate::{Store, StoreError, Timestamp, key::Keyring};

/// How many rows one head covers at most.
pub const BATCH: u32 = 256;

/// What is wrong with the newest head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeadFault {
    /// No key of this server signed it.
    Forged,
    /// It is older than the one that this sealer saw last, or gone.
    CutOff,
}

impl HeadFault {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forged => "forged",
            Self::CutOff => "cut_off",
        }
    }
}

/// What a step did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing waits any more.
    Rests,
    /// A head was added, by this sealer or another; more may wait.
    GoesOn,
    /// The newest head names a key that is not known here: another process may have just made it. Whoever looks for newer
    /// keys and comes again with none is told that the head is [`HeadFault::Forged`].
    Unknown,
    /// Nothing was added: the key that signs was withdrawn, and whoever calls looks for newer keys.
    KeyWithdrawn,
    /// The newest head was not to be believed: that is on record now, and the chain goes on from it.
    Broken(HeadFault),
}

/// One who seals; it remembers what it saw last, so that nobody can take the record back behind its back.
#[derive(Debug, Default)]
pub struct Sealer {
    seen: Option<Point>,
    /// The head whose key was not known.
    doubted: Option<Point>,
    key_taken: Option<String>,
}

impl Sealer {
    /// Seals the rows that wait, at most [`BATCH`] of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn step(
        &mut self,
        store: &dyn Store,
        keys: &Keyring,
        now: Timestamp,
    ) -> Result<Step, StoreError> {
        let mut waiting = store.unsealed(BATCH).await?;
        if let Some(fault) = self.fault(waiting.head.as_ref(), keys) {
            if fault == HeadFault::Forged && self.doubts(waiting.head.as_ref(), keys) {
                return Ok(Step::Unknown);
            }
            let head = waiting.head.map_or(Point::START, |head| head.point);
            self.note(
                store,
                EventKind::SealBroken {
                    head: head.number,
                    fault,
                },
                now,
            )
            .await?;
            self.seen = Some(head);
            return Ok(Step::Broken(fault));
        }
        if self.introduce(store, keys, &waiting, now).await? {
            waiting = store.unsealed(BATCH).await?;
        }
        let from = waiting.head.map_or(Point::START, |head| head.point);
        let Some((point, links)) = extend(from, &waiting.records) else {
            self.seen = Some(from);
            return Ok(Step::Rests);
        };
        let head = SignedHead::sign(point, links, &keys.signing, now);
        let (seen, step) = match store.append_head(from.number, head).await? {
            Appended::Done => (point, Step::GoesOn),
            Appended::NotNext => (from, Step::GoesOn),
            Appended::KeyWithdrawn => (from, Step::KeyWithdrawn),
        };
        self.seen = Some(seen);
        Ok(step)
    }

    /// Believes the newest head if these keys vouch for it, and seals nothing: for whoever has just withdrawn one of them,
    /// with which another process may have sealed a moment before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn believe(&mut self, store: &dyn Store, keys: &Keyring) -> Result<(), StoreError> {
        let head = store.unsealed(0).await?.head;
        if self.fault(head.as_ref(), keys).is_none() {
            self.seen = head.map(|head| head.point);
        }
        Ok(())
    }

    /// Seals all that waits, as far as these keys can, and says what was wrong with the record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn catch_up(
        &mut self,
        store: &dyn Store,
        keys: &Keyring,
        now: Timestamp,
    ) -> Result<Option<HeadFault>, StoreError> {
        let mut fault = None;
        loop {
            match self.step(store, keys, now).await? {
                Step::Rests | Step::KeyWithdrawn => return Ok(fault),
                Step::GoesOn | Step::Unknown => {}
                Step::Broken(found) => fault = fault.or(Some(found)),
            }
        }
    }

    /// What keeps the newest head from being gone on from. One that this sealer signed or saw is good whatever became of
    /// the key since.
    fn fault(&self, head: Option<&SignedHead>, keys: &Keyring) -> Option<HeadFault> {
        let seen = self.seen.unwrap_or(Point::START);
        let Some(head) = head else {
            return (seen != Point::START).then_some(HeadFault::CutOff);
        };
        if head.point == seen {
            return None;
        }
        if head.point.number < seen.number {
            return Some(HeadFault::CutOff);
        }
        let key = keys.published.find(&head.kid);
        let good = head.point.number > seen.number && key.is_some_and(|key| head.is_signed_by(key));
        (!good).then_some(HeadFault::Forged)
    }

    /// Whether a head that is not to be believed may be one of a key that is newer than these: so it is once.
    fn doubts(&mut self, head: Option<&SignedHead>, keys: &Keyring) -> bool {
        let unknown = head.filter(|head| keys.published.find(&head.kid).is_none());
        let point = unknown.map(|head| head.point);
        let first = point.is_some() && self.doubted != point;
        self.doubted = point;
        first
    }

    /// Puts on record what heads are signed with, before the first that is; whether anything was added.
    async fn introduce(
        &mut self,
        store: &dyn Store,
        keys: &Keyring,
        waiting: &Unsealed,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let kid = keys.signing.kid();
        let known = waiting.head.as_ref().is_some_and(|head| head.kid == kid);
        if known || self.key_taken.as_deref() == Some(kid) {
            return Ok(false);
        }
        if waiting.head.is_none() {
            let earlier = waiting.last;
            self.note(store, EventKind::SealingBegan { earlier }, now)
                .await?;
        }
        if let Some(jwk) = keys.published.find(kid) {
            let jwk = serde_json::to_value(jwk).unwrap_or_default();
            self.note(store, EventKind::SealingKeyTaken { jwk }, now)
                .await?;
        }
        self.key_taken = Some(kid.to_owned());
        Ok(true)
    }

    async fn note(
        &self,
        store: &dyn Store,
        kind: EventKind,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        store.append_event(Event::of_store(kind, now)).await
    }
}

/// Where the record stands after these rows, and the links of all but the last; nothing without rows.
fn extend(from: Point, records: &[Record]) -> Option<(Point, Vec<u8>)> {
    let (mut hash, mut links) = (from.hash, Vec::new());
    for record in records {
        hash = hash.then(record);
        links.extend(hash.link());
    }
    let number = records.last()?.number;
    links.truncate(links.len() - LINK);
    Some((Point { number, hash }, links))
}

/// Every key that the record says heads were signed with.
///
/// # Errors
/// [`StoreError`].
pub async fn keys_taken(store: &dyn Store) -> Result<Vec<Jwk>, StoreError> {
    let (mut keys, mut before) = (Vec::new(), None);
    loop {
        let query = EventQuery {
            name: Some(KEY_TAKEN.to_owned()),
            before,
            limit: 100,
            ..EventQuery::default()
        };
        let rows = store.search_events(query).await?;
        let Some(last) = rows.last() else {
            return Ok(keys);
        };
        before = Some(last.number);
        let jwks = rows
            .iter()
            .filter_map(|row| row.detail.as_ref()?.get("jwk"));
        keys.extend(jwks.filter_map(|jwk| serde_json::from_value(jwk.clone()).ok()));
    }
}

/// What the server says of itself.
pub fn of_server(kind: EventKind, now: Timestamp) -> Event {
    Administrator::server(now).event_of_store(|_| kind)
}
