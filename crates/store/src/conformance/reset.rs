//! One-time codes for a new password: good once, for a while, for one password, and for few guesses.

use std::{sync::Arc, time::Duration};

use relatch_core::{
    Timestamp,
    password::PasswordFault,
    session::{EndReason, Ended, Session, store::Opened},
    store::Changed,
    user::{
        CredentialVersion, UserId, UserState,
        reset::{CodeDigest, Issuing, MOST_FAILURES, NewCode, Redeemed, Redeeming, ResetCode},
        store::{Creating, Registered},
    },
};

use super::{
    Factory,
    role::{give, put},
    scene::{FIRST, SECOND, START, Scene, administrator, at_once, hash, opening, origin},
};

const HOUR: Duration = Duration::from_hours(1);

fn digest(user: UserId, code: &str) -> CodeDigest {
    let code = format!("{code:0>20}");
    ResetCode::parse(&code).expect("a code").digest(user)
}

fn new_code(user: UserId, code: &str) -> NewCode {
    NewCode {
        digest: digest(user, code),
        expires_at: START.plus(HOUR),
    }
}

pub(super) async fn issue(scene: &Scene, user: UserId, code: &str) -> Changed<()> {
    let issuing = Issuing {
        user,
        code: new_code(user, code),
        by: administrator(START),
    };
    scene
        .store
        .issue_reset_code(issuing)
        .await
        .expect("answers")
}

fn redeeming(user: UserId, code: &str, now: Timestamp) -> Redeeming {
    Redeeming {
        claim: Some((user, digest(user, code))),
        hash: hash("new"),
        fault: None,
        origin: origin(),
        now,
    }
}

pub(super) async fn redeem(scene: &Scene, user: UserId, code: &str, now: Timestamp) -> Redeemed {
    let redeeming = redeeming(user, code, now);
    scene
        .store
        .redeem_reset_code(redeeming)
        .await
        .expect("answers")
}

async fn with_code(factory: &dyn Factory) -> (Scene, Session) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    assert_eq!(issue(&scene, session.user, "1").await, Changed::Done(()));
    (scene, session)
}

/// Every session ends, a login that verified the old password is refused, and the code is gone.
pub async fn a_code_sets_the_password_once(factory: &dyn Factory) {
    let (scene, first) = with_code(factory).await;
    let second = scene.open(scene.draw(first.user, START)).await;
    let (user, now) = (first.user, START.plus(SECOND));
    assert_eq!(
        redeem(&scene, user, "1", now).await,
        Redeemed::Done { ended: 2 }
    );
    let reason = EndReason::PasswordChanged;
    for session in [&first, &second] {
        let ended = scene.row(session).await.life.ended;
        assert_eq!(ended, Some(Ended { reason, at: now }));
    }
    let found = scene.store.credentials_of(user).await;
    let found = found.expect("reads").expect("is there");
    assert_eq!(
        (found.hash, found.version),
        (hash("new"), CredentialVersion(2))
    );
    let late = scene.store.open_session(opening(scene.draw(user, now)));
    assert!(matches!(late.await, Ok(Opened::CredentialsChanged)));
    assert_eq!(redeem(&scene, user, "1", now).await, Redeemed::Wrong);
    for (name, times) in [
        ("password.reset_code_issued", 1),
        ("password.reset_by_code", 1),
    ] {
        assert_eq!(scene.count(user, name).await, times, "{name}");
    }
    let rows = scene.rows().await;
    assert!(!rows.iter().any(|row| row.starts_with("reset_code")));
}

