//! Orders are judged where they are carried out: by the session and the roles of that very moment.

use std::sync::Arc;

use relatch_core::{
    Tag,
    event::Administrator,
    permission::{
        Refusal,
        role::tag_of,
        store::{Assigning, Expected, Putting},
    },
    session::{EndReason, Ended, Session, store::Which},
    store::Changed,
    user::{
        Email, UserId, UserState,
        reset::{Issuing, NewCode, ResetCode},
        store::{Creating, Readdressing, Registered, StateChange},
    },
};
use serde_json::json;

use super::{
    Factory,
    role::{assigning, by_user, give, name, put, putting},
    scene::{START, Scene, administrator, at_once, hash},
};

/// What became of each order that somebody can give about this user: what it was, and whether and why it was refused.
async fn orders(scene: &Scene, by: &Session, about: &Session) -> Vec<(&'static str, Outcome)> {
    let (store, user, by) = (&scene.store, about.user, by_user(by));
    let creating = Creating {
        user: scene.newcomer("zoe").user,
        hash: hash("zoe"),
        roles: Vec::new(),
        code: None,
        by: by.clone(),
    };
    let code = NewCode {
        digest: ResetCode::parse("00000000000000000000")
            .expect("a code")
            .digest(user),
        expires_at: START,
    };
    let issuing = Issuing {
        user,
        code,
        by: by.clone(),
    };
    let assigned = Assigning {
        by: by.clone(),
        ..assigning(user, &["editor"])
    };
    let put = Putting {
        by: by.clone(),
        ..putting("new", &["notes:read"], Expected::Anything)
    };
    let one = Which::One(about.id);
    let readdressed = readdressing(user, None, &by);
    vec![
        ("create", of(store.create_user(creating).await)),
        ("code", of(store.issue_reset_code(issuing).await)),
        ("put", of(store.put_role(put).await)),
        (
            "remove",
            of(store
                .delete_role(name("spare"), Expected::Anything, by.clone())
                .await),
        ),
        ("assign", of(store.assign_roles(assigned).await)),
        (
            "end",
            of(store.end_sessions_of(user, one, by.clone()).await),
        ),
        (
            "end all",
            of(store.end_sessions_of(user, Which::All, by.clone()).await),
        ),
        (
            "disable",
            of(store
                .set_user_state(user, UserState::Disabled, None, by.clone())
                .await),
        ),
        ("readdress", of(store.set_email(readdressed).await)),
        ("delete", of(store.delete_user(user, None, by).await)),
    ]
}

fn readdressing(user: UserId, expected: Option<Tag>, by: &Administrator) -> Readdressing {
    Readdressing {
        user,
        email: Email::parse("new@example.org").expect("an address"),
        expected,
        by: by.clone(),
    }
}

#[derive(Debug)]
enum Outcome {
    Done,
    Refused(Refusal),
}

fn of<T: std::fmt::Debug>(said: Result<Changed<T>, relatch_core::StoreError>) -> Outcome {
    match said {
        Ok(Changed::Done(_)) => Outcome::Done,
        Ok(Changed::Refused(refusal)) => Outcome::Refused(refusal),
        other => panic!("{other:?}"),
    }
}

async fn roles(scene: &Scene) {
    put(scene, "administrator", &["relatch:*"]).await;
    put(scene, "helpdesk", &["relatch:users", "relatch:sessions"]).await;
    put(scene, "granter", &["relatch:grant"]).await;
    put(scene, "editor", &["notes:*"]).await;
    put(scene, "spare", &["notes:*"]).await;
}

/// A session that ended, is somebody else's or nobody's.
pub async fn an_order_without_a_live_session_changes_nothing(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    roles(&scene).await;
    let (ada, bob) = (scene.register("ada").await, scene.register("bob").await);
    give(&scene, ada.user, &["administrator"]).await;
    let over = scene.open(scene.draw(ada.user, START)).await;
    scene.end(&over, EndReason::Logout, START).await;
    let unknown = scene.draw(ada.user, START);
    let mut stolen = bob.clone();
    stolen.user = ada.user;
    let ended = Ended {
        reason: EndReason::Logout,
        at: START,
    };
    let before = scene.dump().await;
    for (by, why) in [
        (&over, Refusal::Over(ended)),
        (&unknown, Refusal::UnknownSession),
        (&stolen, Refusal::UnknownSession),
    ] {
        for (order, outcome) in orders(&scene, by, &bob).await {
            assert!(
                matches!(&outcome, Outcome::Refused(refusal) if *refusal == why),
                "{order}: {outcome:?}"
            );
        }
    }
    assert_eq!(scene.dump().await, before);
    for (order, outcome) in orders(&scene, &ada, &bob).await {
        assert!(matches!(outcome, Outcome::Done), "{order}: {outcome:?}");
    }
}

