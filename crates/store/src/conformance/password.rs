//! Passwords change: every session of the user ends, and the caller gets one in its place.

use std::sync::Arc;

use relatch_core::{
    session::{EndReason, Ended, store::Opened},
    user::{CredentialVersion, store::Changing},
};

use super::{
    Factory,
    scene::{FIRST, SECOND, START, Scene, at_once, hash},
};

/// All of it in one step.
pub async fn a_change_ends_every_session_and_opens_one(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let caller = scene.register("ada").await;
    let second = scene.open(scene.draw(caller.user, START)).await;
    let bound = scene.open_bound(caller.user).await;
    let stranger = scene.register("bob").await;
    let now = START.plus(SECOND);
    let changing = scene.changing(&caller, "new", now);
    let fresh = changing.session.clone();
    match scene.store.set_password(changing).await {
        Ok(Opened::Session(session)) => assert_eq!(*session, fresh),
        other => panic!("{other:?}"),
    }
    let reason = EndReason::PasswordChanged;
    for session in [&caller, &second, &bound] {
        let row = scene.row(session).await;
        assert_eq!(row.life.ended, Some(Ended { reason, at: now }));
    }
    assert_eq!(scene.row(&fresh).await, fresh);
    assert_eq!(scene.row(&stranger).await, stranger);
    let found = scene.store.credentials_of(caller.user).await;
    let found = found.expect("reads").expect("is there");
    let expected = (hash("new"), CredentialVersion(2));
    assert_eq!((found.hash, found.version), expected);
    assert_eq!(scene.count(caller.user, "password.changed").await, 1);
    assert_eq!(scene.count(caller.user, "session.ended").await, 3);
    let other = scene.store.credentials_of(stranger.user).await;
    let other = other.expect("reads").expect("is there");
    assert_eq!((other.hash, other.version), (hash("first"), FIRST));
}

/// A session that ended, ran out, is another user's or nobody's changes nothing.
pub async fn the_caller_must_be_live(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let first = scene.register("ada").await;
    let ended = scene.open(scene.draw(first.user, START)).await;
    let stranger = scene.register("bob").await;
    assert_eq!(scene.end(&ended, EndReason::Logout, START).await, 1);
    let unknown = scene.draw(first.user, START);
    let late = START.plus(scene.policy.usual.idle);
    let before = scene.dump().await;
    for (caller, now) in [
        (&ended, START),
        (&unknown, START),
        (&stranger, START),
        (&first, late),
    ] {
        let changing = Changing {
            caller: caller.id,
            ..scene.changing(&first, "new", now)
        };
        let said = scene.store.set_password(changing).await;
        assert!(matches!(said, Ok(Opened::CredentialsChanged)), "{said:?}");
    }
    assert_eq!(scene.dump().await, before);
}

/// Somebody changed it since the old one was verified.
pub async fn a_stale_version_changes_nothing(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let caller = scene.register("ada").await;
    let before = scene.dump().await;
    for verified in [CredentialVersion(0), CredentialVersion(2)] {
        let changing = Changing {
            verified,
            ..scene.changing(&caller, "new", START)
        };
        let said = scene.store.set_password(changing).await;
        assert!(matches!(said, Ok(Opened::CredentialsChanged)), "{said:?}");
    }
    assert_eq!(scene.dump().await, before);
}

/// Disabled since the old one was verified.
pub async fn a_disabled_user_changes_nothing(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let caller = scene.register("ada").await;
    scene.disable(caller.user).await;
    let before = scene.dump().await;
    let said = scene
        .store
        .set_password(scene.changing(&caller, "new", START));
    let said = said.await;
    assert!(matches!(said, Ok(Opened::UserDisabled)), "{said:?}");
    assert_eq!(scene.dump().await, before);
}

/// Two devices of one user, both with the right old password: the password is that of whoever was answered.
pub async fn one_of_two_changes_wins(factory: &dyn Factory) {
    for round in 0..8 {
        let scene = Scene::set(factory).await;
        let first = scene.register("ada").await;
        let second = scene.open(scene.draw(first.user, START)).await;
        let pair = [
            scene.changing(&first, "one", START),
            scene.changing(&second, "two", START),
        ];
        let hashes = pair.each_ref().map(|changing| changing.hash.clone());
        let said = at_once(pair.map(|changing| {
            let store = Arc::clone(&scene.store);
            async move { store.set_password(changing).await.expect("answers") }
        }))
        .await;
        let mut winners = hashes
            .into_iter()
            .zip(&said)
            .filter_map(|(hash, said)| matches!(said, Opened::Session(_)).then_some(hash));
        let (winner, none) = (winners.next(), winners.next());
        assert_eq!(none, None, "round {round}: {said:?}");
        let found = scene.store.credentials_of(first.user).await;
        assert_eq!(found.expect("reads").map(|found| found.hash), winner);
        assert_eq!(scene.count_live(first.user, START).await, 1);
        assert_eq!(scene.count(first.user, "password.changed").await, 1);
    }
}
