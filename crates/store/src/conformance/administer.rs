//! Administrators make, list, disable, enable and delete users and set their passwords: each order is one step, and no
//! login slips through it.

use std::sync::Arc;

use relatch_core::{
    Store,
    session::{EndReason, Ended, open::Opening, store::Opened},
    store::Changed,
    user::{
        CredentialVersion, Credentials, Email, UserId, UserState, Username,
        reset::Redeemed,
        store::{
            Creating, EmailChange, Readdressing, Registered, Resetting, StateChange, UserQuery,
        },
    },
};
use serde_json::json;

use super::{
    Factory, reset,
    scene::{FIRST, SECOND, START, Scene, administrator, at_once, hash, opening, over, request},
};

fn creating(scene: &Scene, name: &str) -> Creating {
    Creating {
        roles: Vec::new(),
        code: None,
        user: scene.newcomer(name).user,
        hash: hash("first"),
        by: administrator(START),
    }
}

fn query(search: Option<&str>, after: Option<&str>, limit: u32) -> UserQuery {
    UserQuery {
        search: search.map(str::to_owned),
        after: after.map(|name| Username::parse(name).expect("a username")),
        limit,
    }
}

async fn names(scene: &Scene, query: UserQuery) -> Vec<String> {
    let users = scene.store.list_users(query).await.expect("reads");
    users
        .into_iter()
        .map(|user| user.username.to_string())
        .collect()
}

/// All that was given comes back, and the record says who did it.
pub async fn a_user_is_made_without_a_session(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let creating = creating(&scene, "ada");
    let user = creating.user.clone();
    let made = scene.store.create_user(creating).await;
    assert_eq!(made, Ok(Changed::Done(Registered::Done)));
    let expected = Credentials {
        user: user.clone(),
        hash: hash("first"),
        version: FIRST,
    };
    let found = scene.store.credentials(&user.username).await;
    assert_eq!(found, Ok(Some(expected)));
    assert_eq!(scene.count_live(user.id, START).await, 0);
    let event = scene.events(user.id).await.swap_remove(0);
    assert_eq!((event.name.as_str(), event.session), ("user.created", None));
    assert_eq!(event.detail, Some(json!({ "by": "command_line" })));
    let login = scene
        .store
        .open_session(opening(scene.draw(user.id, START)));
    assert!(matches!(login.await, Ok(Opened::Session(_))));
}

/// Neither a user nor an event.
pub async fn a_name_that_is_taken_makes_nobody(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    scene.register("ada").await;
    let before = scene.dump().await;
    let made = scene.store.create_user(creating(&scene, "ADA")).await;
    assert_eq!(made, Ok(Changed::Done(Registered::UsernameTaken)));
    assert_eq!(scene.dump().await, before);
}

/// Each user once, whatever the size of a page; no deleted ones.
pub async fn users_are_listed_by_name_in_pages(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    for name in ["dora", "ada", "carl", "bob", "eve"] {
        scene.register(name).await;
    }
    let gone = scene.register("cato").await.user;
    let deleted = scene
        .store
        .delete_user(gone, None, administrator(START))
        .await;
    assert_eq!(deleted, Ok(Changed::Done(1)));
    for limit in [1, 2, 5, 1_000] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = names(&scene, query(None, after.as_deref(), limit)).await;
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            seen.extend(page);
        }
        assert_eq!(seen, ["ada", "bob", "carl", "dora", "eve"], "{limit}");
    }
}

/// Letters of a text, not a pattern.
pub async fn a_search_finds_parts_of_names_and_addresses(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    for name in ["ada", "adam", "bob_1", "bobx1"] {
        scene.register(name).await;
    }
    let mut shouting = creating(&scene, "carl");
    shouting.user.email = Email::parse("CARL@Example.org").expect("an address");
    let made = scene.store.create_user(shouting).await;
    assert_eq!(made, Ok(Changed::Done(Registered::Done)));
    let all = ["ada", "adam", "bob_1", "bobx1"];
    for (search, expected) in [
        ("ada", &all[..]),
        ("ADAM", &["adam"]),
        ("b_1", &["bob_1"]),
        ("ADA@example.COM", &all),
        ("carl@example.ORG", &["carl"]),
        ("%", &[]),
        ("", &["ada", "adam", "bob_1", "bobx1", "carl"]),
    ] {
        let found = names(&scene, query(Some(search), None, 10)).await;
        assert_eq!(found, expected, "{search}");
    }
}