/// Without the permission, and with it on somebody who may do more.
pub async fn an_order_beyond_its_rights_changes_nothing(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    roles(&scene).await;
    let [ada, hal, gil, eve] = [
        scene.register("ada").await,
        scene.register("hal").await,
        scene.register("gil").await,
        scene.register("eve").await,
    ];
    give(&scene, ada.user, &["administrator"]).await;
    give(&scene, hal.user, &["helpdesk"]).await;
    give(&scene, gil.user, &["granter"]).await;
    let before = scene.dump().await;
    for (by, about, done) in [(&eve, &eve, ""), (&eve, &ada, "")] {
        for (order, outcome) in orders(&scene, by, about).await {
            let lacks = matches!(outcome, Outcome::Refused(Refusal::Lacks(_)));
            assert!(lacks, "{order}: {outcome:?}{done}");
        }
    }
    assert_eq!(scene.dump().await, before);
    for (by, mine) in [(&hal, &["create"][..]), (&gil, &["put", "remove"])] {
        for (order, outcome) in orders(&scene, by, &ada).await {
            let done = matches!(outcome, Outcome::Done);
            assert_eq!(done, mine.contains(&order), "{order}: {outcome:?}");
        }
    }
    assert_eq!(scene.live(&[&ada], START).await, [true]);
    assert_eq!(
        scene.store.roles_of(ada.user).await,
        Ok(vec![name("administrator")])
    );
}

/// Not those of when it was asked: taken away and given between.
pub async fn rights_are_those_of_the_moment(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    roles(&scene).await;
    let (ada, bob) = (scene.register("ada").await, scene.register("bob").await);
    let disable = async |state| {
        let order = scene
            .store
            .set_user_state(bob.user, state, None, by_user(&ada));
        order.await.expect("answers")
    };
    let lacks = Changed::Refused(Refusal::Lacks("relatch:users"));
    let changed = |ended| Changed::Done(StateChange::Changed { ended });
    assert_eq!(disable(UserState::Disabled).await, lacks);
    give(&scene, ada.user, &["helpdesk"]).await;
    assert_eq!(disable(UserState::Disabled).await, changed(1));
    put(&scene, "helpdesk", &["relatch:sessions"]).await;
    assert_eq!(disable(UserState::Active).await, lacks);
    put(&scene, "helpdesk", &["relatch:users"]).await;
    assert_eq!(disable(UserState::Active).await, changed(0));
    give(&scene, bob.user, &["administrator"]).await;
    let refused = disable(UserState::Disabled).await;
    assert!(matches!(refused, Changed::Refused(Refusal::Grant(_))));
}

/// Two administrators take the role from each other, disable or delete each other at the same moment: one is left.
pub async fn of_two_who_remove_each_other_one_stays(factory: &dyn Factory) {
    for round in 0..9 {
        let scene = Scene::set(factory).await;
        roles(&scene).await;
        let (ada, bob) = (scene.register("ada").await, scene.register("bob").await);
        give(&scene, ada.user, &["administrator"]).await;
        give(&scene, bob.user, &["administrator"]).await;
        let pairs = [(ada.clone(), bob.clone()), (bob, ada)];
        let said = at_once(pairs.map(|(by, about)| {
            let store = Arc::clone(&scene.store);
            async move {
                let (by, user) = (by_user(&by), about.user);
                match round % 3 {
                    0 => of_either(store.delete_user(user, None, by).await),
                    1 => {
                        let state = UserState::Disabled;
                        of_either(store.set_user_state(user, state, None, by).await)
                    }
                    _ => {
                        let order = Assigning {
                            by,
                            ..assigning(user, &[])
                        };
                        of_either(store.assign_roles(order).await)
                    }
                }
            }
        }))
        .await;
        let done = said.iter().filter(|done| **done).count();
        assert_eq!(done, 1, "round {round}");
    }
}

