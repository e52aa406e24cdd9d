//! Many requests at once, and a process that dies: what each was answered must fit with what all of them left behind.

use std::{sync::Arc, time::Duration};

use relatch_core::{
    Store,
    session::{
        EndReason, Generation, Session,
        refresh::{Outcome, Request, Turn},
        store::Opened,
    },
};

use super::{
    Factory,
    scene::{START, Scene, at_once, begin, opening, over, request, retried, rotated},
};

/// 64 times the same token: one rotation, 63 retries, one successor.
pub async fn one_token_turns_once_however_often_it_comes(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    for generation in 0..4 {
        let requests = (0..64).map(|_| request(&session, generation, START));
        let turns = at_once(requests.map(|request| turn(&scene, request))).await;
        let count = |turn| turns.iter().filter(|other| **other == turn).count();
        let successor = generation + 1;
        assert_eq!(count(rotated(successor)), 1);
        assert_eq!(count(retried(successor, false)), 63);
        let row = scene.row(&session).await;
        assert_eq!(row.life.generation, Generation(successor));
    }
}

/// 64 sessions, each turned eight times while the others are.
pub async fn sessions_turn_at_once_without_a_mix_up(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let mut sessions = Vec::new();
    for number in 0..64 {
        sessions.push(scene.register(&format!("user{number}")).await);
    }
    let turning = sessions.iter().cloned().map(|session| {
        let store = Arc::clone(&scene.store);
        async move {
            for generation in 0..8 {
                let outcome = store.refresh(request(&session, generation, START)).await;
                assert_eq!(turned(outcome), (session.id, rotated(generation + 1)));
            }
        }
    });
    at_once(turning).await;
    for session in &sessions {
        let row = scene.row(session).await;
        assert_eq!(row.life.generation, Generation(8));
    }
}

/// The thief's token and the owner's in one group, in either order: the session is over, and nobody holds a good token.
pub async fn reuse_and_rotation_in_one_group_end_the_session(factory: &dyn Factory) {
    for thief_first in [false, true] {
        let scene = Scene::set(factory).await;
        let session = scene.register("ada").await;
        scene.rotate(&session, 3, START).await;
        let (thief, owner) = (request(&session, 0, START), request(&session, 3, START));
        let pair = if thief_first {
            [thief, owner]
        } else {
            [owner, thief]
        };
        let mut turns = in_one_group(&scene, pair).await;
        if !thief_first {
            turns.reverse();
        }
        assert_eq!(turns.first(), Some(&Turn::End(EndReason::Reuse)));
        let owners = turns.last().copied();
        let lost = over(EndReason::Reuse, START);
        assert!(
            owners == Some(rotated(4)) || owners == Some(lost),
            "{owners:?}"
        );
        for generation in [3, 4] {
            let turn = scene.refresh(request(&session, generation, START)).await;
            assert_eq!(turn, lost);
        }
        assert_eq!(scene.count(session.user, "session.ended").await, 1);
    }
}

/// A spent token that comes 16 times at once ends the session once.
pub async fn one_reuse_is_on_record_once(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    scene.rotate(&session, 3, START).await;
    let turns = in_one_group(&scene, (0..16).map(|_| request(&session, 1, START))).await;
    let ended = Turn::End(EndReason::Reuse);
    assert_eq!(turns.iter().filter(|turn| **turn == ended).count(), 1);
    let late = over(EndReason::Reuse, START);
    assert_eq!(turns.iter().filter(|turn| **turn == late).count(), 15);
    assert_eq!(scene.count(session.user, "session.reuse_detected").await, 1);
    assert_eq!(scene.count(session.user, "session.ended").await, 1);
}

/// A refresh that ends its session among others that only rotate: once answered, the end is there for whoever opens the
/// store after the process died, and what the rotations were answered as well.
pub async fn an_end_beside_rotations_outlives_the_process(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let (ada, bob) = (scene.register("ada").await, scene.register("bob").await);
    scene.rotate(&ada, 3, START).await;
    let requests = [
        request(&bob, 0, START),
        request(&ada, 0, START),
        request(&bob, 1, START),
    ];
    let turns = in_one_group(&scene, requests).await;
    assert_eq!(turns, [rotated(1), Turn::End(EndReason::Reuse), rotated(2)]);
    let store = scene.after_death().await;
    let turns = [request(&ada, 3, START), request(&bob, 2, START)].map(|request| {
        let store = Arc::clone(&store);
        async move { turned(store.refresh(request).await).1 }
    });
    let found = at_once(turns).await;
    assert_eq!(found, [over(EndReason::Reuse, START), rotated(3)]);
    let events = store.list_events(ada.user, 10).await.expect("reads");
    assert_eq!(events.len(), 3, "registered, reuse, ended");
}

