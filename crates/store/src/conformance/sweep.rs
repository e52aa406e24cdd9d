//! Rows are forgotten: all that nobody asks about any more, and no others.

use std::{sync::Arc, time::Duration};

use relatch_core::{
    Timestamp,
    session::{EndReason, SessionId, refresh::Outcome},
    store::Changed,
};

use super::{
    Factory,
    scene::{SECOND, START, Scene, administrator, begin, over, request},
};

/// Walks from the beginning to the end; how many steps it took and how many rows went.
async fn walk(scene: &Scene, limit: u32, now: Timestamp) -> (usize, usize) {
    let (mut after, mut steps, mut gone): (Option<SessionId>, _, _) = (None, 0, 0);
    loop {
        let swept = scene.store.sweep_sessions(after, limit, now).await;
        let (next, went) = swept.expect("sweeps");
        gone += went;
        if next.is_none() {
            return (steps, gone);
        }
        assert!(next > after, "the walk goes on");
        (after, steps) = (next, steps + 1);
        assert!(steps < 100, "the walk ends");
    }
}

/// Ended, idle and live sessions of many users, in steps of every size.
pub async fn a_walk_sees_every_row_and_takes_the_forgettable(factory: &dyn Factory) {
    for (limit, steps) in [(1, 12), (5, 3), (12, 1), (1_000, 1)] {
        let scene = Scene::set(factory).await;
        let (mut ended, mut idle, mut live) = (Vec::new(), Vec::new(), Vec::new());
        let forgotten = START.plus(scene.policy.keep_ended);
        let now = forgotten.plus(Duration::from_millis(1));
        for number in 0..4 {
            let session = scene.register(&format!("user{number}")).await;
            let user = session.user;
            live.push(scene.open(scene.draw(user, now)).await);
            idle.push(scene.open(scene.draw(user, START)).await);
            assert_eq!(scene.end(&session, EndReason::Logout, START).await, 1);
            ended.push(session);
        }
        assert_eq!(walk(&scene, limit, forgotten).await, (steps, 0));
        assert_eq!(walk(&scene, limit, now).await, (steps, 4));
        for session in &ended {
            assert_eq!(scene.store.find_session(session.id).await, Ok(None));
        }
        for session in live.iter().chain(&idle) {
            assert_eq!(scene.row(session).await, *session);
        }
        let idle_end = now.plus(scene.policy.usual.idle);
        assert_eq!(walk(&scene, limit, idle_end.minus(SECOND)).await.1, 0);
        assert_eq!(walk(&scene, limit, idle_end).await.1, 4);
        for session in &ended {
            // Their events stay.
            assert_eq!(scene.count(session.user, "session.ended").await, 1);
        }
    }
}

/// Nothing to go on from.
pub async fn an_empty_store_is_walked_at_once(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    assert_eq!(
        scene.store.sweep_sessions(None, 10, START).await,
        Ok((None, 0))
    );
    let session = scene.register("ada").await;
    let swept = scene.store.sweep_sessions(None, 10, START).await;
    assert_eq!(swept, Ok((Some(session.id), 0)));
    let swept = scene
        .store
        .sweep_sessions(Some(session.id), 10, START)
        .await;
    assert_eq!(swept, Ok((None, 0)));
}

/// The sweeper's clock is ahead, a client's request comes between what it reads and what it removes: no one is answered
/// with the token of a row that is gone.
pub async fn a_row_that_was_turned_meanwhile_stays(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    let idle_end = START.plus(scene.policy.usual.idle);
    let late = idle_end.plus(scene.policy.keep_ended).plus(SECOND);
    let held = scene.hold_writes().await;
    let refreshing = {
        let (store, request) = (Arc::clone(&scene.store), request(&session, 0, START));
        begin(async move { store.refresh(request).await }).await
    };
    let sweeping = {
        let store = Arc::clone(&scene.store);
        tokio::spawn(async move { store.sweep_sessions(None, 10, late).await })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(held);
    let outcome = refreshing.await.expect("does not panic");
    assert!(matches!(outcome, Ok(Outcome::Turned(..))), "{outcome:?}");
    let swept = sweeping.await.expect("does not panic");
    assert_eq!(swept, Ok((Some(session.id), 0)));
    assert_eq!(scene.row(&session).await.life.generation.0, 1);
    let turn = scene.refresh(request(&session, 1, idle_end)).await;
    assert_eq!(turn, over(EndReason::Idle, idle_end));
}

/// One row of the user table stays as long as a device may ask; the live, and the names of others, are not touched.
pub async fn what_is_left_of_a_deleted_user_goes_with_his_last_session(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let mut gone = Vec::new();
    for number in 0..5 {
        let session = scene.register(&format!("user{number}")).await;
        let deleted = scene
            .store
            .delete_user(session.user, None, administrator(START))
            .await;
        assert_eq!(deleted, Ok(Changed::Done(1)));
        gone.push(session);
    }
    let stays = scene.register("ada").await;
    let users = async || {
        let rows = scene.rows().await;
        rows.iter().filter(|row| row.starts_with("user ")).count()
    };
    assert_eq!(walk_users(&scene, 2).await, 0, "a device may still ask");
    assert_eq!(users().await, 6);
    let forgotten = START.plus(scene.policy.keep_ended).plus(SECOND);
    walk(&scene, 3, forgotten).await;
    assert_eq!(walk_users(&scene, 2).await, 5);
    assert_eq!((users().await, walk_users(&scene, 2).await), (1, 0));
    let found = scene.store.credentials_of(stays.user).await;
    assert!(matches!(found, Ok(Some(_))), "{found:?}");
    for session in &gone {
        assert_eq!(scene.count(session.user, "user.deleted").await, 1);
    }
}

/// Walks along all deleted users; how many rows went.
async fn walk_users(scene: &Scene, limit: u32) -> usize {
    let (mut after, mut gone) = (None, 0);
    loop {
        let (next, went) = scene.store.sweep_users(after, limit).await.expect("sweeps");
        gone += went;
        if next.is_none() {
            return gone;
        }
        assert!(next > after, "the walk goes on");
        after = next;
    }
}
