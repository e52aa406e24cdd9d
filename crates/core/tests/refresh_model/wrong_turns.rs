//! Wrong turns, each in one case of the decision.

use std::time::Duration;

use relatch_core::session::{
    EndReason, Ended,
    refresh::{Possession, Presented, Turn, decide},
};

use super::{
    mutants::Mutant,
    properties::{ONE, THREE_BEARER, THREE_BOUND, TWO},
    rule::{Case, Rule::WrongTurn, retry, rotate},
    scenario::Scenario,
};

const REUSE: Turn = Turn::End(EndReason::Reuse);

/// The token is newer than the row, or the row's newest.
pub fn of_lag() -> Vec<Mutant> {
    vec![
        (
            "a lag is reuse",
            WrongTurn(|case| case.lags().then_some(REUSE)),
            Scenario::bound_alone,
            ONE,
        ),
        (
            "a lag is refused",
            WrongTurn(|case| case.lags().then_some(Turn::Unproven(case.shown.possession))),
            Scenario::bearer_alone,
            ONE,
        ),
        (
            "a lag is answered with the row's token",
            WrongTurn(|case| case.lags().then(|| case.newest())),
            Scenario::bearer_alone,
            TWO,
        ),
        (
            "a lag is healed by one step only",
            WrongTurn(|case| case.lags().then(|| rotate(case.life.generation, 1))),
            Scenario::bearer_alone,
            TWO,
        ),
        (
            "a lag is healed by a step too many",
            WrongTurn(|case| case.lags().then(|| rotate(case.shown.generation, 2))),
            Scenario::bound_alone,
            TWO,
        ),
        (
            "the newest token is answered with itself",
            WrongTurn(|case| {
                (case.shown.generation == case.life.generation).then(|| case.newest())
            }),
            Scenario::bearer_alone,
            TWO,
        ),
    ]
}

/// The token is spent and forgiven.
pub fn of_retry() -> Vec<Mutant> {
    vec![
        (
            "a retry rotates",
            WrongTurn(|case| case.is_retry().then(|| rotate(case.life.generation, 1))),
            Scenario::bearer_alone,
            TWO,
        ),
        (
            "a retry gets the successor of what it shows",
            WrongTurn(|case| {
                (case.is_retry())
                    .then(|| case.shown.generation.next().map(retry))
                    .flatten()
            }),
            Scenario::bound_alone,
            TWO,
        ),
        (
            "a retry gets what it shows",
            WrongTurn(|case| case.is_retry().then(|| retry(case.shown.generation))),
            Scenario::bearer_alone,
            TWO,
        ),
        (
            "a retry is reuse",
            WrongTurn(|case| case.is_retry().then_some(REUSE)),
            Scenario::bearer_alone,
            ONE,
        ),
        (
            "a bound session is punished like a bearer one",
            WrongTurn(|case| {
                (case.is_retry() && !(case.is_before() && case.in_window())).then_some(REUSE)
            }),
            Scenario::bound_alone,
            ONE,
        ),
    ]
}

/// The token is the one before the newest.
pub fn of_window() -> Vec<Mutant> {
    vec![
        (
            "the window never ends",
            WrongTurn(|case| (case.is_end() && case.is_before()).then(|| case.newest())),
            Scenario::bearer_thief,
            THREE_BEARER,
        ),
        (
            "the window is a moment too long",
            WrongTurn(|case| {
                (case.is_end()
                    && case.is_before()
                    && case.now == case.life.rotated_at.plus(case.policy.retry_window))
                .then(|| case.newest())
            }),
            Scenario::bearer_thief,
            THREE_BEARER,
        ),
        (
            "the window is compared the wrong way",
            WrongTurn(|case| {
                (case.is_before() && !case.life.bound).then(|| {
                    if case.in_window() {
                        REUSE
                    } else {
                        case.newest()
                    }
                })
            }),
            Scenario::bearer_alone,
            ONE,
        ),
        (
            "a request older than the rotation is late",
            WrongTurn(|case| {
                (case.is_retry() && !case.life.bound && case.now < case.life.rotated_at)
                    .then_some(REUSE)
            }),
            Scenario::bearer_alone,
            ONE,
        ),
        (
            "the window forgives any spent token",
            WrongTurn(|case| (case.is_end() && case.in_window()).then(|| case.newest())),
            Scenario::bearer_thief,
            THREE_BEARER,
        ),
    ]
}

/// The session has to end, or has ended.
pub fn of_reuse() -> Vec<Mutant> {
    vec![
        (
            "reuse is ignored",
            WrongTurn(|case| case.is_end().then(|| case.newest())),
            Scenario::bearer_thief,
            THREE_BEARER,
        ),
        (
            "reuse is refused and ends nothing",
            WrongTurn(|case| {
                case.is_end().then_some(Turn::Over(Ended {
                    reason: EndReason::Reuse,
                    at: case.now,
                }))
            }),
            Scenario::bearer_thief,
            THREE_BEARER,
        ),
        (
            "an ended session answers",
            WrongTurn(|case| (case.life.ended.is_some() && case.is_spent()).then(|| case.newest())),
            Scenario::bearer_thief,
            THREE_BEARER,
        ),
    ]
}

/// The session has been idle for as long as it is told.
pub fn of_idle() -> Vec<Mutant> {
    vec![
        (
            "the idle end is enforced when it is told",
            WrongTurn(|case| case.over_with_grace(Duration::ZERO)),
            Scenario::bound_idle,
            ONE,
        ),
        (
            "the grace is half of what it has to be",
            WrongTurn(|case| case.over_with_grace(case.policy.idle_grace / 2)),
            Scenario::bearer_idle,
            ONE,
        ),
    ]
}

/// The session is bound and the key was not shown.
pub fn of_possession() -> Vec<Mutant> {
    vec![
        (
            "a bound session needs no proof",
            WrongTurn(|case| case.is_unproven().then(|| with_proof(case))),
            Scenario::bound_thief,
            THREE_BOUND,
        ),
        (
            "a wrong proof is as good as a right one",
            WrongTurn(|case| {
                (case.right == Turn::Unproven(Possession::Refused)).then(|| with_proof(case))
            }),
            Scenario::bound_thief,
            THREE_BOUND,
        ),
        (
            "a spent token is looked at before its proof",
            WrongTurn(|case| (case.is_unproven() && case.is_spent()).then(|| case.newest())),
            Scenario::bound_thief,
            THREE_BOUND,
        ),
        (
            "a missing proof ends the session",
            WrongTurn(|case| (case.right == Turn::Unproven(Possession::NotShown)).then_some(REUSE)),
            Scenario::bound_thief,
            THREE_BOUND,
        ),
        (
            "a spent token without proof ends the session",
            WrongTurn(|case| {
                (case.right == Turn::Unproven(Possession::NotShown) && case.is_spent())
                    .then_some(REUSE)
            }),
            Scenario::bound_thief,
            THREE_BOUND,
        ),
    ]
}

fn with_proof(case: &Case) -> Turn {
    let proven = Presented {
        possession: Possession::Proven,
        ..case.shown
    };
    decide(case.life, &proven, case.policy, case.now)
}
