//! The idle end and its grace: what held before there was one, and what holds where it is nothing.

use super::{
    bounds::{Bounds, Idle},
    model::Step,
    properties::ONE,
    report::{Report, counterexample, transcript},
    rule::Rule::WrongPromise,
    scenario::Scenario,
    wrong_promises::any_rotation_heals,
};

const NO_GRACE: Bounds = Bounds {
    idle: Some(Idle { told: 3, grace: 0 }),
    ..Bounds::SMALL
};

#[test]
fn without_a_grace_a_crash_ends_the_session_of_an_owner_who_came_in_time() {
    for scenario in [Scenario::bound_idle, Scenario::bearer_idle] {
        let before = scenario(NO_GRACE).with(WrongPromise(any_rotation_heals));
        let (property, steps) = counterexample(&before).expect("a counterexample");
        println!("without a grace\n{}", transcript(&steps));
        assert_eq!(property, ONE);
        assert!(
            matches!(
                *steps,
                [
                    Step::Tick,
                    Step::Tick,
                    Step::Present(_),
                    Step::Crash,
                    Step::Tick,
                    Step::Present(_)
                ]
            ),
            "refresh just before the idle end, lose that in a crash, refresh once more"
        );
    }
}

#[test]
fn without_a_grace_every_pause_is_long() {
    Report::of(&[
        Scenario::bound_idle(NO_GRACE),
        Scenario::bearer_idle(NO_GRACE),
    ]);
}
