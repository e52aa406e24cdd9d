//! The three properties of the rotation, and what must be reachable for them to mean anything.

use relatch_core::session::EndReason;
use stateright::Property;

use super::{scenario::Scenario, state::State};

pub const ONE: &str = "1: the owner is never refused and the session never ends";
pub const TWO: &str = "2: one token is the newest, and everybody who is answered gets that one";
pub const THREE_BOUND: &str = "3: a thief without the key gets nothing and changes nothing";
/// How the names of what must be seen to happen begin.
pub const REACHED: &str = "reached";
pub const THREE_BEARER: &str = "3: a thief and an owner who both present end the session";

/// What is claimed of a scenario, and what must be seen to happen in it.
pub fn of(scenario: &Scenario) -> Vec<Property<Scenario>> {
    let claims = [
        (
            scenario.promises_no_harm(),
            Property::always(ONE, |_, state: &State| !state.faults.harmed),
        ),
        (true, Property::always(TWO, one_newest)),
        (
            scenario.promises_no_loot(),
            Property::always(THREE_BOUND, |_, state: &State| !state.faults.looted),
        ),
        (
            scenario.promises_detection(),
            Property::always(THREE_BEARER, |_, state: &State| !state.faults.unseen),
        ),
        (
            true,
            Property::sometimes("reached: the last generation", last_generation),
        ),
        (
            scenario.bounds.crashes > 0,
            Property::sometimes("reached: a row that lags", |_, state: &State| state.lags()),
        ),
        (
            scenario.promises_detection(),
            Property::sometimes("reached: reuse", reuse_seen),
        ),
        (
            scenario.promises_detection(),
            Property::sometimes("reached: a thief in step", in_step),
        ),
    ];
    claims
        .into_iter()
        .filter_map(|(applies, property)| applies.then_some(property))
        .collect()
}

fn one_newest(_: &Scenario, state: &State) -> bool {
    !state.faults.forked && state.line.generation(state.newest.token) == state.row.generation
}

fn last_generation(scenario: &Scenario, state: &State) -> bool {
    state.row.generation.0 == u32::from(scenario.bounds.generations)
}

fn reuse_seen(_: &Scenario, state: &State) -> bool {
    state
        .row
        .ended
        .is_some_and(|ended| ended.reason == EndReason::Reuse)
}

fn in_step(_: &Scenario, state: &State) -> bool {
    let newest = state.newest.token;
    let thief = state.thief.as_ref();
    newest > 0 && state.owner.holds == newest && thief.is_some_and(|thief| thief.holds == newest)
}