/// Done or not, for whichever reason.
fn of_either<T: std::fmt::Debug>(said: Result<Changed<T>, relatch_core::StoreError>) -> bool {
    match said {
        Ok(Changed::Done(_)) => true,
        Ok(Changed::Refused(_) | Changed::LastAdministrator) => false,
        other => panic!("{other:?}"),
    }
}

/// Whoever names a tag changes that state or none.
pub async fn what_was_not_seen_is_not_overwritten(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    roles(&scene).await;
    let ada = scene.register("ada").await.user;
    let found = scene.store.credentials_of(ada).await.expect("reads");
    let seen = found.expect("is there").user.tag();
    scene.disable(ada).await;
    let before = scene.dump().await;
    let (by, store) = (administrator(START), &scene.store);
    let stale = Some(seen.clone());
    let enabled = store.set_user_state(ada, UserState::Active, stale.clone(), by.clone());
    assert_eq!(enabled.await, Ok(Changed::Conflict));
    let order = readdressing(ada, stale.clone(), &by);
    let readdressed = store.set_email(order).await;
    assert_eq!(readdressed, Ok(Changed::Conflict));
    let deleted = store.delete_user(ada, stale, by.clone()).await;
    assert_eq!(deleted, Ok(Changed::Conflict));
    let stale = Assigning {
        expected: Some(tag_of([&name("spare")])),
        ..assigning(ada, &["editor"])
    };
    assert_eq!(store.assign_roles(stale).await, Ok(Changed::Conflict));
    assert_eq!(scene.dump().await, before);
    let fresh = Assigning {
        expected: Some(tag_of([])),
        ..assigning(ada, &["editor"])
    };
    assert_eq!(store.assign_roles(fresh).await, Ok(Changed::Done(0)));
    let found = store.credentials_of(ada).await.expect("reads");
    let now = found.expect("is there").user.tag();
    assert_ne!(now, seen);
    assert_eq!(
        store.delete_user(ada, Some(now), by).await,
        Ok(Changed::Done(0))
    );
}

/// One or all, counted once; an order that finds nothing to end leaves no trace.
pub async fn sessions_of_others_end_and_who_did_it_is_on_record(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    roles(&scene).await;
    let (hal, bob) = (scene.register("hal").await, scene.register("bob").await);
    give(&scene, hal.user, &["helpdesk"]).await;
    let second = scene.open(scene.draw(bob.user, START)).await;
    let third = scene.open(scene.draw(bob.user, START)).await;
    let end = async |which| {
        let order = scene.store.end_sessions_of(bob.user, which, by_user(&hal));
        order.await.expect("answers")
    };
    assert_eq!(end(Which::One(bob.id)).await, Changed::Done(1));
    assert_eq!(end(Which::One(bob.id)).await, Changed::Done(0));
    assert_eq!(end(Which::One(hal.id)).await, Changed::Done(0));
    assert_eq!(end(Which::All).await, Changed::Done(2));
    let live = scene.live(&[&bob, &second, &third, &hal], START).await;
    assert_eq!(live, [false, false, false, true]);
    let events = scene.events(bob.user).await;
    let orders: Vec<_> = events
        .iter()
        .filter(|event| event.name == "session.end_ordered")
        .collect();
    let sessions: Vec<_> = orders.iter().map(|event| event.session).collect();
    assert_eq!(sessions, [None, Some(bob.id)]);
    let by = Some(json!({ "by": hal.user.to_string() }));
    assert!(orders.iter().all(|event| event.detail == by));
    let nobody = scene.newcomer("zoe").user.id;
    let order = scene
        .store
        .end_sessions_of(nobody, Which::All, administrator(START));
    assert_eq!(order.await, Ok(Changed::NotFound));
    let made = Creating {
        user: scene.newcomer("ida").user,
        hash: hash("ida"),
        roles: vec![name("editor")],
        code: None,
        by: by_user(&hal),
    };
    let made = scene.store.create_user(made).await;
    assert_eq!(made, Ok(Changed::Done(Registered::Done)));
}