/// At once and in one step: nothing lives on, and a login that was verified before is refused.
pub async fn a_disabled_user_has_no_session_and_gets_none(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let first = scene.register("ada").await;
    let second = scene.open(scene.draw(first.user, START)).await;
    let stranger = scene.register("bob").await;
    let now = START.plus(SECOND);
    let order =
        scene
            .store
            .set_user_state(first.user, UserState::Disabled, None, administrator(now));
    assert_eq!(
        order.await,
        Ok(Changed::Done(StateChange::Changed { ended: 2 }))
    );
    let reason = EndReason::UserDisabled;
    for session in [&first, &second] {
        let ended = scene.row(session).await.life.ended;
        assert_eq!(ended, Some(Ended { reason, at: now }));
        let turn = scene.refresh(request(session, 0, now)).await;
        assert_eq!(turn, over(reason, now));
    }
    let login = scene
        .store
        .open_session(opening(scene.draw(first.user, now)));
    assert!(matches!(login.await, Ok(Opened::UserDisabled)));
    assert_eq!(scene.live(&[&stranger], now).await, [true]);
    assert_eq!(scene.count(first.user, "user.disabled").await, 1);
    assert_eq!(scene.count(first.user, "session.ended").await, 2);
}

/// What ended stays ended.
pub async fn an_enabled_user_logs_in_again(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let first = scene.register("ada").await;
    scene.disable(first.user).await;
    let order =
        scene
            .store
            .set_user_state(first.user, UserState::Active, None, administrator(START));
    assert_eq!(
        order.await,
        Ok(Changed::Done(StateChange::Changed { ended: 0 }))
    );
    let second = scene.open(scene.draw(first.user, START)).await;
    let live = scene.live(&[&first, &second], START).await;
    assert_eq!(live, [false, true]);
    assert_eq!(scene.count(first.user, "user.enabled").await, 1);
}

/// Not even the same again.
pub async fn an_order_that_changes_nothing_writes_nothing(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let (ada, bob) = (scene.register("ada").await, scene.register("bob").await);
    scene.disable(bob.user).await;
    let before = scene.dump().await;
    for (user, state) in [
        (ada.user, UserState::Active),
        (bob.user, UserState::Disabled),
    ] {
        let order = scene
            .store
            .set_user_state(user, state, None, administrator(START));
        assert_eq!(order.await, Ok(Changed::Done(StateChange::Unchanged)));
    }
    assert_eq!(scene.dump().await, before);
}

fn readdressing(user: UserId, email: &str) -> Readdressing {
    Readdressing {
        user,
        email: Email::parse(email).expect("an address"),
        expected: None,
        by: administrator(START.plus(SECOND)),
    }
}

/// The address and nothing else; the record has no address, for it outlives the account. Others may have the same one.
pub async fn another_address_ends_nothing(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let (ada, bob) = (scene.register("ada").await, scene.register("bob").await);
    let before = scene.store.credentials_of(ada.user).await;
    let before = before.expect("reads").expect("is there");
    let changed = Ok(Changed::Done(EmailChange::Changed { code_voided: false }));
    for user in [ada.user, bob.user] {
        let order = readdressing(user, "Countess@example.org");
        assert_eq!(scene.store.set_email(order).await, changed);
    }
    let mut expected = before.clone();
    expected.user.email = Email::parse("Countess@example.org").expect("an address");
    assert_ne!(before.user.tag(), expected.user.tag());
    let found = scene.store.credentials_of(ada.user).await;
    assert_eq!(found, Ok(Some(expected)));
    let live = scene.live(&[&ada, &bob], START.plus(SECOND)).await;
    assert_eq!(live, [true, true]);
    let login = scene
        .store
        .open_session(opening(scene.draw(ada.user, START)));
    assert!(matches!(login.await, Ok(Opened::Session(_))));
    let events = scene.events(ada.user).await;
    let mut changes = events.iter().filter(|e| e.name == "user.email_changed");
    let change = changes.next().expect("is on record");
    assert_eq!(change.detail, Some(json!({ "by": "command_line" })));
    let before = scene.dump().await;
    let same = readdressing(ada.user, "Countess@example.org");
    let again = scene.store.set_email(same).await;
    assert_eq!(again, Ok(Changed::Done(EmailChange::Unchanged)));
    assert_eq!(scene.dump().await, before);
}

/// It may be in the old mailbox. That of another user is not.
pub async fn another_address_voids_a_code(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let (ada, bob) = (scene.register("ada").await, scene.register("bob").await);
    for user in [ada.user, bob.user] {
        assert_eq!(reset::issue(&scene, user, "1").await, Changed::Done(()));
    }
    let same = readdressing(ada.user, "ada@example.com");
    let said = scene.store.set_email(same).await;
    assert_eq!(said, Ok(Changed::Done(EmailChange::Unchanged)));
    let rows = scene.rows().await;
    let codes = rows.iter().filter(|row| row.starts_with("reset_code"));
    assert_eq!(codes.count(), 2);
    let order = readdressing(ada.user, "countess@example.org");
    let said = scene.store.set_email(order).await;
    let changed = EmailChange::Changed { code_voided: true };
    assert_eq!(said, Ok(Changed::Done(changed)));
    let late = reset::redeem(&scene, ada.user, "1", START).await;
    assert_eq!(late, Redeemed::Wrong);
    let done = reset::redeem(&scene, bob.user, "1", START).await;
    assert_eq!(done, Redeemed::Done { ended: 1 });
}

