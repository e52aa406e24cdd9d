//! Whether the record is the one that was written: the chain computed anew from the rows, and held against the heads.

use std::fmt;

use relatch_verify::{Jwk, KeySet};

use super::{
    chain::{LINK, Record},
    head::{KeptHead, Point, SignedHead},
    seal,
};
use crate::{Store, StoreError};

/// How many rows or heads are read at a time.
const PAGE: u32 = 1_000;

/// Where the record stops being the one that was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Break {
    /// Another row is there than was sealed.
    Changed(i64),
    /// A row is missing while later ones are there.
    Removed(i64),
    /// A row is before the first.
    Inserted(i64),
    /// Rows at the end are missing.
    CutOff {
        /// The first that is.
        first: i64,
        /// How far the record went, as a head says.
        sealed: i64,
    },
    /// A head is not as it was signed.
    HeadForged {
        /// The first row that it covers.
        first: i64,
        /// The last.
        head: i64,
    },
    /// Heads are missing while later ones are there.
    HeadRemoved {
        /// The first row that they covered.
        first: i64,
        /// The last.
        head: i64,
    },
    /// Heads are signed with a key that this server does not have.
    HeadForeign {
        /// The first row that no key of this server vouches for.
        first: i64,
        /// The last row of the newest head.
        head: i64,
        /// The key's name.
        kid: String,
    },
    /// Another record than the one that a head kept elsewhere knows.
    Replaced {
        /// The first row that may differ.
        first: i64,
        /// The last row of the head that was kept.
        head: i64,
    },
}

impl Break {
    /// The first row that cannot be trusted.
    pub fn first(&self) -> i64 {
        match self {
            Self::Changed(first)
            | Self::Removed(first)
            | Self::Inserted(first)
            | Self::CutOff { first, .. }
            | Self::HeadForged { first, .. }
            | Self::HeadRemoved { first, .. }
            | Self::HeadForeign { first, .. }
            | Self::Replaced { first, .. } => *first,
        }
    }

    /// The stable name of the kind.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Changed(_) => "changed",
            Self::Removed(_) => "removed",
            Self::Inserted(_) => "inserted",
            Self::CutOff { .. } => "cut_off",
            Self::HeadForged { .. } => "head_forged",
            Self::HeadRemoved { .. } => "head_removed",
            Self::HeadForeign { .. } => "head_foreign",
            Self::Replaced { .. } => "replaced",
        }
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(row) => write!(
                f,
                "row {row} is not the one that was sealed: it was changed, or another row was put in its place"
            ),
            Self::Removed(row) => write!(f, "row {row} was removed"),
            Self::Inserted(row) => write!(f, "row {row} was inserted before the first row"),
            Self::CutOff { first, sealed } => write!(
                f,
                "the record was cut off: rows {first} to {sealed} were sealed and are not there any more"
            ),
            Self::HeadForged { first, head } => write!(
                f,
                "the head over rows {first} to {head} is not as it was signed: it was changed or forged"
            ),
            Self::HeadRemoved { first, head } => write!(
                f,
                "the head over rows {first} to {head} was removed, and a later one is there"
            ),
            Self::HeadForeign { first, head, kid } => write!(
                f,
                "from row {first} on, up to row {head}, heads are signed with the key {kid}, which is not one of this server's"
            ),
            Self::Replaced { first, head } => write!(
                f,
                "between row {first} and row {head} the record is another one than the head that was kept elsewhere knows"
            ),
        }
    }
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verified {
    /// How many rows are sealed, and as they were then.
    pub sealed: i64,
    /// How many came after the newest head and wait for their seal.
    pub unsealed: i64,
    /// How many heads there are.
    pub heads: u64,
    /// The newest that is good.
    pub newest: Option<SignedHead>,
    /// Where the record stops being the one that was written.
    pub broken: Option<Break>,
}

/// Reads the whole record and holds it against its heads, and against those that were `kept` elsewhere. Of the newest head
/// the key must be one of `own`; those before may have been signed with any that the record names, for the newest vouches for that.
///
/// # Errors
/// [`StoreError`].
pub async fn verify(
    store: &dyn Store,
    own: &KeySet,
    mut kept: Vec<KeptHead>,
) -> Result<Verified, StoreError> {
    kept.sort_by_key(|head| head.point.number);
    let newest = store.unsealed(0).await?.head;
    let mut walk = Walk {
        own,
        last: newest.map_or(0, |head| head.point.number),
        taken: seal::keys_taken(store).await?,
        kept: kept.into_iter().peekable(),
        at: Point::START,
        vouched: 0,
        agreed: 0,
        found: Verified::default(),
    };
    let mut reader = Reader::new(store);
    let mut after = None;
    'heads: loop {
        let heads = store.heads(after, PAGE).await?;
        let Some(last) = heads.last() else { break };
        after = Some(last.point.number);
        for head in heads {
            let records = reader.up_to(head.point.number).await?;
            walk.found.broken = walk.batch(head, &records);
            if walk.found.broken.is_some() {
                break 'heads;
            }
        }
    }
    if walk.found.broken.is_none() {
        walk.end(&mut reader).await?;
    }
    Ok(walk.found)
}

/// Rows in their order, read ahead.
struct Reader<'a> {
    store: &'a dyn Store,
    after: Option<i64>,
    ahead: std::collections::VecDeque<Record>,
    dry: bool,
}

