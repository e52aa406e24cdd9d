//! The three properties of the rotation, and what must be reachable for them to mean anything.
//!
//! 1. Within its lifetimes, an owner who does not show a wrong key is answered, and the session does not end. Its idle
//!    lifetime counts as the owner was told, without the grace, from the newest rotation ever answered, even if a crash
//!    forgot that one. This is claimed of a bearer session without a thief, and of a bound session in every case.
//! 2. At every moment one token is the newest, and everybody who is answered gets that one.
//! 3. Of a *bound* session: a thief without the key gets nothing and changes nothing. Of a *bearer* session: whoever
//!    missed a rotation by the other since it was last answered, and presents at least a window after the first such
//!    rotation, ends the session; a session that ended stays so. Whoever copies a spent token has missed what spent it.
//!
//!    Presentations are counted since the last crash after the theft. Once the row has lagged, after the theft or at
//!    it, only what a party holds counts and not late copies of something older, and one presentation that had to end
//!    the session may be answered instead: it takes one, the other, and the first again.
//!
//! Each as far as [`super::scenario::Provisos`] says.

use relatch_core::session::EndReason;
use stateright::Property;

use super::{
    scenario::{Scenario, instant},
    state::State,
};

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
            scenario.bounds.idle.is_some(),
            Property::sometimes("reached: a rotation after a long pause", long_pause),
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

fn long_pause(scenario: &Scenario, state: &State) -> bool {
    let pause = state.row.rotated_at.since(instant(0));
    state.row.generation.0 == 1 && pause > scenario.policy.idle_grace / 2
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