/// A login that verified the old one is refused; one with the new one is not.
pub async fn a_reset_ends_every_session_and_voids_the_old_password(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let first = scene.register("ada").await;
    let bound = scene.open_bound(first.user).await;
    let (user, now) = (first.user, START.plus(SECOND));
    let resetting = Resetting {
        user,
        hash: hash("new"),
        by: administrator(now),
    };
    let reset = scene.store.reset_password(resetting).await;
    assert_eq!(reset, Ok(Changed::Done(2)));
    let reason = EndReason::PasswordChanged;
    for session in [&first, &bound] {
        let ended = scene.row(session).await.life.ended;
        assert_eq!(ended, Some(Ended { reason, at: now }));
    }
    let found = scene.store.credentials_of(user).await;
    let found = found.expect("reads").expect("is there");
    let second = CredentialVersion(2);
    assert_eq!((found.hash, found.version), (hash("new"), second));
    let late = scene.store.open_session(opening(scene.draw(user, now)));
    assert!(matches!(late.await, Ok(Opened::CredentialsChanged)));
    let fresh = Opening {
        verified: second,
        ..opening(scene.draw(user, now))
    };
    let opened = scene.store.open_session(fresh).await;
    assert!(matches!(opened, Ok(Opened::Session(_))));
    assert_eq!(scene.count(user, "password.reset").await, 1);
}

/// No name, address or hash is left anywhere; whoever holds a token hears why it is refused.
pub async fn a_deleted_user_is_nobody_and_his_devices_are_told(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let mut registering = scene.newcomer("grace.hopper");
    registering.hash = hash("unmistakable");
    let session = registering.session.clone();
    let (user, now) = (session.user, START.plus(SECOND));
    let registered = scene.store.register(registering).await;
    assert_eq!(registered, Ok(Registered::Done));
    let logged_out = scene.open(scene.draw(user, START)).await;
    scene.end(&logged_out, EndReason::Logout, START).await;
    let deleted = scene
        .store
        .delete_user(user, None, administrator(now))
        .await;
    assert_eq!(deleted, Ok(Changed::Done(1)));
    let rows = scene.rows().await;
    for secret in ["grace.hopper", "ada@example.com", "unmistakable"] {
        let left: Vec<_> = rows.iter().filter(|row| row.contains(secret)).collect();
        assert!(left.is_empty(), "{left:?}");
    }
    let name = Username::parse("grace.hopper").expect("a username");
    assert_eq!(scene.store.credentials(&name).await, Ok(None));
    assert_eq!(scene.store.credentials_of(user).await, Ok(None));
    let turn = scene.refresh(request(&session, 0, now)).await;
    assert_eq!(turn, over(EndReason::UserDeleted, now));
    let turn = scene.refresh(request(&logged_out, 0, now)).await;
    assert_eq!(turn, over(EndReason::Logout, START));
    let login = scene.store.open_session(opening(scene.draw(user, now)));
    assert!(matches!(login.await, Ok(Opened::CredentialsChanged)));
    assert_eq!(scene.count(user, "user.deleted").await, 1);
}

/// Another person, another id; and that one can be deleted too.
pub async fn a_deleted_name_is_free_at_once(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let session = scene.register("ada").await;
        assert!(!seen.contains(&session.user));
        seen.push(session.user);
        let by = administrator(START);
        let deleted = scene.store.delete_user(session.user, None, by).await;
        assert_eq!(deleted, Ok(Changed::Done(1)));
    }
    let made = scene.store.create_user(creating(&scene, "ada")).await;
    assert_eq!(made, Ok(Changed::Done(Registered::Done)));
}

/// An unknown user and a deleted one.
pub async fn nobody_is_administered_where_there_is_nobody(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let gone = scene.register("ada").await.user;
    let deleted = scene
        .store
        .delete_user(gone, None, administrator(START))
        .await;
    assert_eq!(deleted, Ok(Changed::Done(1)));
    let before = scene.dump().await;
    for user in [gone, scene.newcomer("bob").user.id] {
        let by = administrator(START.plus(SECOND));
        for state in [UserState::Active, UserState::Disabled] {
            let order = scene
                .store
                .set_user_state(user, state, None, by.clone())
                .await;
            assert_eq!(order, Ok(Changed::NotFound));
        }
        let order = readdressing(user, "x@example.com");
        assert_eq!(scene.store.set_email(order).await, Ok(Changed::NotFound));
        let hash = hash("new");
        let resetting = Resetting {
            user,
            hash,
            by: by.clone(),
        };
        assert_eq!(
            scene.store.reset_password(resetting).await,
            Ok(Changed::NotFound)
        );
        assert_eq!(
            scene.store.delete_user(user, None, by).await,
            Ok(Changed::NotFound)
        );
    }
    assert_eq!(scene.dump().await, before);
}