/// Of the user and of nobody.
pub async fn a_wrong_code_changes_nothing_but_the_count(factory: &dyn Factory) {
    let (scene, session) = with_code(factory).await;
    let failed = async |user| {
        let failed = scene.store.failed_logins(user, START).await;
        failed.expect("reads")
    };
    assert_eq!(
        redeem(&scene, session.user, "2", START).await,
        Redeemed::Wrong
    );
    let nobody = Redeeming {
        claim: None,
        ..redeeming(session.user, "1", START)
    };
    let said = scene.store.redeem_reset_code(nobody).await;
    assert_eq!(said, Ok(Redeemed::Wrong));
    let without = scene.register("bob").await;
    assert_eq!(
        redeem(&scene, without.user, "1", START).await,
        Redeemed::Wrong
    );
    assert_eq!(failed(Some(session.user)).await, 1);
    assert_eq!(failed(Some(without.user)).await, 1);
    assert_eq!(failed(None).await, 1);
    let live = scene.live(&[&session, &without], START).await;
    assert_eq!(live, [true, true]);
    assert_eq!(
        redeem(&scene, session.user, "1", START).await,
        Redeemed::Done { ended: 1 }
    );
}

/// Four do not.
pub async fn the_fifth_wrong_code_ends_the_right_one(factory: &dyn Factory) {
    for (guesses, good) in [(MOST_FAILURES - 1, true), (MOST_FAILURES, false)] {
        let (scene, session) = with_code(factory).await;
        for _ in 0..guesses {
            assert_eq!(
                redeem(&scene, session.user, "2", START).await,
                Redeemed::Wrong
            );
        }
        let said = redeem(&scene, session.user, "1", START).await;
        assert_eq!(said != Redeemed::Wrong, good, "after {guesses}");
        let voided = scene
            .count(session.user, "password.reset_code_voided")
            .await;
        assert_eq!(voided, usize::from(!good));
    }
}

/// However many come at one moment, none of them is free.
pub async fn guesses_at_once_are_all_counted(factory: &dyn Factory) {
    let (scene, session) = with_code(factory).await;
    let user = session.user;
    let said = at_once((0..MOST_FAILURES).map(|_| {
        let store = Arc::clone(&scene.store);
        async move { store.redeem_reset_code(redeeming(user, "2", START)).await }
    }))
    .await;
    assert!(said.iter().all(|said| *said == Ok(Redeemed::Wrong)));
    assert_eq!(redeem(&scene, user, "1", START).await, Redeemed::Wrong);
    let voided = scene.count(user, "password.reset_code_voided").await;
    assert_eq!(voided, 1);
}

/// The others hear that it is wrong.
pub async fn one_of_many_spends_a_code(factory: &dyn Factory) {
    let (scene, session) = with_code(factory).await;
    let user = session.user;
    let said = at_once((0..8).map(|_| {
        let store = Arc::clone(&scene.store);
        async move { store.redeem_reset_code(redeeming(user, "1", START)).await }
    }))
    .await;
    let done = said.iter().filter(|said| **said != Ok(Redeemed::Wrong));
    assert_eq!(done.count(), 1, "{said:?}");
    assert_eq!(scene.count(user, "password.reset_by_code").await, 1);
}

/// Whoever changed it meanwhile is not overtaken by an older code.
pub async fn a_code_ends_with_the_password_it_replaces(factory: &dyn Factory) {
    let (scene, session) = with_code(factory).await;
    let changed = scene
        .store
        .set_password(scene.changing(&session, "own", START));
    assert!(matches!(changed.await, Ok(Opened::Session(_))));
    assert_eq!(
        redeem(&scene, session.user, "1", START).await,
        Redeemed::Wrong
    );
    let found = scene.store.credentials_of(session.user).await;
    assert_eq!(
        found.expect("reads").map(|found| found.hash),
        Some(hash("own"))
    );
}

/// And the count begins anew with it.
pub async fn a_newer_code_takes_the_place_of_the_older(factory: &dyn Factory) {
    let (scene, session) = with_code(factory).await;
    for _ in 1..MOST_FAILURES {
        redeem(&scene, session.user, "9", START).await;
    }
    assert_eq!(issue(&scene, session.user, "2").await, Changed::Done(()));
    assert_eq!(
        redeem(&scene, session.user, "1", START).await,
        Redeemed::Wrong
    );
    assert_eq!(
        redeem(&scene, session.user, "2", START).await,
        Redeemed::Done { ended: 1 }
    );
}

