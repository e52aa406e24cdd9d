//! Right turns that do the wrong thing to the row.

use relatch_core::{
    Timestamp,
    session::{Generation, Life, refresh::Turn},
};

use super::{
    mutants::Mutant,
    properties::{ONE, THREE_BEARER, TWO},
    rule::Rule::WrongRow,
    scenario::Scenario,
};

/// All of them.
pub fn all() -> Vec<Mutant> {
    vec![
        (
            "a retry opens the window anew",
            WrongRow(retry_moves_window),
            Scenario::bearer_thief,
            THREE_BEARER,
        ),
        (
            "a rotation opens no window",
            WrongRow(rotation_opens_no_window),
            Scenario::bearer_alone,
            ONE,
        ),
        (
            "a rotation is answered and not kept",
            WrongRow(rotation_not_kept),
            Scenario::bearer_alone,
            TWO,
        ),
        (
            "a lagging row moves on by one",
            WrongRow(lag_by_one),
            Scenario::bearer_alone,
            TWO,
        ),
        (
            "an end is announced and not kept",
            WrongRow(end_not_kept),
            Scenario::bearer_thief,
            THREE_BEARER,
        ),
    ]
}

fn retry_moves_window(life: &Life, turn: &Turn, now: Timestamp) -> Option<Life> {
    let moved = Life {
        rotated_at: now,
        ..life.clone()
    };
    match turn {
        Turn::Retry { .. } => Some(moved),
        _ => life.after(turn, now),
    }
}

fn rotation_opens_no_window(life: &Life, turn: &Turn, now: Timestamp) -> Option<Life> {
    let rotated_at = life.rotated_at;
    life.after(turn, now).map(|after| Life {
        rotated_at,
        ..after
    })
}

fn rotation_not_kept(life: &Life, turn: &Turn, now: Timestamp) -> Option<Life> {
    life.after(turn, now)
        .filter(|after| after.generation == life.generation)
}

fn lag_by_one(life: &Life, turn: &Turn, now: Timestamp) -> Option<Life> {
    let generation = match turn {
        Turn::Rotate { .. } => Generation(life.generation.0 + 1),
        _ => life.generation,
    };
    life.after(turn, now).map(|after| Life {
        generation,
        ..after
    })
}

fn end_not_kept(life: &Life, turn: &Turn, now: Timestamp) -> Option<Life> {
    life.after(turn, now).filter(|after| after.ended.is_none())
}
