//! How far the exploration goes.

use std::fmt;

/// How far the exploration goes. Copies, messages in flight and nodes are not bounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// The newest generation that may be issued; at most 6.
    pub generations: u8,
    /// When the clock stops.
    pub ticks: u8,
    /// The retry window in ticks.
    pub window: u8,
    /// How many ticks may pass between a request's arrival, when its `now` is taken, and the decision.
    pub wait: u8,
    /// How many crashes there may be that forget at least one rotation.
    pub crashes: u8,
    /// When sessions are idle; without it they never are while the clock runs.
    pub idle: Option<Idle>,
}

/// The idle lifetime as it is told, and how much later it is enforced; in ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Idle {
    pub told: u8,
    pub grace: u8,
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            generations,
            ticks,
            window,
            wait,
            crashes,
            idle,
        } = self;
        write!(
            f,
            "generations {generations}, ticks {ticks}, window {window}, "
        )?;
        write!(f, "wait {wait}, crashes {crashes}")?;
        idle.map_or(Ok(()), |Idle { told, grace }| {
            write!(f, ", idle {told} and grace {grace}")
        })
    }
}

impl Bounds {
    /// Seconds in the dev profile.
    pub const SMALL: Self = Self {
        generations: 3,
        ticks: 4,
        window: 2,
        wait: 1,
        crashes: 1,
        idle: None,
    };
    /// The same for a thief with the key, who may do most.
    pub const SMALL_WITH_KEY: Self = Self {
        ticks: 1,
        ..Self::SMALL
    };

    /// Minutes in release, without a thief.
    pub const ALONE: Self = Self {
        generations: 6,
        ticks: 6,
        window: 2,
        wait: 3,
        crashes: 3,
        idle: None,
    };

    /// The same where sessions are idle; a request waits for as long as it may.
    pub const IDLE: Self = Self {
        generations: 5,
        ticks: 10,
        wait: 4,
        idle: Some(Idle { told: 4, grace: 4 }),
        ..Self::ALONE
    };

    /// The same with a thief.
    pub const STOLEN: Self = Self {
        generations: 4,
        ticks: 5,
        wait: 2,
        crashes: 2,
        ..Self::ALONE
    };

    /// The same with a thief who has the key.
    pub const STOLEN_WITH_KEY: Self = Self {
        generations: 3,
        ticks: 2,
        ..Self::STOLEN
    };
}
