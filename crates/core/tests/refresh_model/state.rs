//! One moment of the model.

use relatch_core::session::{Generation, Life};

use super::{
    line::{Line, ROOM, Serial},
    party::{Party, Who},
    scenario::{Scenario, instant},
    watch::Watch,
};

/// The newest token on the branch of history that stands, by the model's own record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Newest {
    pub token: Serial,
    /// The `now` of the request that minted it.
    pub at: u8,
}

/// Later than every tick: the disk lacks nothing.
const NOTHING: u8 = u8::MAX;

/// What has gone wrong; the properties say that nothing has.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each property")]
pub struct Faults {
    /// The owner was refused, or the session ended, though property 1 says no.
    pub harmed: bool,
    /// A second newest token, or an answer that was not the newest.
    pub forked: bool,
    /// A thief without the key got or changed something.
    pub looted: bool,
    /// Both presented and the session lives, or it was over and answered.
    pub unseen: bool,
}

/// Everything at one moment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    pub now: u8,
    /// The row as the database answers it.
    pub row: Life,
    /// The row as a crash would leave it.
    pub disk: Life,
    pub crashes_left: u8,
    pub owner: Party,
    pub thief: Option<Party>,
    pub line: Line,
    pub newest: Newest,
    pub newest_on_disk: Newest,
    /// When each token was spent, until somebody steals one.
    pub spent_at: [u8; ROOM],
    /// From when the idle end counts that the owner was told, where sessions can be idle: the newest rotation ever
    /// answered, though a crash forgot it.
    pub told_from: u8,
    /// The oldest rotation that the disk lacks, where sessions can be idle.
    pub unwritten_since: u8,
    pub watch: Watch,
    pub faults: Faults,
}

impl State {
    /// Just logged in, durably.
    pub fn begin(scenario: &Scenario) -> Self {
        let row = Life {
            generation: Generation(0),
            rotated_at: instant(0),
            expires_at: instant(0).plus(scenario.policy.usual.absolute),
            remember_me: false,
            bound: scenario.bound,
            ended: None,
        };
        let newest = Newest { token: 0, at: 0 };
        Self {
            now: 0,
            disk: row.clone(),
            row,
            crashes_left: scenario.bounds.crashes,
            owner: Party::holding(0, 0),
            thief: None,
            line: Line::begin(),
            newest,
            newest_on_disk: newest,
            spent_at: [0; ROOM],
            told_from: 0,
            unwritten_since: NOTHING,
            watch: Watch::default(),
            faults: Faults::default(),
        }
    }

    pub fn party(&self, who: Who) -> Option<&Party> {
        match who {
            Who::Owner => Some(&self.owner),
            Who::Thief => self.thief.as_ref(),
        }
    }

    pub fn party_mut(&mut self, who: Who) -> Option<&mut Party> {
        match who {
            Who::Owner => Some(&mut self.owner),
            Who::Thief => self.thief.as_mut(),
        }
    }

    pub fn parties(&self) -> impl Iterator<Item = (Who, &Party)> {
        let thief = self.thief.iter().map(|thief| (Who::Thief, thief));
        std::iter::once((Who::Owner, &self.owner)).chain(thief)
    }

    /// The row has forgotten a token that is out.
    pub fn lags(&self) -> bool {
        self.line
            .furthest()
            .is_some_and(|issued| issued > self.row.generation)
    }

    /// The disk has what the database answers.
    pub fn flush(&mut self) {
        self.disk = self.row.clone();
        self.newest_on_disk = self.newest;
        self.unwritten_since = NOTHING;
    }

    /// The database has what the disk has.
    pub fn crash(&mut self) {
        self.row = self.disk.clone();
        self.newest = self.newest_on_disk;
        self.unwritten_since = NOTHING;
        self.crashes_left -= 1;
        self.settle();
    }

    /// Drops what nothing can depend on any more, so that equal futures are equal states.
    pub fn settle(&mut self) {
        if self.crashes_left == 0 {
            self.flush();
        }
    }
}
