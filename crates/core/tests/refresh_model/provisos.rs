//! What the properties take for granted is needed: without any one proviso there is a schedule that breaks the claim.

use super::{
    bounds::Bounds,
    properties::{ONE, THREE_BEARER, THREE_BOUND},
    report::{counterexample, transcript},
    scenario::{Provisos, Scenario},
};

fn broken_without(what: &str, scenario: fn(Bounds) -> Scenario, switch: fn(&mut Provisos)) -> &str {
    let (property, steps) = counterexample(&scenario(Bounds::SMALL).without(switch))
        .expect("a counterexample without the proviso");
    println!("without: {what}\n{}", transcript(&steps));
    property
}

#[test]
fn a_retry_after_the_window_ends_a_bearer_session() {
    let found = broken_without(
        "a retry comes inside the window",
        Scenario::bearer_alone,
        |on| on.retry_in_window = false,
    );
    assert_eq!(found, ONE);
}

#[test]
fn a_copy_that_outlives_the_next_turn_ends_a_bearer_session() {
    let found = broken_without(
        "no copy of a request outlives the owner's next turn",
        Scenario::bearer_alone,
        |on| on.no_late_copy = false,
    );
    assert_eq!(found, ONE);
}

#[test]
fn an_owner_who_stores_any_answer_ends_a_bearer_session() {
    let found = broken_without(
        "an answer is stored only by who still holds what it sent",
        Scenario::bearer_alone,
        |on| on.careful_owner = false,
    );
    assert_eq!(found, ONE);
}

#[test]
fn an_owner_who_stores_without_durability_ends_a_bearer_session() {
    let found = broken_without(
        "an answer is stored durably before it is used",
        Scenario::bearer_alone,
        |on| on.durable_owner = false,
    );
    assert_eq!(found, ONE);
}

#[test]
fn a_disk_that_lags_for_long_brings_the_idle_end_nearer() {
    for scenario in [Scenario::bound_idle, Scenario::bearer_idle] {
        let found = broken_without("the disk lags by at most half the grace", scenario, |on| {
            on.disk_lag = false;
        });
        assert_eq!(found, ONE);
    }
}

#[test]
fn a_request_that_waits_for_longer_than_the_grace_brings_the_idle_end_nearer() {
    let scenario = |bounds| {
        let wait = 3;
        Scenario::bound_idle(Bounds { wait, ..bounds })
    };
    assert_eq!(counterexample(&scenario(Bounds::SMALL)), None);
    let found = broken_without("a request waits for at most the grace", scenario, |on| {
        on.short_wait = false;
    });
    assert_eq!(found, ONE);
}

#[test]
fn a_thief_with_the_key_is_answered() {
    let found = broken_without(
        "the thief lacks the key",
        Scenario::bound_thief_with_key,
        |on| on.keyless_thief = false,
    );
    assert_eq!(found, THREE_BOUND);
}

#[test]
fn a_thief_who_follows_inside_the_window_stays_unseen() {
    let found = broken_without(
        "the second presents after the window",
        Scenario::bearer_thief,
        |on| on.after_window = false,
    );
    assert_eq!(found, THREE_BEARER);
}

#[test]
fn a_crash_since_the_theft_takes_a_third_presentation() {
    let found = broken_without(
        "after a crash since the theft: one, the other, and the first again",
        Scenario::bearer_thief,
        |on| on.third_presentation = false,
    );
    assert_eq!(found, THREE_BEARER);
}

#[test]
fn presentations_count_anew_after_a_crash() {
    let found = broken_without(
        "presentations count anew after a crash since the theft",
        Scenario::bearer_thief,
        |on| on.counted_anew = false,
    );
    assert_eq!(found, THREE_BEARER);
}

#[test]
fn a_crash_before_the_theft_takes_a_third_presentation_too() {
    let found = broken_without(
        "a row that lags at the theft counts like a crash since",
        Scenario::bearer_thief,
        |on| on.lag_before_theft = false,
    );
    assert_eq!(found, THREE_BEARER);
}
