//! Sessions begin: only for who is still good, and never more than a user may have.

use std::{sync::Arc, time::Duration};

use relatch_core::{
    session::{
        Delivery, EndReason, Ended, Login,
        open::Opening,
        store::{Opened, Which},
    },
    user::CredentialVersion,
};

use super::{
    Factory,
    scene::{FIRST, KEY, SECOND, START, Scene, at_once, ending, hash, login, opening},
};

/// All columns, of sessions of every kind.
pub async fn a_session_comes_back_as_opened(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let user = scene.register("ada").await.user;
    let kinds = [
        (false, None),
        (false, Some(KEY)),
        (true, None),
        (true, Some(KEY)),
    ];
    for (remember_me, key) in kinds {
        let delivery = if remember_me == key.is_some() {
            Delivery::Body
        } else {
            Delivery::Cookie
        };
        let session = scene.draw_as(
            user,
            &Login {
                remember_me,
                key,
                delivery,
                device: String::from("Ada’s 📱 \u{0} 'quoted'"),
                ..login(START.plus(SECOND))
            },
        );
        let opened = scene.open(session.clone()).await;
        assert_eq!(opened, session);
        assert_eq!(scene.row(&session).await, session);
    }
    assert_eq!(scene.count(user, "session.opened").await, 4);
    let rows = scene.store.list_sessions(user).await.expect("reads");
    assert_eq!(rows.len(), 5);
}

/// The version that was verified must be the user's.
pub async fn a_login_with_an_old_password_is_refused(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    let changed = scene
        .store
        .set_password(scene.changing(&session, "new", START));
    assert!(matches!(changed.await, Ok(Opened::Session(_))));
    let before = scene.dump().await;
    for verified in [CredentialVersion(0), FIRST, CredentialVersion(3)] {
        let opening = Opening {
            verified,
            ..opening(scene.draw(session.user, START))
        };
        let said = scene.store.open_session(opening).await;
        assert!(matches!(said, Ok(Opened::CredentialsChanged)), "{said:?}");
    }
    assert_eq!(scene.dump().await, before);
    let opening = Opening {
        verified: CredentialVersion(2),
        ..opening(scene.draw(session.user, START))
    };
    let said = scene.store.open_session(opening).await;
    assert!(matches!(said, Ok(Opened::Session(_))), "{said:?}");
}

/// Nor does his new hash count.
pub async fn a_disabled_user_is_refused(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let user = scene.register("ada").await.user;
    scene.disable(user).await;
    let before = scene.dump().await;
    let opening = Opening {
        rehashed: Some(hash("stronger")),
        ..opening(scene.draw(user, START))
    };
    let said = scene.store.open_session(opening).await;
    assert!(matches!(said, Ok(Opened::UserDisabled)), "{said:?}");
    assert_eq!(scene.dump().await, before);
}

/// Deleted between the check of the password and now.
pub async fn an_unknown_user_is_refused(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let stranger = scene.newcomer("nobody").user.id;
    let before = scene.dump().await;
    let said = scene
        .store
        .open_session(opening(scene.draw(stranger, START)));
    let said = said.await;
    assert!(matches!(said, Ok(Opened::CredentialsChanged)), "{said:?}");
    assert_eq!(scene.dump().await, before);
}

/// The hash changes, the version does not: other logins under way stay good.
pub async fn a_new_hash_of_the_same_password_is_kept(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    let opening = Opening {
        rehashed: Some(hash("stronger")),
        ..opening(scene.draw(session.user, START))
    };
    let said = scene.store.open_session(opening).await;
    assert!(matches!(said, Ok(Opened::Session(_))), "{said:?}");
    let found = scene.store.credentials_of(session.user).await;
    let found = found.expect("reads").expect("is there");
    assert_eq!((found.hash, found.version), (hash("stronger"), FIRST));
    assert_eq!(scene.live(&[&session], START).await, [true]);
}

/// A login that was verified before a change of the password must not write the old one back.
pub async fn a_rehash_does_not_bring_an_old_password_back(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    let slow = Opening {
        rehashed: Some(hash("old, stronger")),
        ..opening(scene.draw(session.user, START))
    };
    let changed = scene
        .store
        .set_password(scene.changing(&session, "new", START));
    assert!(matches!(changed.await, Ok(Opened::Session(_))));
    let said = scene.store.open_session(slow).await;
    assert!(matches!(said, Ok(Opened::CredentialsChanged)), "{said:?}");
    let found = scene.store.credentials_of(session.user).await;
    assert_eq!(
        found.expect("reads").map(|found| found.hash),
        Some(hash("new"))
    );
}

