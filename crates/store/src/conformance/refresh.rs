//! The rotation decision through the store: every row of its table, and that nothing else is written.

use std::time::Duration;

use relatch_core::{
    Timestamp,
    session::{
        Delivery, EndReason, Ended, Generation, Policy, ReuseScope, Session, Thumbprint,
        refresh::{Outcome, Possession, Proof, Request, Turn},
        store::Which,
    },
};
use serde_json::json;

use super::{
    Factory,
    scene::{DAY, SECOND, START, Scene, ending, over, policy, proven, request, retried, rotated},
};

const LATER: Timestamp = Timestamp::from_seconds(START.as_seconds() + 3_600);

/// `p = g`: on by one, and nothing but the generation and its time changes.
pub async fn the_newest_token_rotates(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let mut session = scene.register("ada").await;
    let other = scene.register("bob").await;
    for to in 1..=3 {
        let now = LATER.plus(SECOND * to);
        let turn = scene.refresh(request(&session, to - 1, now)).await;
        assert_eq!(turn, rotated(to));
        (session.life.generation, session.life.rotated_at) = (Generation(to), now);
        assert_eq!(scene.row(&session).await, session);
    }
    assert_eq!(scene.row(&other).await, other);
    assert_eq!(scene.events(session.user).await.len(), 1, "registered");
}

/// `p > g`: the row lagged and catches up, for bearers and bound sessions.
pub async fn a_token_newer_than_the_row_moves_it_forward(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let bearer = scene.register("ada").await;
    let bound = scene.open_bound(bearer.user).await;
    for request in [request(&bearer, 5, LATER), proven(&bound, 5, LATER)] {
        let session = request.token.session();
        let expected = Turn::Rotate {
            to: Generation(6),
            lagged: true,
        };
        assert_eq!(scene.refresh(request).await, expected);
        let row = scene.store.find_session(session).await.expect("reads");
        assert_eq!(row.map(|row| row.life.generation), Some(Generation(6)));
    }
}

/// `p = g − 1`: a retry within the window, reuse from its end on.
pub async fn a_bearer_retries_within_the_window_alone(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    scene.rotate(&session, 2, LATER).await;
    let end = LATER.plus(scene.policy.retry_window);
    let last = end.minus(Duration::from_millis(1));
    let turn = scene.refresh(request(&session, 1, last)).await;
    assert_eq!(turn, retried(2, false));
    let turn = scene.refresh(request(&session, 1, end)).await;
    assert_eq!(turn, Turn::End(EndReason::Reuse));
}

/// Retries leave every row as it is, and the session idles from its rotation.
pub async fn a_retry_writes_nothing_and_does_not_extend_the_idle_time(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    let bound = scene.open_bound(session.user).await;
    scene.rotate(&session, 1, LATER).await;
    let turned = scene.refresh(proven(&bound, 0, LATER)).await;
    assert_eq!(turned, rotated(1));
    let before = scene.dump().await;
    for second in 0..20 {
        let now = LATER.plus(SECOND * second);
        for request in [request(&session, 0, now), proven(&bound, 0, now)] {
            assert_eq!(scene.refresh(request).await, retried(1, false));
        }
    }
    assert_eq!(scene.dump().await, before);
    let idle_end = LATER.plus(scene.policy.usual.idle);
    let turn = scene.refresh(request(&session, 1, idle_end)).await;
    assert_eq!(turn, over(EndReason::Idle, idle_end));
}

/// A request with an earlier time than the rotation before it is a retry.
pub async fn a_clock_that_went_back_counts_as_no_time(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    scene.rotate(&session, 1, LATER).await;
    let turn = scene.refresh(request(&session, 0, START)).await;
    assert_eq!(turn, retried(1, false));
}

/// Bound, `p < g`: never reuse. What comes after the window is on record, and the session stays as it is.
pub async fn a_bound_session_retries_however_late_and_old(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let user = scene.register("ada").await.user;
    let session = scene.open_bound(user).await;
    for generation in 0..3 {
        let turn = scene.refresh(proven(&session, generation, LATER)).await;
        assert_eq!(turn, rotated(generation + 1));
    }
    let before = scene.row(&session).await;
    for (generation, after) in [(0, 1), (1, 20), (2, 30), (0, 400_000)] {
        let now = LATER.plus(SECOND * after);
        let turn = scene.refresh(proven(&session, generation, now)).await;
        assert_eq!(turn, retried(3, true), "generation {generation}");
    }
    assert_eq!(scene.row(&session).await, before);
    assert_eq!(scene.count(user, "session.late_retry").await, 4);
    let newest = scene.events(user).await.swap_remove(0);
    let detail = json!({ "presented_generation": 0, "newest_generation": 3 });
    assert_eq!(newest.detail, Some(detail));
}