impl<'a> Reader<'a> {
    fn new(store: &'a dyn Store) -> Self {
        Self {
            store,
            after: None,
            ahead: std::collections::VecDeque::new(),
            dry: false,
        }
    }

    /// The next row; read anew at the end, for others may have come meanwhile.
    async fn next(&mut self) -> Result<Option<&Record>, StoreError> {
        if self.ahead.is_empty() && !self.dry {
            self.ahead = self.store.records(self.after, PAGE).await?.into();
            self.after = self.ahead.back().map(|row| row.number).or(self.after);
            self.dry = self.ahead.is_empty();
        }
        Ok(self.ahead.front())
    }

    /// All rows up to that one, and if it is missing the one after it, so that a gap shows.
    async fn up_to(&mut self, number: i64) -> Result<Vec<Record>, StoreError> {
        self.dry = false;
        let mut records = Vec::new();
        while let Some(row) = self.next().await? {
            if row.number > number {
                if records
                    .last()
                    .is_none_or(|last: &Record| last.number < number)
                {
                    records.push(row.clone());
                }
                break;
            }
            records.extend(self.ahead.pop_front());
        }
        Ok(records)
    }
}

struct Walk<'a> {
    own: &'a KeySet,
    /// How far the newest head goes.
    last: i64,
    taken: Vec<Jwk>,
    kept: std::iter::Peekable<std::vec::IntoIter<KeptHead>>,
    at: Point,
    /// The last row that a key of the server's own vouches for.
    vouched: i64,
    /// The last row that a head kept elsewhere agrees with.
    agreed: i64,
    found: Verified,
}

impl Walk<'_> {
    /// Goes on over the rows of one head.
    fn batch(&mut self, head: SignedHead, records: &[Record]) -> Option<Break> {
        let first = self.at.number + 1;
        let own = self.own.find(&head.kid);
        let taken = self.taken.iter().filter(|key| key.kid() == Some(&head.kid));
        let mut keys = own.into_iter().chain(taken);
        let number = head.point.number;
        if !keys.any(|key| head.is_signed_by(key)) {
            return Some(Break::HeadForged {
                first,
                head: number,
            });
        }
        let links = head.links.as_chunks::<LINK>().0.iter().copied();
        let covers = i64::try_from(links.len()).unwrap_or(i64::MAX);
        let begins = number.saturating_sub(covers);
        if begins != first {
            return Some(match begins.checked_sub(1) {
                Some(head) if begins > first => Break::HeadRemoved { first, head },
                _ => Break::HeadForged {
                    first,
                    head: number,
                },
            });
        }
        let expected = (first..=number).zip(links.map(Some).chain([None]));
        let mut records = records.iter();
        for (row, link) in expected {
            if let Some(found) = self.row(row, records.next()) {
                return Some(found);
            }
            let good = link.map_or(self.at.hash == head.point.hash, |link| {
                self.at.hash.link() == link
            });
            if !good {
                return Some(Break::Changed(row));
            }
            if let Some(found) = self.compare() {
                return Some(found);
            }
        }
        if own.is_some() {
            self.vouched = number;
        }
        self.found.heads += 1;
        self.found.sealed = number;
        self.found.newest = Some(head);
        None
    }

    /// Takes the row that must have that number.
    fn row(&mut self, number: i64, record: Option<&Record>) -> Option<Break> {
        let Some(record) = record else {
            let (first, sealed) = (number, self.last);
            return Some(Break::CutOff { first, sealed });
        };
        if record.number < number {
            return Some(Break::Inserted(record.number));
        }
        if record.number > number {
            return Some(Break::Removed(number));
        }
        let hash = self.at.hash.then(record);
        self.at = Point { number, hash };
        None
    }

    /// Holds the row that was taken last against the heads that were kept elsewhere.
    fn compare(&mut self) -> Option<Break> {
        while let Some(kept) = self
            .kept
            .next_if(|kept| kept.point.number <= self.at.number)
        {
            if kept.point != self.at {
                let (first, head) = (self.agreed + 1, kept.point.number);
                return Some(Break::Replaced { first, head });
            }
            self.agreed = self.at.number;
        }
        None
    }

    /// The rows behind the newest head, and what a head that was kept elsewhere knows of them.
    async fn end(&mut self, reader: &mut Reader<'_>) -> Result<(), StoreError> {
        let sealed = self.at.number;
        while let Some(record) = reader.next().await? {
            let record = record.clone();
            reader.ahead.pop_front();
            let number = self.at.number + 1;
            let broken = self.row(number, Some(&record));
            if let Some(broken) = broken.or_else(|| self.compare()) {
                self.found.broken = Some(broken);
                return Ok(());
            }
        }
        self.found.unsealed = self.at.number - sealed;
        self.found.broken = self.kept.next().map(|kept| Break::CutOff {
            first: self.at.number + 1,
            sealed: kept.point.number,
        });
        if let (None, Some(newest)) = (&self.found.broken, &self.found.newest)
            && self.own.find(&newest.kid).is_none()
        {
            self.found.broken = Some(Break::HeadForeign {
                first: self.vouched + 1,
                head: sealed,
                kid: newest.kid.clone(),
            });
        }
        Ok(())
    }
}
