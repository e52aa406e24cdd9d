//! What property 3 watches on a bearer session after a theft: who has missed a rotation by the other, and since when.

use super::party::Who;

/// Whether the row has lagged since the theft, so that one pair of presentations may prove nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Lag {
    /// It knew every rotation all the time.
    #[default]
    None,
    /// It lagged, and no pair has been excused since.
    Lagged,
    /// It lagged and a second presentation went unpunished; the third may not.
    Excused,
}

/// The watch itself.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Watch {
    /// When the other rotated first since the owner was last answered.
    pub owner_behind: Option<u8>,
    /// The same for the thief.
    pub thief_behind: Option<u8>,
    pub lag: Lag,
}

/// A presentation as the watch sees it.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub by: Who,
    /// It is what the party holds, not a late copy of something older.
    pub held: bool,
    /// The `now` that it carries.
    pub arrived: u8,
    pub answered: bool,
    pub rotated: bool,
}

impl Watch {
    /// The row has lost rotations.
    pub fn lag(&mut self) {
        self.lag = Lag::Lagged;
    }

    /// Presentations are counted anew.
    pub fn count_anew(&mut self) {
        self.owner_behind = None;
        self.thief_behind = None;
    }

    /// Whether this presentation had to end the session: one party presents what the other has rotated past, and the
    /// window for catching up is over. `window` is `None` to demand the end even within it.
    pub fn demands_end(&self, seen: Seen, window: Option<u8>) -> bool {
        let behind = match seen.by {
            Who::Owner => self.owner_behind,
            Who::Thief => self.thief_behind,
        };
        self.counts(seen)
            && behind.is_some_and(|since| window.is_none_or(|ticks| seen.arrived >= since + ticks))
    }

    /// Lets one such presentation pass after the row has lagged; whether it may.
    pub fn excuse(&mut self) -> bool {
        let may = self.lag == Lag::Lagged;
        if may {
            self.lag = Lag::Excused;
        }
        may
    }

    /// Who is answered has caught up; who rotates leaves the other behind.
    pub fn note(&mut self, seen: Seen) {
        let counts = self.counts(seen);
        let (own, other) = match seen.by {
            Who::Owner => (&mut self.owner_behind, &mut self.thief_behind),
            Who::Thief => (&mut self.thief_behind, &mut self.owner_behind),
        };
        if seen.answered {
            *own = None;
        }
        if seen.rotated && counts {
            other.get_or_insert(seen.arrived);
        }
    }

    /// While the row has known everything, every copy counts; after that only what a party holds.
    fn counts(&self, seen: Seen) -> bool {
        seen.held || self.lag == Lag::None
    }
}