/// Bound without proof: nothing changes, whatever `p` is.
pub async fn a_bound_session_wants_proof_whatever_the_generation(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let user = scene.register("ada").await.user;
    let session = scene.open_bound(user).await;
    assert_eq!(
        scene.refresh(proven(&session, 3, LATER)).await,
        Turn::Rotate {
            to: Generation(4),
            lagged: true
        }
    );
    let before = scene.dump().await;
    for generation in [0, 3, 4, 5, u32::MAX] {
        let (another, none) = (
            Proof::By(Thumbprint::from_bytes([8; 32])),
            Possession::Refused,
        );
        for (proof, possession) in [
            (Proof::NotShown, Possession::NotShown),
            (Proof::Refused, none),
            (another, none),
        ] {
            let request = Request {
                proof,
                ..request(&session, generation, LATER)
            };
            assert_eq!(scene.refresh(request).await, Turn::Unproven(possession));
        }
    }
    assert_eq!(scene.dump().await, before);
}

/// Reuse ends the session at that time for that reason, and tells the auditor who it was.
pub async fn reuse_ends_the_session_and_is_on_record(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    let spared = scene.open(scene.draw(session.user, START)).await;
    scene.rotate(&session, 3, LATER).await;
    let now = LATER.plus(SECOND);
    let turn = scene.refresh(request(&session, 1, now)).await;
    assert_eq!(turn, Turn::End(EndReason::Reuse));
    let reason = EndReason::Reuse;
    assert_eq!(
        scene.row(&session).await.life.ended,
        Some(Ended { reason, at: now })
    );
    assert_eq!(scene.live(&[&spared], now).await, [true]);
    let events = scene.events(session.user).await;
    let [ended, detected, ..] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(ended.name, "session.ended");
    assert_eq!(ended.detail, Some(json!({ "reason": "reuse" })));
    assert_eq!(detected.name, "session.reuse_detected");
    let detail = json!({ "presented_generation": 1, "newest_generation": 3 });
    assert_eq!(detected.detail, Some(detail));
    for event in [ended, detected] {
        assert_eq!((event.at, event.session), (now, Some(session.id)));
        assert_eq!(event.address.as_deref(), Some("192.0.2.7"));
        assert_eq!(event.agent.as_deref(), Some("a browser"));
    }
    let turn = scene.refresh(request(&session, 3, now)).await;
    assert_eq!(turn, over(EndReason::Reuse, now));
}

/// By configuration reuse ends all of the user's sessions, and nobody else's.
pub async fn reuse_may_end_every_session_of_the_user(factory: &dyn Factory) {
    let everywhere = Policy {
        on_reuse: ReuseScope::User,
        ..policy()
    };
    let scene = Scene::set_under(factory, everywhere).await;
    let session = scene.register("ada").await;
    let second = scene.open(scene.draw(session.user, START)).await;
    let bound = scene.open_bound(session.user).await;
    let stranger = scene.register("bob").await;
    scene.rotate(&session, 2, LATER).await;
    let turn = scene.refresh(request(&session, 0, LATER)).await;
    assert_eq!(turn, Turn::End(EndReason::Reuse));
    let all = [&session, &second, &bound, &stranger];
    assert_eq!(scene.live(&all, LATER).await, [false, false, false, true]);
    assert_eq!(scene.count(session.user, "session.ended").await, 3);
    assert_eq!(scene.count(session.user, "session.reuse_detected").await, 1);
    let turn = scene.refresh(request(&second, 0, LATER)).await;
    assert_eq!(turn, over(EndReason::Reuse, LATER));
}

/// Idle time counts from the last rotation, and longer where the user wants to be remembered.
pub async fn a_session_ends_by_idleness(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    let remembered = scene.open_remembered(session.user).await;
    let moment = Duration::from_millis(1);
    let end = START.plus(scene.policy.usual.idle);
    assert_eq!(
        refresh_at(&scene, &session, 0, end.minus(moment)).await,
        rotated(1)
    );
    assert_eq!(refresh_at(&scene, &remembered, 0, end).await, rotated(1));
    let end = end.minus(moment).plus(scene.policy.usual.idle);
    let before = scene.dump().await;
    let turn = refresh_at(&scene, &session, 1, end).await;
    assert_eq!(turn, over(EndReason::Idle, end));
    assert_eq!(scene.dump().await, before, "running out is not written");
}

