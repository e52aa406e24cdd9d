//! The rule on trial: core's own decision and its effect on the row, or a mutant that is wrong in one case.

use std::time::Duration;

use relatch_core::{
    Timestamp,
    session::{
        Generation, Life, Policy,
        refresh::{self, Durability, Presented, Turn, decide},
    },
};

/// What is run.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// What core ships.
    Shipped,
    /// Another turn in one case, the right one in all others.
    WrongTurn(fn(&Case) -> Option<Turn>),
    /// The right turn, and something else done to the row.
    WrongRow(fn(&Life, &Turn, Timestamp) -> Option<Life>),
    /// The right turn, and a promise that differs in one case.
    WrongPromise(fn(&Life, &Turn, &Policy, Timestamp) -> Option<Durability>),
}

/// One call of the decision, and what is right.
pub struct Case<'a> {
    pub life: &'a Life,
    pub shown: Presented,
    pub policy: &'a Policy,
    pub now: Timestamp,
    pub right: Turn,
}

impl Rule {
    pub fn decide(&self, life: &Life, shown: Presented, policy: &Policy, now: Timestamp) -> Turn {
        let right = decide(life, &shown, policy, now);
        let Self::WrongTurn(wrong) = self else {
            return right;
        };
        let case = Case {
            life,
            shown,
            policy,
            now,
            right,
        };
        wrong(&case).unwrap_or(right)
    }

    pub fn after(&self, life: &Life, turn: &Turn, now: Timestamp) -> Option<Life> {
        match self {
            Self::WrongRow(after) => after(life, turn, now),
            Self::Shipped | Self::WrongTurn(_) | Self::WrongPromise(_) => life.after(turn, now),
        }
    }

    pub fn durability(
        &self,
        life: &Life,
        turn: &Turn,
        policy: &Policy,
        now: Timestamp,
    ) -> Durability {
        let right = refresh::durability(life, turn, policy, now);
        match self {
            Self::WrongPromise(wrong) => wrong(life, turn, policy, now).unwrap_or(right),
            Self::Shipped | Self::WrongTurn(_) | Self::WrongRow(_) => right,
        }
    }
}

impl Case<'_> {
    /// The row had forgotten a rotation.
    pub fn lags(&self) -> bool {
        matches!(self.right, Turn::Rotate { lagged: true, .. })
    }

    pub fn is_retry(&self) -> bool {
        matches!(self.right, Turn::Retry { .. })
    }

    /// The session has to end here.
    pub fn is_end(&self) -> bool {
        matches!(self.right, Turn::End(_))
    }

    pub fn is_unproven(&self) -> bool {
        matches!(self.right, Turn::Unproven(_))
    }

    /// The token was spent at some time.
    pub fn is_spent(&self) -> bool {
        self.shown.generation < self.life.generation
    }

    /// The token is the one before the newest.
    pub fn is_before(&self) -> bool {
        self.shown.generation.next() == Some(self.life.generation)
    }

    pub fn in_window(&self) -> bool {
        self.now.since(self.life.rotated_at) < self.policy.retry_window
    }

    /// The idle end were the grace another.
    pub fn over_with_grace(&self, idle_grace: Duration) -> Option<Turn> {
        let policy = Policy {
            idle_grace,
            ..self.policy.clone()
        };
        self.life.over(&policy, self.now).map(Turn::Over)
    }

    /// The row's newest token once more.
    pub fn newest(&self) -> Turn {
        retry(self.life.generation)
    }
}

/// A retry that gets this generation.
pub fn retry(of: Generation) -> Turn {
    Turn::Retry { of, late: true }
}

/// A rotation to so many generations past this one.
pub fn rotate(from: Generation, steps: u32) -> Turn {
    Turn::Rotate {
        to: Generation(from.0 + steps),
        lagged: false,
    }
}