/// Unused means not refreshed: the oldest login stays if it is used.
pub async fn past_the_limit_the_longest_unused_ends(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let first = scene.register("ada").await;
    let stranger = scene.register("bob").await;
    let mut sessions = vec![first.clone()];
    for second in 1..8 {
        let session = scene.draw(first.user, START.plus(SECOND * second));
        sessions.push(scene.open(session).await);
    }
    scene.rotate(&first, 1, START.plus(SECOND * 20)).await;
    let all: Vec<_> = sessions.iter().collect();
    let now = START.plus(SECOND * 30);
    assert_eq!(scene.live(&all, now).await, [true; 8]);
    let ninth = scene.open(scene.draw(first.user, now)).await;
    let live = scene.live(&all, now).await;
    assert_eq!(live, [true, false, true, true, true, true, true, true]);
    assert_eq!(scene.live(&[&ninth, &stranger], now).await, [true, true]);
    let oldest = sessions.swap_remove(1);
    let reason = EndReason::SessionLimit;
    let expected = Some(Ended { reason, at: now });
    assert_eq!(scene.row(&oldest).await.life.ended, expected);
    let events = scene.events(first.user).await;
    let ended = events.iter().find(|event| event.name == "session.ended");
    assert_eq!(ended.and_then(|event| event.session), Some(oldest.id));
}

/// Neither those that were ended nor those that ran out count.
pub async fn sessions_that_are_over_take_no_room(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let first = scene.register("ada").await;
    for _ in 1..8 {
        scene.open(scene.draw(first.user, START)).await;
    }
    let order = ending(first.user, Which::One(first.id), EndReason::Logout, START);
    assert_eq!(scene.store.end_sessions(order).await, Ok(1));
    scene.open(scene.draw(first.user, START)).await;
    assert_eq!(scene.count_live(first.user, START).await, 8);
    assert_eq!(scene.count(first.user, "session.ended").await, 1);
    let idle = START.plus(scene.policy.usual.idle);
    scene.open(scene.draw(first.user, idle)).await;
    assert_eq!(scene.count_live(first.user, idle).await, 1);
    assert_eq!(scene.count(first.user, "session.ended").await, 1);
}

/// 40 logins at once: all are answered, and eight sessions are live.
pub async fn concurrent_logins_stay_within_the_limit(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let user = scene.register("ada").await.user;
    let logins: Vec<_> = (0..40)
        .map(|number| START.plus(Duration::from_millis(number)))
        .map(|now| opening(scene.draw(user, now)))
        .collect();
    let said = at_once(logins.into_iter().map(|opening| {
        let store = Arc::clone(&scene.store);
        async move { store.open_session(opening).await }
    }))
    .await;
    let opened = |said: &_| matches!(said, Ok(Opened::Session(_)));
    assert!(said.iter().all(opened), "{said:?}");
    assert_eq!(scene.count_live(user, START.plus(SECOND)).await, 8);
    assert_eq!(scene.count(user, "session.ended").await, 33);
}

/// One browser, one cookie: the session in it ends in the step that begins another, whoever's it is, and makes room for it.
pub async fn a_session_ends_whose_place_a_new_one_takes(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let (ada, eve) = (scene.register("ada").await, scene.register("eve").await);
    for _ in 1..8 {
        scene.open(scene.draw(ada.user, START)).await;
    }
    let now = START.plus(SECOND);
    scene.rotate(&ada, 1, now).await;
    for old in [&eve, &ada] {
        let opening = Opening {
            replaces: Some(old.id),
            ..opening(scene.draw(ada.user, now))
        };
        let said = scene.store.open_session(opening).await;
        assert!(matches!(said, Ok(Opened::Session(_))), "{said:?}");
        let reason = EndReason::Replaced;
        assert_eq!(
            scene.row(old).await.life.ended,
            Some(Ended { reason, at: now })
        );
        assert_eq!(scene.count_live(ada.user, now).await, 8);
    }
    assert_eq!(scene.count(eve.user, "session.ended").await, 1);
    // One for the limit, when Eve's made no room, and the one that was replaced.
    assert_eq!(scene.count(ada.user, "session.ended").await, 2);
}

/// That which is over stays as it ended, that which is not there is no fault, and a login that is refused ends nothing.
pub async fn a_session_is_replaced_once_and_by_who_got_in(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let first = scene.register("ada").await;
    let gone = scene.draw(first.user, START);
    let refused = Opening {
        replaces: Some(first.id),
        verified: CredentialVersion(9),
        ..opening(scene.draw(first.user, START))
    };
    let before = scene.dump().await;
    let said = scene.store.open_session(refused).await;
    assert!(matches!(said, Ok(Opened::CredentialsChanged)), "{said:?}");
    assert_eq!(scene.dump().await, before);
    let order = ending(first.user, Which::One(first.id), EndReason::Logout, START);
    assert_eq!(scene.store.end_sessions(order).await, Ok(1));
    let ended = scene.row(&first).await.life.ended;
    for old in [&first, &gone] {
        let opening = Opening {
            replaces: Some(old.id),
            ..opening(scene.draw(first.user, START.plus(SECOND)))
        };
        let said = scene.store.open_session(opening).await;
        assert!(matches!(said, Ok(Opened::Session(_))), "{said:?}");
    }
    assert_eq!(scene.row(&first).await.life.ended, ended);
    assert_eq!(scene.count(first.user, "session.ended").await, 1);
}