/// However often it turns, a session is over at its absolute end.
pub async fn a_session_ends_by_age(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    let end = START.plus(scene.policy.usual.absolute);
    for turns in 0..22 {
        let now = START.plus(4 * DAY * (turns + 1));
        assert_eq!(
            refresh_at(&scene, &session, turns, now).await,
            rotated(turns + 1)
        );
    }
    let last = end.minus(Duration::from_millis(1));
    assert_eq!(refresh_at(&scene, &session, 22, last).await, rotated(23));
    let turn = refresh_at(&scene, &session, 23, end).await;
    assert_eq!(turn, over(EndReason::Expired, end));
}

/// Ended on purpose: the holder of any genuine token is told, and nothing is written.
pub async fn an_ended_session_says_why_and_stays_as_it_is(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    scene.rotate(&session, 2, LATER).await;
    let reason = EndReason::Logout;
    let order = ending(session.user, Which::One(session.id), reason, LATER);
    assert_eq!(scene.store.end_sessions(order).await, Ok(1));
    let before = scene.dump().await;
    for generation in [0, 1, 2, 9, u32::MAX] {
        let turn = refresh_at(&scene, &session, generation, LATER.plus(100 * DAY)).await;
        assert_eq!(turn, over(reason, LATER));
    }
    assert_eq!(scene.dump().await, before);
}

/// Numbers run out: the last one is reached and good, and turning it ends the session.
pub async fn the_last_generation_ends_the_session(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    let turn = refresh_at(&scene, &session, u32::MAX - 1, LATER).await;
    let expected = Turn::Rotate {
        to: Generation(u32::MAX),
        lagged: true,
    };
    assert_eq!(turn, expected);
    let turn = refresh_at(&scene, &session, u32::MAX - 1, LATER).await;
    assert_eq!(turn, retried(u32::MAX, false));
    let turn = refresh_at(&scene, &session, u32::MAX, LATER).await;
    let reason = EndReason::GenerationExhausted;
    assert_eq!(turn, Turn::End(reason));
    let row = scene.row(&session).await;
    assert_eq!(row.life.ended, Some(Ended { reason, at: LATER }));
    assert_eq!(row.life.generation, Generation(u32::MAX));
    assert_eq!(scene.count(session.user, "session.ended").await, 1);
}

/// A good tag over a proof by another secret: whoever has a token key but not the database.
pub async fn a_forged_proof_changes_nothing(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    scene.rotate(&session, 2, LATER).await;
    let forger = Session {
        id: session.id,
        ..scene.draw(session.user, START)
    };
    let before = scene.dump().await;
    for generation in [0, 1, 2, 3, u32::MAX] {
        let outcome = scene
            .store
            .refresh(request(&forger, generation, LATER))
            .await;
        assert!(matches!(outcome, Ok(Outcome::Forged)), "{outcome:?}");
    }
    assert_eq!(scene.dump().await, before);
}

/// A token that came another way than its session has it, of whatever generation and however late.
pub async fn a_token_that_came_another_way_changes_nothing(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let user = scene.register("ada").await.user;
    for (own, other) in [
        (Delivery::Body, Delivery::Cookie),
        (Delivery::Cookie, Delivery::Body),
    ] {
        let mut session = scene.draw(user, START);
        session.delivery = own;
        let session = scene.open(session).await;
        scene.rotate(&session, 2, START).await;
        let before = scene.dump().await;
        for generation in [0, 1, 2, 3, u32::MAX] {
            let request = Request {
                delivery: other,
                ..request(&session, generation, LATER)
            };
            let outcome = scene.store.refresh(request).await;
            assert!(matches!(outcome, Ok(Outcome::WrongDelivery)), "{outcome:?}");
        }
        assert_eq!(scene.dump().await, before);
    }
}

/// A genuine token of a session that nobody remembers.
pub async fn an_unknown_session_is_unknown(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let known = scene.register("ada").await;
    let unknown = scene.draw(known.user, START);
    let before = scene.dump().await;
    let outcome = scene.store.refresh(request(&unknown, 0, LATER)).await;
    assert!(matches!(outcome, Ok(Outcome::Unknown)), "{outcome:?}");
    assert_eq!(scene.store.find_session(unknown.id).await, Ok(None));
    assert_eq!(scene.dump().await, before);
}

async fn refresh_at(scene: &Scene, session: &Session, generation: u32, now: Timestamp) -> Turn {
    scene.refresh(request(session, generation, now)).await
}
