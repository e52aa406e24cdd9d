//! What is explored: who takes part, how far, what is taken for granted, and which decision is on trial.

use std::time::Duration;

use relatch_core::{
    Timestamp,
    session::{Lifetimes, Policy, ReuseScope},
};

use super::{
    bounds::{Bounds, Idle},
    rule::Rule,
};

/// Who stole what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Thief {
    Absent,
    /// One token; on a bound session that is not enough.
    WithToken,
    /// One token, and the key that the session is bound to.
    WithKey,
}

/// What the properties take for granted; each is a switch, and each is needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "switches are what this is")]
pub struct Provisos {
    /// 1, bearer: a spent token comes again only within the retry window of the rotation that spent it.
    pub retry_in_window: bool,
    /// 1, bearer: no copy of a request outlives the owner's next turn.
    pub no_late_copy: bool,
    /// 1, bearer: the owner stores an answer only if it still holds the token it sent.
    pub careful_owner: bool,
    /// 1, bearer: the owner never goes back to a token it held before.
    pub durable_owner: bool,
    /// 1: the disk lags by at most half the grace: no crash forgets a rotation whose request came longer ago.
    pub disk_lag: bool,
    /// 1: a request waits for its turn for at most the grace.
    pub short_wait: bool,
    /// 3, bound: the thief lacks the key.
    pub keyless_thief: bool,
    /// 3, bearer: the second presents after the window.
    pub after_window: bool,
    /// 3, bearer: presentations count anew after a crash since the theft.
    pub counted_anew: bool,
    /// 3, bearer: and then it takes one, the other, and the first again.
    pub third_presentation: bool,
    /// 3, bearer: a row that lagged already at the theft counts like one that a crash threw back since.
    pub lag_before_theft: bool,
}

impl Provisos {
    /// As the properties are stated.
    pub const ALL: Self = Self {
        retry_in_window: true,
        no_late_copy: true,
        careful_owner: true,
        durable_owner: true,
        disk_lag: true,
        short_wait: true,
        keyless_thief: true,
        after_window: true,
        third_presentation: true,
        counted_anew: true,
        lag_before_theft: true,
    };

    /// Of a bound session nothing is taken for granted about copies, answers and the owner.
    pub const OF_BOUND: Self = Self {
        retry_in_window: false,
        no_late_copy: false,
        careful_owner: false,
        durable_owner: false,
        ..Self::ALL
    };
}

/// One exploration.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: &'static str,
    pub bound: bool,
    pub thief: Thief,
    pub bounds: Bounds,
    pub provisos: Provisos,
    pub rule: Rule,
    pub policy: Policy,
}

impl Scenario {
    fn new(name: &'static str, bound: bool, thief: Thief, bounds: Bounds) -> Self {
        Self {
            name,
            bound,
            thief,
            bounds,
            provisos: if bound {
                Provisos::OF_BOUND
            } else {
                Provisos::ALL
            },
            rule: Rule::Shipped,
            policy: policy(bounds),
        }
    }

    pub fn bound_alone(bounds: Bounds) -> Self {
        Self::new("bound_alone", true, Thief::Absent, bounds)
    }

    pub fn bearer_alone(bounds: Bounds) -> Self {
        Self::new("bearer_alone", false, Thief::Absent, bounds)
    }

    pub fn bound_thief(bounds: Bounds) -> Self {
        Self::new("bound_thief", true, Thief::WithToken, bounds)
    }

    pub fn bound_thief_with_key(bounds: Bounds) -> Self {
        Self::new("bound_thief_with_key", true, Thief::WithKey, bounds)
    }

    pub fn bearer_thief(bounds: Bounds) -> Self {
        Self::new("bearer_thief", false, Thief::WithToken, bounds)
    }

    /// A bound session that can run out, and an owner that always comes before the idle end that it was told.
    pub fn bound_idle(bounds: Bounds) -> Self {
        Self::new("bound_idle", true, Thief::Absent, idle(bounds))
    }

    /// The same of a bearer session.
    pub fn bearer_idle(bounds: Bounds) -> Self {
        Self::new("bearer_idle", false, Thief::Absent, idle(bounds))
    }

    /// Every combination; those with a thief are much larger than the others.
    fn all([alone, idle, stolen, stolen_with_key]: [Bounds; 4]) -> Vec<Self> {
        vec![
            Self::bound_alone(alone),
            Self::bearer_alone(alone),
            Self::bound_idle(idle),
            Self::bearer_idle(idle),
            Self::bound_thief(stolen),
            Self::bearer_thief(stolen),
            Self::bound_thief_with_key(stolen_with_key),
        ]
    }

    /// Every combination in seconds.
    pub fn all_small() -> Vec<Self> {
        let small = Bounds::SMALL;
        Self::all([small, small, small, Bounds::SMALL_WITH_KEY])
    }

    /// Every combination, each as far as minutes and 12 GB go.
    pub fn all_large() -> Vec<Self> {
        Self::all([
            Bounds::ALONE,
            Bounds::IDLE,
            Bounds::STOLEN,
            Bounds::STOLEN_WITH_KEY,
        ])
    }

    pub fn with(self, rule: Rule) -> Self {
        Self { rule, ..self }
    }

    /// Switches provisos off.
    pub fn without(mut self, switch: impl FnOnce(&mut Provisos)) -> Self {
        switch(&mut self.provisos);
        self
    }

    /// Whether property 1 speaks of this one: nobody but the owner can turn it.
    pub fn promises_no_harm(&self) -> bool {
        self.bound || self.thief == Thief::Absent
    }

    /// Whether property 3 promises that the thief gets nothing.
    pub fn promises_no_loot(&self) -> bool {
        let keyless = self.thief == Thief::WithToken
            || (self.thief == Thief::WithKey && !self.provisos.keyless_thief);
        self.bound && keyless
    }

    /// Whether property 3 promises that the theft is seen.
    pub fn promises_detection(&self) -> bool {
        !self.bound && self.thief != Thief::Absent
    }
}

/// Bounds that say nothing of idle sessions get the shortest idle lifetime with room for a pause longer than half the
/// grace; the clock runs until a session of which the disk kept no rotation is over.
fn idle(bounds: Bounds) -> Bounds {
    let idle = bounds.idle.unwrap_or(Idle { told: 3, grace: 2 });
    Bounds {
        ticks: bounds.ticks.max(idle.told + idle.grace),
        idle: Some(idle),
        ..bounds
    }
}

/// Ticks are seconds.
pub fn instant(tick: u8) -> Timestamp {
    Timestamp::from_seconds(i64::from(tick))
}

fn policy(bounds: Bounds) -> Policy {
    let long = Duration::from_hours(24);
    let ticks = |ticks: u8| Duration::from_secs(u64::from(ticks));
    let lifetimes = Lifetimes {
        idle: bounds.idle.map_or(long, |idle| ticks(idle.told)),
        absolute: long,
    };
    Policy {
        access: Duration::from_mins(15),
        usual: lifetimes,
        remembered: lifetimes,
        retry_window: ticks(bounds.window),
        on_reuse: ReuseScope::Session,
        max_per_user: 1,
        reauth_within: Duration::ZERO,
        idle_grace: bounds.idle.map_or(long, |idle| ticks(idle.grace)),
        keep_ended: long,
    }
}
