//! Sessions are ended on purpose: those that are meant, once, and nobody else's.

use std::sync::Arc;

use relatch_core::{
    StoreError,
    session::{EndReason, Ended, Policy, ReuseScope, Session, store::Which},
};
use serde_json::json;

use super::{
    Factory,
    scene::{SECOND, START, Scene, at_once, ending, opening, policy, request},
};

/// Three sessions of one user, and one of another.
async fn crowd(scene: &Scene) -> [Session; 4] {
    let first = scene.register("ada").await;
    let user = first.user;
    [
        first,
        scene.open(scene.draw(user, START)).await,
        scene.open_bound(user).await,
        scene.register("bob").await,
    ]
}

async fn end(scene: &Scene, of: &Session, which: Which, reason: EndReason) -> usize {
    let ending = ending(of.user, which, reason, START.plus(SECOND));
    scene.store.end_sessions(ending).await.expect("ends")
}

/// The one that is named, with reason and time, and an event that says who asked.
pub async fn one_session_ends(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let [a, b, c, d] = crowd(&scene).await;
    let (reason, now) = (EndReason::EndedByUser, START.plus(SECOND));
    assert_eq!(end(&scene, &a, Which::One(b.id), reason).await, 1);
    let live = scene.live(&[&a, &b, &c, &d], now).await;
    assert_eq!(live, [true, false, true, true]);
    let row = scene.row(&b).await;
    assert_eq!(row.life.ended, Some(Ended { reason, at: now }));
    let event = scene.events(a.user).await.swap_remove(0);
    assert_eq!(event.name, "session.ended");
    assert_eq!((event.at, event.session), (now, Some(b.id)));
    assert_eq!(event.detail, Some(json!({ "reason": "ended_by_user" })));
    assert_eq!(event.address.as_deref(), Some("192.0.2.7"));
}

/// Every one of the user's.
pub async fn all_end(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let [a, b, c, d] = crowd(&scene).await;
    let ended = end(&scene, &a, Which::All, EndReason::LogoutEverywhere).await;
    assert_eq!(ended, 3);
    let live = scene.live(&[&a, &b, &c, &d], START).await;
    assert_eq!(live, [false, false, false, true]);
    assert_eq!(scene.count(a.user, "session.ended").await, 3);
    assert_eq!(scene.count(d.user, "session.ended").await, 0);
}

/// The caller's own stays.
pub async fn all_but_one_end(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let [a, b, c, d] = crowd(&scene).await;
    let ended = end(&scene, &a, Which::AllBut(b.id), EndReason::LogoutEverywhere).await;
    assert_eq!(ended, 2);
    let live = scene.live(&[&a, &b, &c, &d], START).await;
    assert_eq!(live, [false, true, false, true]);
}

/// Naming somebody else's session ends nothing, and does not tell that it is there.
pub async fn other_users_are_not_touched(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let [a, b, c, d] = crowd(&scene).await;
    let before = scene.dump().await;
    assert_eq!(
        end(&scene, &a, Which::One(d.id), EndReason::Logout).await,
        0
    );
    let unknown = scene.draw(a.user, START);
    assert_eq!(
        end(&scene, &a, Which::One(unknown.id), EndReason::Logout).await,
        0
    );
    assert_eq!(
        end(&scene, &unknown, Which::One(unknown.id), EndReason::Logout).await,
        0
    );
    assert_eq!(scene.dump().await, before);
    let ended = end(&scene, &a, Which::AllBut(d.id), EndReason::Logout).await;
    assert_eq!(ended, 3);
    let live = scene.live(&[&a, &b, &c, &d], START).await;
    assert_eq!(live, [false, false, false, true]);
}

/// The first reason and time stand.
pub async fn an_end_is_counted_and_recorded_once(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let [a, ..] = crowd(&scene).await;
    assert_eq!(scene.end(&a, EndReason::Logout, START).await, 1);
    let row = scene.row(&a).await;
    assert_eq!(
        scene
            .end(&a, EndReason::EndedByUser, START.plus(SECOND))
            .await,
        0
    );
    assert_eq!(
        end(&scene, &a, Which::All, EndReason::LogoutEverywhere).await,
        2
    );
    assert_eq!(
        end(&scene, &a, Which::All, EndReason::LogoutEverywhere).await,
        0
    );
    assert_eq!(scene.row(&a).await, row);
    assert_eq!(scene.count(a.user, "session.ended").await, 3);
}

/// Idle or expired is over and not counted. It is not ended alone; with all it is, so that a clock that goes back does not
/// bring it to life again after a password change.
pub async fn what_ran_out_does_not_come_back(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let first = scene.register("ada").await;
    let remembered = scene.open_remembered(first.user).await;
    let late = START.plus(scene.policy.usual.idle);
    assert_eq!(scene.end(&first, EndReason::Logout, late).await, 0);
    assert_eq!(scene.row(&first).await, first);
    let order = ending(first.user, Which::All, EndReason::LogoutEverywhere, late);
    assert_eq!(scene.store.end_sessions(order).await, Ok(1));
    assert_eq!(scene.live(&[&first, &remembered], START).await, [false; 2]);
    assert_eq!(scene.count(first.user, "session.ended").await, 2);
}

/// 16 orders to end all three sessions: three ends altogether.
pub async fn many_at_once_end_each_session_once(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let [a, ..] = crowd(&scene).await;
    let said = at_once((0..16).map(|_| {
        let store = Arc::clone(&scene.store);
        let order = ending(a.user, Which::All, EndReason::LogoutEverywhere, START);
        async move { store.end_sessions(order).await.expect("ends") }
    }))
    .await;
    assert_eq!(said.iter().sum::<usize>(), 3, "{said:?}");
    assert_eq!(scene.count(a.user, "session.ended").await, 3);
}

/// The database refuses in the middle of a step of several writes: whoever asked is told so, and none of it stays.
pub async fn an_end_that_fails_leaves_nothing_half_done(factory: &dyn Factory) {
    let strict = Policy {
        on_reuse: ReuseScope::User,
        max_per_user: 2,
        ..policy()
    };
    let scene = Scene::set_under(factory, strict).await;
    let first = scene.register("ada").await;
    scene.open_bound(first.user).await;
    scene.rotate(&first, 2, START.plus(SECOND)).await;
    scene.refuse_to_end_bound_sessions().await;
    let before = scene.rows().await;
    let failed = StoreError::Unavailable;
    let store = scene.store.as_ref();
    let spent = request(&first, 0, START.plus(SECOND));
    assert_eq!(store.refresh(spent).await.err(), Some(failed));
    assert_eq!(scene.rows().await, before, "reuse");
    let everywhere = ending(first.user, Which::All, EndReason::LogoutEverywhere, START);
    assert_eq!(store.end_sessions(everywhere).await, Err(failed));
    assert_eq!(scene.rows().await, before, "logout");
    let changing = scene.changing(&first, "new", START);
    assert_eq!(store.set_password(changing).await.err(), Some(failed));
    assert_eq!(scene.rows().await, before, "password");
    let third = opening(scene.draw(first.user, START));
    assert_eq!(store.open_session(third).await.err(), Some(failed));
    assert_eq!(scene.rows().await, before, "login");
    scene.rotate(&first, 1, START).await;
}