/// Logins that were verified before race the order: afterwards no session is live.
pub async fn a_login_does_not_survive_a_disabling(factory: &dyn Factory) {
    for _ in 0..8 {
        let scene = Scene::set(factory).await;
        let user = scene.register("ada").await.user;
        race_logins(&scene, user, async move |store| {
            let by = administrator(START);
            let order = store
                .set_user_state(user, UserState::Disabled, None, by)
                .await;
            assert!(matches!(
                order,
                Ok(Changed::Done(StateChange::Changed { .. }))
            ));
        })
        .await;
        assert_eq!(scene.count_live(user, START).await, 0);
    }
}

/// The same with a deletion.
pub async fn a_login_does_not_survive_a_deletion(factory: &dyn Factory) {
    for _ in 0..8 {
        let scene = Scene::set(factory).await;
        let user = scene.register("ada").await.user;
        race_logins(&scene, user, async move |store| {
            let deleted = store.delete_user(user, None, administrator(START)).await;
            assert!(matches!(deleted, Ok(Changed::Done(_))), "{deleted:?}");
        })
        .await;
        assert_eq!(scene.count_live(user, START).await, 0);
    }
}

/// Six logins that begin at once with an order in their midst.
async fn race_logins<F, T>(scene: &Scene, user: UserId, order: F)
where
    F: FnOnce(Arc<dyn Store>) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    let login = |_| {
        let (store, opening) = (Arc::clone(&scene.store), opening(scene.draw(user, START)));
        async move {
            let said = store.open_session(opening).await;
            assert!(said.is_ok(), "{said:?}");
        }
    };
    let mut racing: Vec<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>> = Vec::new();
    for number in 0..6 {
        racing.push(Box::pin(login(number)));
    }
    racing.insert(3, Box::pin(order(Arc::clone(&scene.store))));
    at_once(racing).await;
}

/// 16 people want the name of somebody who is deleted while they ask: one of them at most.
pub async fn one_of_many_gets_a_name_that_becomes_free(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let first = scene.register("ada").await.user;
    let crowd: Vec<_> = (0..16).map(|_| scene.newcomer("ada")).collect();
    let mut racing: Vec<_> = crowd.into_iter().map(Some).collect();
    racing.insert(8, None);
    let said = at_once(racing.into_iter().map(|one| {
        let store = Arc::clone(&scene.store);
        async move {
            if let Some(one) = one {
                return store.register(one).await == Ok(Registered::Done);
            }
            let deleted = store.delete_user(first, None, administrator(START)).await;
            assert_eq!(deleted, Ok(Changed::Done(1)));
            false
        }
    }))
    .await;
    let winners = said.iter().filter(|won| **won).count();
    let found = names(&scene, query(None, None, 100)).await;
    assert!(winners <= 1, "{said:?}");
    assert_eq!(found.len(), winners);
    if winners == 0 {
        scene.register("ada").await;
    }
}

/// Answered is on disk.
pub async fn what_an_administrator_did_outlives_the_process(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let [ada, bob, carl] = [
        scene.register("ada").await,
        scene.register("bob").await,
        scene.register("carl").await,
    ];
    let made = creating(&scene, "dora");
    let dora = made.user.id;
    let made = scene.store.create_user(made).await;
    assert_eq!(made, Ok(Changed::Done(Registered::Done)));
    scene.disable(ada.user).await;
    let by = administrator(START);
    let deleted = scene.store.delete_user(bob.user, None, by.clone()).await;
    assert_eq!(deleted, Ok(Changed::Done(1)));
    let resetting = Resetting {
        user: carl.user,
        hash: hash("new"),
        by,
    };
    assert_eq!(
        scene.store.reset_password(resetting).await,
        Ok(Changed::Done(1))
    );
    let store = scene.after_death().await;
    for user in [ada.user, bob.user, carl.user, dora] {
        let there = store.credentials_of(user).await.expect("reads");
        assert_eq!(Ok(there), scene.store.credentials_of(user).await);
    }
    for session in [ada, bob, carl] {
        let found = store.find_session(session.id).await.expect("reads");
        assert!(found.is_some_and(|row| row.life.ended.is_some()));
    }
}