/// Registration, login, password, keys, events, ends: all there after the process died.
pub async fn what_was_answered_outlives_the_process(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let first = scene.register("ada").await;
    let second = scene.open(scene.draw(first.user, START)).await;
    let changed = scene
        .store
        .set_password(scene.changing(&first, "new", START));
    assert!(matches!(changed.await, Ok(Opened::Session(_))));
    let other = scene.register("bob").await;
    assert_eq!(scene.end(&other, EndReason::Logout, START).await, 1);
    let store = scene.after_death().await;
    for session in [&first, &second, &other] {
        let found = store.find_session(session.id).await.expect("reads");
        let here = scene.row(session).await;
        assert!(here.life.ended.is_some());
        assert_eq!(found, Some(here));
    }
    let credentials = store.credentials_of(first.user).await.expect("reads");
    let here = scene.store.credentials_of(first.user).await.expect("reads");
    assert_eq!(credentials, here);
    let events = store.list_events(first.user, 100).await.expect("reads");
    assert_eq!(events, scene.events(first.user).await);
}

/// Whatever order they come in, a session that was logged out is over and stays so.
pub async fn a_logout_beats_every_refresh(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    for round in 0..16 {
        let session = scene.register(&format!("user{round}")).await;
        let refreshing = {
            let (store, session) = (Arc::clone(&scene.store), session.clone());
            async move { turn_until_over(store.as_ref(), &session).await }
        };
        let refreshing = tokio::spawn(refreshing);
        assert_eq!(scene.end(&session, EndReason::Logout, START).await, 1);
        let newest = refreshing.await.expect("does not panic");
        let row = scene.row(&session).await;
        assert_eq!(row.life.generation, newest);
        let turn = scene.refresh(request(&session, newest.0, START)).await;
        assert_eq!(turn, over(EndReason::Logout, START));
    }
}

/// Logins that verified the old password race its change: afterwards the one live session is that of the change.
pub async fn a_login_with_the_old_password_does_not_survive_its_change(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    let changing = scene.changing(&session, "new", START);
    let fresh = changing.session.id;
    let mut racing: Vec<_> = (0..6)
        .map(|_| Some(opening(scene.draw(session.user, START))))
        .collect();
    racing.insert(3, None);
    let said = at_once(racing.into_iter().map(|login| {
        let (store, changing) = (Arc::clone(&scene.store), changing.clone());
        async move {
            match login {
                Some(opening) => store.open_session(opening).await,
                None => store.set_password(changing).await,
            }
        }
    }))
    .await;
    let refused = |said: &_| matches!(said, Ok(Opened::CredentialsChanged));
    let opened = |said: &_| matches!(said, Ok(Opened::Session(_)));
    assert!(
        said.iter().all(|said| refused(said) || opened(said)),
        "{said:?}"
    );
    let rows = scene
        .store
        .list_sessions(session.user)
        .await
        .expect("reads");
    let live: Vec<_> = rows
        .iter()
        .filter(|row| !row.is_over(&scene.policy, START))
        .map(|row| row.id)
        .collect();
    assert_eq!(live, [fresh]);
}

/// Sends them while all writes are held back, so that they are committed together as far as the store does that.
async fn in_one_group(scene: &Scene, requests: impl IntoIterator<Item = Request>) -> Vec<Turn> {
    let plug = scene.register("plug").await;
    let held = scene.hold_writes().await;
    let plug = begin(turn(scene, request(&plug, 0, START))).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut running = Vec::new();
    for request in requests {
        running.push(begin(turn(scene, request)).await);
    }
    drop(held);
    assert_eq!(plug.await.expect("does not panic"), rotated(1));
    let mut turns = Vec::new();
    for task in running {
        turns.push(task.await.expect("does not panic"));
    }
    turns
}

/// Presents the newest token again and again; the newest generation once the session is over.
async fn turn_until_over(store: &dyn Store, session: &Session) -> Generation {
    let mut newest = 0;
    loop {
        match turned(store.refresh(request(session, newest, START)).await).1 {
            Turn::Rotate { to, .. } => newest = to.0,
            Turn::Over(_) => return Generation(newest),
            other => panic!("{other:?}"),
        }
    }
}

fn turn(scene: &Scene, request: Request) -> impl Future<Output = Turn> + Send + use<> {
    let store = Arc::clone(&scene.store);
    async move { turned(store.refresh(request).await).1 }
}

fn turned(
    outcome: Result<Outcome, relatch_core::StoreError>,
) -> (relatch_core::session::SessionId, Turn) {
    match outcome {
        Ok(Outcome::Turned(turned)) => (turned.session.id, turned.turn),
        other => panic!("not turned: {other:?}"),
    }
}
