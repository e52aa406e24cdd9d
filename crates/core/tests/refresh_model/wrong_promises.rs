//! Right turns that are promised to last although a crash may forget them, or that last too short.

use relatch_core::{
    Timestamp,
    session::{
        Life, Policy,
        refresh::{
            Durability::{self, Healing},
            Turn,
        },
    },
};

use super::{
    mutants::Mutant,
    properties::{ONE, THREE_BEARER},
    rule::Rule::WrongPromise,
    scenario::Scenario,
};

/// All of them.
pub fn all() -> Vec<Mutant> {
    vec![
        (
            "a rotation after a long pause is healing",
            WrongPromise(any_rotation_heals),
            Scenario::bound_idle,
            ONE,
        ),
        (
            "a pause as long as the grace is short",
            WrongPromise(half_a_grace_too_much),
            Scenario::bearer_idle,
            ONE,
        ),
        (
            "an end is healing",
            WrongPromise(end_heals),
            Scenario::bearer_thief,
            THREE_BEARER,
        ),
    ]
}

/// What held before there was a grace.
pub fn any_rotation_heals(_: &Life, turn: &Turn, _: &Policy, _: Timestamp) -> Option<Durability> {
    matches!(turn, Turn::Rotate { .. }).then_some(Healing)
}

fn half_a_grace_too_much(
    life: &Life,
    turn: &Turn,
    policy: &Policy,
    now: Timestamp,
) -> Option<Durability> {
    let short_pause = now.since(life.rotated_at) <= policy.idle_grace;
    (matches!(turn, Turn::Rotate { .. }) && short_pause).then_some(Healing)
}

fn end_heals(_: &Life, turn: &Turn, _: &Policy, _: Timestamp) -> Option<Durability> {
    matches!(turn, Turn::End(_)).then_some(Healing)
}
