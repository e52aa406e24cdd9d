//! Every step of the machine, one by one, and the schedules in which it must end.

use super::*;
use crate::record::tests::{ISSUER, session};

const PACE: Pace = Pace {
    patience: Duration::from_mins(2),
    retry_window: Duration::from_secs(30),
};

fn tokens(generation: u32) -> Tokens {
    Tokens {
        access_token: Secret::new(format!("access {generation}")),
        token_type: "Bearer".to_owned(),
        expires_in: 10,
        refresh_token: Secret::new(format!("refresh {generation}")),
        session_id: "0192".to_owned(),
        user: None,
        device_token: None,
    }
}

fn problem(status: u16, code: &str, more: &str) -> Problem {
    let body = format!(r#"{{"code":"{code}","title":"No."{more}}}"#);
    Problem::read(status, &http::HeaderMap::new(), body.as_bytes())
}

fn silence(sent: bool) -> Outcome {
    Outcome::Silence(if sent {
        TransportError::after("silence", "test")
    } else {
        TransportError::before("silence", "test")
    })
}

fn held(generation: u32) -> Record {
    Record::new(ISSUER).logged_in(session(generation, None))
}

#[test]
fn a_token_is_used_while_it_is_fresh_and_nobody_refused_it() {
    let turn = Turn::begin(PACE, None, 0);
    assert_eq!(turn.next(&held(0), 0), Next::Use(session(0, None)));
    assert_eq!(turn.next(&held(0), 9_000), Next::Refresh(session(0, None)));
    let refused = Some(Secret::new("access 0"));
    let turn = Turn::begin(PACE, refused, 0);
    assert_eq!(turn.next(&held(0), 0), Next::Refresh(session(0, None)));
    // Somebody else has refreshed meanwhile.
    assert_eq!(turn.next(&held(1), 0), Next::Use(session(1, None)));
}

#[test]
fn who_is_out_hears_why_as_often_as_he_asks() {
    let turn = Turn::begin(PACE, None, 0);
    let nobody = Record::new(ISSUER);
    assert_eq!(turn.next(&nobody, 0), Next::Out(None));
    let over = held(0).logged_out(Some(Ended::unknown()));
    assert_eq!(turn.next(&over, 0), Next::Out(Some(Ended::unknown())));
}

#[test]
fn an_answer_becomes_a_session_that_is_as_old_as_its_question() {
    let mut turn = Turn::begin(PACE, None, 0);
    let sent = session(0, Some("key"));
    let then = turn.came(Outcome::Tokens(tokens(1)), &sent, (20_000, 25_000), 0.5);
    let Then::Keep(kept) = then else {
        panic!("{then:?}");
    };
    assert_eq!((kept.issued_at, kept.expires_at), (20_000, 30_000));
    assert_eq!(kept.refresh_token, Secret::new("refresh 1"));
    assert_eq!((kept.user, kept.key), (sent.user, sent.key));
}

#[test]
fn only_what_is_said_of_the_token_ends_a_session() {
    let end = |status, code, more| {
        let mut turn = Turn::begin(PACE, None, 0);
        let outcome = Outcome::Problem(problem(status, code, more));
        turn.came(outcome, &session(0, None), (0, 0), 0.5)
    };
    let more = r#","reason":"idle","ended_at":"2026-11-22T12:00:00.000Z""#;
    let then = end(401, "session_ended", more);
    assert!(
        matches!(&then, Then::End(ended) if ended.reason.as_deref() == Some("idle")),
        "{then:?}"
    );
    for code in ["session_unknown", "invalid_token"] {
        let then = end(401, code, "");
        assert!(
            matches!(&then, Then::End(ended) if ended.reason.is_none()),
            "{then:?}"
        );
    }
    // A proxy in between, a captive portal, a mistake here, a server of another version.
    for (status, code) in [
        (401, ""),
        (403, ""),
        (404, "not_found"),
        (400, "wrong_delivery"),
        (511, ""),
    ] {
        let then = end(status, code, "");
        let stays = matches!(then, Then::Fail(Error::Refused(_)) | Then::Wait(_));
        assert!(stays, "{status} {code}: {then:?}");
    }
}

#[test]
fn a_proof_is_made_anew_once() {
    let mut turn = Turn::begin(PACE, None, 0);
    let sent = session(0, Some("key"));
    let challenge = || Outcome::Challenge(problem(400, "use_dpop_nonce", ""));
    let first = turn.came(challenge(), &sent, (0, 0), 0.5);
    assert!(matches!(first, Then::Wait(Duration::ZERO)), "{first:?}");
    let second = turn.came(challenge(), &sent, (0, 0), 0.5);
    assert!(
        matches!(second, Then::Fail(Error::Refused(_))),
        "{second:?}"
    );
}

/// When the attempts of a call are made that nobody ever answers, each of them after one second of silence.
fn attempts(key: Option<&str>, sent: bool, chance: f64) -> Vec<i64> {
    let (mut now, mut made) = (0, Vec::new());
    let mut turn = Turn::begin(PACE, None, now);
    loop {
        made.push(now);
        let times = (now, now + 1_000);
        match turn.came(silence(sent), &session(0, key), times, chance) {
            Then::Wait(wait) => now += 1_000 + millis(wait),
            Then::Fail(Error::Unreachable(_)) => return made,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_bound_session_asks_for_as_long_as_the_caller_has_patience() {
    for chance in [0.0, 0.5, 0.999] {
        let made = attempts(Some("key"), true, chance);
        let last = made.last().copied().unwrap_or_default();
        assert!(last > 110_000 && last <= 121_000, "{made:?}");
        assert!(made.len() > 15, "{made:?}");
    }
}

#[test]
fn a_bearer_session_asks_only_while_the_server_takes_it_for_a_retry() {
    for chance in [0.0, 0.5, 0.999] {
        let made = attempts(None, true, chance);
        let last = made.last().copied().unwrap_or_default();
        assert!(last > 20_000 && last < 27_000, "{made:?}");
        assert!(made.len() > 5, "{made:?}");
        // What was never sent cannot have arrived.
        let never_sent = attempts(None, false, chance);
        assert!(never_sent.last() > Some(&100_000), "{never_sent:?}");
    }
}

#[test]
fn the_window_begins_anew_with_another_token() {
    let mut turn = Turn::begin(PACE, None, 0);
    let came = |turn: &mut Turn, generation, at| {
        turn.came(silence(true), &session(generation, None), (at, at), 0.5)
    };
    assert!(matches!(came(&mut turn, 0, 0), Then::Wait(_)));
    let other = came(&mut turn, 1, 40_000);
    assert!(matches!(other, Then::Wait(_)), "{other:?}");
    let late = came(&mut turn, 1, 70_000);
    assert!(matches!(late, Then::Fail(_)), "{late:?}");
}

#[test]
fn a_server_that_asks_for_rest_gets_it() {
    let mut turn = Turn::begin(PACE, None, 0);
    let mut busy = problem(503, "overloaded", "");
    busy.retry_after = Some(Duration::from_secs(7));
    let then = turn.came(
        Outcome::Problem(busy),
        &session(0, Some("key")),
        (0, 0),
        0.0,
    );
    assert!(
        matches!(then, Then::Wait(wait) if wait == Duration::from_secs(7)),
        "{then:?}"
    );
    let mut away = problem(503, "unavailable", "");
    away.retry_after = Some(Duration::from_hours(1));
    let then = turn.came(
        Outcome::Problem(away),
        &session(0, Some("key")),
        (0, 0),
        0.0,
    );
    assert!(matches!(then, Then::Fail(Error::Refused(_))), "{then:?}");
}

#[test]
fn a_clock_that_jumps_makes_nobody_wait_for_it() {
    let mut turn = Turn::begin(PACE, None, 1_000_000);
    let sent = session(0, Some("key"));
    for _ in 0..100 {
        let then = turn.came(silence(true), &sent, (0, 0), 0.5);
        let Then::Wait(wait) = then else {
            panic!("{then:?}");
        };
        assert!(wait <= Duration::from_secs(5));
    }
    let forward = turn.came(silence(true), &sent, (0, i64::MAX), 0.5);
    assert!(matches!(forward, Then::Fail(_)), "{forward:?}");
}