/// At its end, not after it.
pub async fn a_code_ends_by_time(factory: &dyn Factory) {
    let end = START.plus(HOUR);
    for (now, good) in [(end.minus(SECOND), true), (end, false)] {
        let (scene, session) = with_code(factory).await;
        let said = redeem(&scene, session.user, "1", now).await;
        assert_eq!(said != Redeemed::Wrong, good);
    }
}

/// That he is disabled, that the password is against the rules; a wrong code hears neither.
pub async fn what_the_holder_may_hear_leaves_the_code_good(factory: &dyn Factory) {
    let (scene, session) = with_code(factory).await;
    let user = session.user;
    let faulty = |code| Redeeming {
        fault: Some(PasswordFault::MatchesEmail),
        ..redeeming(user, code, START)
    };
    let say = async |redeeming| scene.store.redeem_reset_code(redeeming).await;
    assert_eq!(say(faulty("2")).await, Ok(Redeemed::Wrong));
    let fault = PasswordFault::MatchesEmail;
    assert_eq!(say(faulty("1")).await, Ok(Redeemed::Fault(fault)));
    scene.disable(user).await;
    assert_eq!(redeem(&scene, user, "2", START).await, Redeemed::Wrong);
    assert_eq!(
        redeem(&scene, user, "1", START).await,
        Redeemed::UserDisabled
    );
    let enabled = scene
        .store
        .set_user_state(user, UserState::Active, None, administrator(START));
    enabled.await.expect("enables");
    assert_eq!(
        redeem(&scene, user, "1", START).await,
        Redeemed::Done { ended: 0 }
    );
}

/// Made with one in the same step.
pub async fn a_newcomer_may_begin_with_a_code(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let user = scene.newcomer("ada").user;
    let id = user.id;
    let creating = Creating {
        user,
        hash: hash("nobody's"),
        roles: Vec::new(),
        code: Some(new_code(id, "1")),
        by: administrator(START),
    };
    let made = scene.store.create_user(creating).await;
    assert_eq!(made, Ok(Changed::Done(Registered::Done)));
    assert_eq!(scene.count(id, "password.reset_code_issued").await, 1);
    let found = scene.store.credentials_of(id).await.expect("reads");
    assert_eq!(found.map(|found| found.version), Some(FIRST));
    assert_eq!(
        redeem(&scene, id, "1", START).await,
        Redeemed::Done { ended: 0 }
    );
}

/// Nor does he get one.
pub async fn a_deleted_user_has_no_code(factory: &dyn Factory) {
    let (scene, session) = with_code(factory).await;
    let deleted = scene
        .store
        .delete_user(session.user, None, administrator(START));
    assert_eq!(deleted.await, Ok(Changed::Done(1)));
    let rows = scene.rows().await;
    assert!(!rows.iter().any(|row| row.starts_with("reset_code")));
    assert_eq!(
        redeem(&scene, session.user, "1", START).await,
        Redeemed::Wrong
    );
    assert_eq!(issue(&scene, session.user, "2").await, Changed::NotFound);
}

/// Whoever issued it may not have been allowed to for the account that it is now. Other permissions leave it good.
pub async fn a_code_ends_when_its_user_may_do_more_here(factory: &dyn Factory) {
    for (role, raised, good) in [
        ("editor", "notes:*", true),
        ("editor", "relatch:read", false),
        ("administrator", "relatch:*", false),
    ] {
        let (scene, session) = with_code(factory).await;
        put(&scene, "editor", &["notes:read"]).await;
        put(&scene, "administrator", &["relatch:*"]).await;
        give(&scene, session.user, &[role]).await;
        put(&scene, role, &[raised]).await;
        let said = redeem(&scene, session.user, "1", START).await;
        assert_eq!(said != Redeemed::Wrong, good, "{role} {raised}");
    }
}
