//! The decision, case by case.

use std::time::Duration;

use super::*;
use crate::session::lifetime::tests::{life, policy};

const NOW: Timestamp = Timestamp::from_seconds(1_010);

fn bearer(generation: u32) -> Presented {
    Presented {
        generation: Generation(generation),
        possession: Possession::NotShown,
    }
}

fn decide_at(life: &Life, generation: u32, now: Timestamp) -> Turn {
    decide(life, &bearer(generation), &policy(), now)
}

#[test]
fn the_newest_token_rotates() {
    assert_eq!(
        decide_at(&life(), 7, NOW),
        Turn::Rotate {
            to: Generation(8),
            lagged: false
        }
    );
}

#[test]
fn a_token_newer_than_the_row_moves_the_row_forward() {
    assert_eq!(
        decide_at(&life(), 12, NOW),
        Turn::Rotate {
            to: Generation(13),
            lagged: true
        }
    );
}

#[test]
fn the_token_before_gets_the_newest_again_within_the_window() {
    let rotated = life().rotated_at;
    let edge = rotated.plus(policy().retry_window);
    let retry = Turn::Retry {
        of: Generation(7),
        late: false,
    };
    assert_eq!(decide_at(&life(), 6, rotated), retry);
    assert_eq!(
        decide_at(&life(), 6, rotated.minus(Duration::from_secs(9))),
        retry,
        "a clock that went back"
    );
    assert_eq!(
        decide_at(&life(), 6, edge.minus(Duration::from_millis(1))),
        retry
    );
    assert_eq!(decide_at(&life(), 6, edge), Turn::End(EndReason::Reuse));
}

#[test]
fn an_older_token_is_reuse_even_within_the_window() {
    assert_eq!(decide_at(&life(), 5, NOW), Turn::End(EndReason::Reuse));
    assert_eq!(decide_at(&life(), 0, NOW), Turn::End(EndReason::Reuse));
}

#[test]
fn no_window_means_no_retry() {
    let policy = Policy {
        retry_window: Duration::ZERO,
        ..policy()
    };
    assert_eq!(
        decide(&life(), &bearer(6), &policy, life().rotated_at),
        Turn::End(EndReason::Reuse)
    );
}

#[test]
fn a_session_that_is_over_says_why_whatever_comes() {
    let ended = Ended {
        reason: EndReason::Logout,
        at: Timestamp::from_seconds(1_005),
    };
    let life = Life {
        ended: Some(ended),
        bound: true,
        ..life()
    };
    for generation in [0, 6, 7, 8, u32::MAX] {
        assert_eq!(decide_at(&life, generation, NOW), Turn::Over(ended));
    }
}

#[test]
fn a_bound_session_changes_nothing_without_proof() {
    let life = Life {
        bound: true,
        ..life()
    };
    for possession in [Possession::NotShown, Possession::Refused] {
        for generation in [0, 6, 7, 8, u32::MAX] {
            let presented = Presented {
                generation: Generation(generation),
                possession,
            };
            assert_eq!(
                decide(&life, &presented, &policy(), NOW),
                Turn::Unproven(possession)
            );
        }
    }
}

#[test]
fn a_bound_session_forgives_every_spent_token() {
    let life = Life {
        bound: true,
        ..life()
    };
    let proven = |generation| Presented {
        generation: Generation(generation),
        possession: Possession::Proven,
    };
    let late = life.rotated_at.plus(Duration::from_hours(24));
    let of = life.generation;
    assert_eq!(
        decide(&life, &proven(6), &policy(), NOW),
        Turn::Retry { of, late: false }
    );
    assert_eq!(
        decide(&life, &proven(6), &policy(), late),
        Turn::Retry { of, late: true }
    );
    assert_eq!(
        decide(&life, &proven(0), &policy(), NOW),
        Turn::Retry { of, late: true }
    );
    assert_eq!(
        decide(&life, &proven(7), &policy(), late),
        Turn::Rotate {
            to: Generation(8),
            lagged: false
        }
    );
}

#[test]
fn generations_run_out_with_an_end_and_not_with_a_wrap() {
    let exhausted = Turn::End(EndReason::GenerationExhausted);
    assert_eq!(decide_at(&life(), u32::MAX, NOW), exhausted);
    let last = Life {
        generation: Generation(u32::MAX),
        ..life()
    };
    assert_eq!(decide_at(&last, u32::MAX, NOW), exhausted);
    assert_eq!(
        decide_at(&last, u32::MAX - 1, NOW),
        Turn::Retry {
            of: Generation(u32::MAX),
            late: false
        }
    );
}

#[test]
fn only_what_a_crash_may_forget_without_harm_is_answered_before_the_disk_has_it() {
    let (life, policy) = (life(), policy());
    let durability = |turn: Turn, pause: Duration| {
        durability(&life, &turn, &policy, life.rotated_at.plus(pause))
    };
    let (soon, half) = (Duration::from_secs(10), policy.idle_grace / 2);
    let rotate = Turn::Rotate {
        to: Generation(8),
        lagged: false,
    };
    assert_eq!(durability(rotate, half), Durability::Healing);
    assert_eq!(
        durability(rotate, half + Duration::from_millis(1)),
        Durability::Durable
    );
    let retry = |late| Turn::Retry {
        of: Generation(7),
        late,
    };
    assert_eq!(durability(retry(false), soon), Durability::Healing);
    assert_eq!(durability(retry(true), soon), Durability::Durable);
    assert_eq!(
        durability(Turn::End(EndReason::Reuse), soon),
        Durability::Durable
    );
}

#[test]
fn only_a_rotation_and_an_end_change_the_row() {
    let before = life();
    let rotated = before
        .after(
            &Turn::Rotate {
                to: Generation(8),
                lagged: false,
            },
            NOW,
        )
        .unwrap_or_else(life);
    assert_eq!(
        (rotated.generation, rotated.rotated_at, rotated.ended),
        (Generation(8), NOW, None)
    );
    assert_eq!(
        rotated.expires_at, before.expires_at,
        "the absolute end never moves"
    );
    let ended = before
        .after(&Turn::End(EndReason::Reuse), NOW)
        .and_then(|life| life.ended);
    assert_eq!(
        ended,
        Some(Ended {
            reason: EndReason::Reuse,
            at: NOW
        })
    );
    assert_eq!(
        before.after(
            &Turn::Retry {
                of: Generation(7),
                late: true
            },
            NOW
        ),
        None
    );
    assert_eq!(
        before.after(&Turn::Unproven(Possession::NotShown), NOW),
        None
    );
}

#[test]
fn only_a_proof_of_the_sessions_own_key_proves_possession() {
    let (own, other) = (
        Thumbprint::from_bytes([1; 32]),
        Thumbprint::from_bytes([2; 32]),
    );
    let cases = [
        (Proof::By(own), Some(own), Possession::Proven),
        (Proof::By(other), Some(own), Possession::Refused),
        (Proof::By(own), None, Possession::Refused),
        (Proof::Refused, Some(own), Possession::Refused),
        (Proof::Refused, None, Possession::Refused),
        (Proof::NotShown, Some(own), Possession::NotShown),
        (Proof::NotShown, None, Possession::NotShown),
    ];
    for (proof, key, possession) in cases {
        assert_eq!(proof.of(key), possession, "{proof:?} {key:?}");
    }
}
