//! Schedules worth knowing, step by step: how far property 3 of a bearer session goes, and no further.

use relatch_core::session::refresh::Possession;
use stateright::Model;

use super::{
    bounds::Bounds,
    line::Serial,
    model::{Request, Step},
    party::Who,
    scenario::Scenario,
    state::State,
};

#[test]
fn a_thief_who_caught_up_is_seen_when_both_present_the_same_token() {
    let scenario = Scenario::bearer_thief(Bounds::SMALL);
    let caught_up = [
        owner(0, 0),
        Step::Store(Who::Owner, 1),
        Step::Steal(0),
        thief(0, 0),
        Step::Store(Who::Thief, 1),
        Step::Tick,
        Step::Tick,
        owner(1, 2),
    ];
    let state = play(&scenario, &caught_up);
    assert_eq!(state.row.ended, None, "both presented, the second late");
    let state = go_on(&scenario, state, &[Step::Tick, Step::Tick, thief(1, 4)]);
    assert!(state.row.ended.is_some(), "both presented token 1");
}

#[test]
fn after_a_crash_the_presentations_before_it_do_not_count() {
    let scenario = Scenario::bearer_thief(Bounds::SMALL);
    let forgotten = [
        Step::Steal(0),
        thief(0, 0),
        Step::Store(Who::Thief, 1),
        Step::Crash,
        owner(0, 0),
        Step::Store(Who::Owner, 1),
        Step::Tick,
        Step::Tick,
        thief(1, 2),
    ];
    let state = play(&scenario, &forgotten);
    assert_eq!(state.row.ended, None, "thief, crash, owner, thief");
    let state = go_on(&scenario, state, &[Step::Tick, Step::Tick, owner(1, 4)]);
    assert!(state.row.ended.is_some(), "crash, owner, thief, owner");
}

fn owner(token: Serial, arrived: u8) -> Step {
    present(Who::Owner, token, arrived)
}

fn thief(token: Serial, arrived: u8) -> Step {
    present(Who::Thief, token, arrived)
}

fn present(by: Who, token: Serial, arrived: u8) -> Step {
    Step::Present(Request {
        by,
        token,
        possession: Possession::NotShown,
        arrived,
    })
}

fn play(scenario: &Scenario, steps: &[Step]) -> State {
    go_on(scenario, State::begin(scenario), steps)
}

/// Every step must be one that the model would take.
fn go_on(scenario: &Scenario, from: State, steps: &[Step]) -> State {
    steps.iter().fold(from, |state, step| {
        let mut possible = Vec::new();
        scenario.actions(&state, &mut possible);
        assert!(possible.contains(step), "not possible: {step:?}");
        scenario
            .next_state(&state, step.clone())
            .expect("a step that changes something")
    })
}
