//! Whoever runs the server looks at sessions of anybody, and asks what happened to one.

use relatch_core::{
    session::{
        EndReason, Session, SessionId,
        store::{History, SessionQuery, Which},
    },
    store::Changed,
    user::{UserId, UserState},
};

use super::{
    Factory,
    scene::{SECOND, START, Scene, administrator, ending, proven, request},
};

/// All pages, one after the other.
async fn browse(scene: &Scene, user: Option<UserId>, ended: bool, limit: u32) -> Vec<SessionId> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let query = SessionQuery {
            user,
            ended,
            after,
            limit,
        };
        let page = scene.store.browse_sessions(query).await.expect("reads");
        let Some(last) = page.last() else {
            return seen;
        };
        after = Some(last.id);
        seen.extend(page.into_iter().map(|session| session.id));
        assert!(seen.len() < 100, "the list ends");
    }
}

async fn history(scene: &Scene, session: &Session) -> History {
    let history = scene.store.session_history(session.id, 100).await;
    history.expect("reads")
}

fn names(events: &[relatch_core::event::EventRow]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

/// Some logins fall into one millisecond.
pub async fn sessions_of_a_user_come_newest_first_in_pages(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let first = scene.register("ada").await;
    scene.register("bob").await;
    let mut sessions = vec![first.clone()];
    for second in [1, 1, 1, 2, 3] {
        let session = scene.draw(first.user, START.plus(SECOND * second));
        sessions.push(scene.open(session).await);
    }
    sessions.sort_by_key(|session| (session.created_at, session.id));
    sessions.reverse();
    let ids: Vec<_> = sessions.iter().map(|session| session.id).collect();
    let gone = sessions.get(2).expect("is there");
    assert_eq!(scene.end(gone, EndReason::Logout, START).await, 1);
    let mut live = ids.clone();
    live.retain(|id| *id != gone.id);
    for limit in [1, 2, 3, 100] {
        let user = Some(first.user);
        assert_eq!(browse(&scene, user, true, limit).await, ids);
        assert_eq!(browse(&scene, user, false, limit).await, live);
    }
}

/// In the order of ids, which says nothing.
pub async fn sessions_of_everybody_come_once_each(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let mut ids = Vec::new();
    for number in 0..7 {
        let session = scene.register(&format!("user{number}")).await;
        if number == 3 {
            assert_eq!(scene.end(&session, EndReason::Logout, START).await, 1);
        } else {
            ids.push(session.id);
        }
    }
    ids.sort();
    for limit in [1, 3, 100] {
        assert_eq!(browse(&scene, None, false, limit).await, ids);
        assert_eq!(browse(&scene, None, true, limit).await.len(), 7);
    }
}

/// Its own events alone, the newest of them where there are too many.
pub async fn a_session_tells_its_story_in_order(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let stranger = scene.register("ada").await;
    let bound = scene.open_bound(stranger.user).await;
    for generation in 0..2 {
        scene.refresh(proven(&bound, generation, START)).await;
    }
    for second in [40, 41] {
        scene
            .refresh(proven(&bound, 0, START.plus(SECOND * second)))
            .await;
    }
    scene.end(&bound, EndReason::Logout, START).await;
    let story = history(&scene, &bound).await;
    assert_eq!(story.session, Some(scene.row(&bound).await));
    assert_eq!(story.user.map(|user| user.id), Some(bound.user));
    let all = [
        "session.opened",
        "session.late_retry",
        "session.late_retry",
        "session.ended",
    ];
    assert_eq!(names(&story.events), all);
    let short = scene.store.session_history(bound.id, 2).await;
    assert_eq!(names(&short.expect("reads").events), all[2..]);
    let story = history(&scene, &stranger).await;
    assert_eq!(names(&story.events), ["user.registered"]);
    assert_eq!(story.around_end, []);
}

/// An order that ended all of them, or the reuse of another one's token.
pub async fn what_ended_many_sessions_is_in_the_story_of_each(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let first = scene.register("ada").await;
    let second = scene.open(scene.draw(first.user, START)).await;
    let now = START.plus(SECOND);
    let order =
        scene
            .store
            .set_user_state(first.user, UserState::Disabled, None, administrator(now));
    assert!(order.await.is_ok());
    for session in [&first, &second] {
        let story = history(&scene, session).await;
        assert_eq!(names(&story.around_end), ["user.disabled"]);
        assert_eq!(story.events.last().map(|event| event.at), Some(now));
    }
    let other = scene.register("bob").await;
    let third = scene.open(scene.draw(other.user, START)).await;
    scene.rotate(&other, 2, START).await;
    scene.refresh(request(&other, 0, now)).await;
    let order = ending(other.user, Which::All, EndReason::Reuse, now);
    assert_eq!(scene.store.end_sessions(order).await, Ok(1));
    let story = history(&scene, &third).await;
    assert_eq!(names(&story.around_end), ["session.reuse_detected"]);
    let beside = story.around_end.first().and_then(|event| event.session);
    assert_eq!(beside, Some(other.id));
    let story = history(&scene, &other).await;
    assert_eq!(story.around_end, [], "its own is in its own events");
}

/// Swept, and its user deleted: what was on record is.
pub async fn a_story_outlives_its_row(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    let deleted = scene
        .store
        .delete_user(session.user, None, administrator(START))
        .await;
    assert_eq!(deleted, Ok(Changed::Done(1)));
    let late = START.plus(scene.policy.keep_ended).plus(SECOND);
    let swept = scene.store.sweep_sessions(None, 10, late).await;
    assert_eq!(swept, Ok((Some(session.id), 1)));
    let story = history(&scene, &session).await;
    assert_eq!((story.session, story.user), (None, None));
    let own = ["user.registered", "session.ended"];
    assert_eq!(names(&story.events), own);
    assert_eq!(names(&story.around_end), ["user.deleted"]);
}

/// An id that nobody ever had.
pub async fn of_nothing_there_is_no_story(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let user = scene.register("ada").await.user;
    let unknown = scene.draw(user, START);
    assert_eq!(history(&scene, &unknown).await, History::default());
}
