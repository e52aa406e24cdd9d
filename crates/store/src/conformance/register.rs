//! Users come to be: one name, one user, with a first session.

use std::sync::Arc;

use relatch_core::{
    event::EventRow,
    session::{EndReason, Ended},
    user::{
        Credentials, Username,
        store::{Registered, Registering},
    },
};

use super::{
    Factory,
    scene::{FIRST, START, Scene, at_once},
};

/// All that was given comes back, under the name and under the id.
pub async fn a_user_comes_back_as_registered(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let registering = scene.newcomer("ada");
    let Registering {
        user,
        hash,
        session,
        ..
    } = registering.clone();
    let expected = Some(Credentials {
        user: user.clone(),
        hash,
        version: FIRST,
    });
    assert_eq!(scene.store.credentials(&user.username).await, Ok(None));
    assert_eq!(scene.store.credentials_of(user.id).await, Ok(None));
    let registered = scene.store.register(registering).await;
    assert_eq!(registered, Ok(Registered::Done));
    let found = scene.store.credentials(&user.username).await;
    assert_eq!(found, Ok(expected.clone()));
    assert_eq!(scene.store.credentials_of(user.id).await, Ok(expected));
    assert_eq!(scene.row(&session).await, session);
    let event = EventRow {
        number: 1,
        at: START,
        name: "user.registered".to_owned(),
        user: user.id,
        session: Some(session.id),
        address: Some("192.0.2.7".to_owned()),
        agent: Some("a browser".to_owned()),
        detail: None,
    };
    assert_eq!(scene.events(user.id).await, [event]);
}

/// The second of a name leaves nothing: no user, no session, no event.
pub async fn a_name_is_taken_whatever_its_case(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let first = scene.register("Ada.Lovelace").await;
    let before = scene.dump().await;
    for name in ["Ada.Lovelace", "ada.lovelace", "ADA.LOVELACE"] {
        let registered = scene.store.register(scene.newcomer(name)).await;
        assert_eq!(registered, Ok(Registered::UsernameTaken), "{name}");
    }
    assert_eq!(scene.dump().await, before);
    let name = Username::parse("aDA.lOVELACE").expect("a username");
    let found = scene.store.credentials(&name).await.expect("reads");
    assert_eq!(found.map(|found| found.user.id), Some(first.user));
}

/// 16 people want one name at once.
pub async fn one_of_many_gets_the_name(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let crowd: Vec<_> = (0..16)
        .map(|number| scene.newcomer(if number % 2 == 0 { "ada" } else { "ADA" }))
        .collect();
    let said = at_once(crowd.iter().cloned().map(|one| {
        let store = Arc::clone(&scene.store);
        async move { store.register(one).await }
    }))
    .await;
    let mut winners = Vec::new();
    for (one, said) in crowd.iter().zip(said) {
        let found = scene.store.find_session(one.session.id).await;
        assert_eq!(
            scene.events(one.user.id).await.len(),
            usize::from(found != Ok(None))
        );
        match said.expect("answers") {
            Registered::Done => winners.push(one.user.id),
            Registered::UsernameTaken => assert_eq!(found, Ok(None)),
        }
    }
    let name = Username::parse("ada").expect("a username");
    let found = scene.store.credentials(&name).await.expect("reads");
    let found: Vec<_> = found.into_iter().map(|found| found.user.id).collect();
    assert_eq!(winners, found, "one, and the one that is there");
}

/// 32 people with names of their own and one address, which is not unique.
pub async fn different_names_do_not_meet(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let crowd: Vec<_> = (0..32)
        .map(|number| scene.newcomer(&format!("user{number}")))
        .collect();
    let said = at_once(crowd.iter().cloned().map(|one| {
        let store = Arc::clone(&scene.store);
        async move { store.register(one).await }
    }))
    .await;
    assert!(said.iter().all(|said| *said == Ok(Registered::Done)));
    for one in &crowd {
        let found = scene.store.credentials_of(one.user.id).await;
        let found = found.expect("reads").map(|found| found.user);
        assert_eq!(found.as_ref(), Some(&one.user));
        assert_eq!(scene.row(&one.session).await, one.session);
    }
}

/// Of whoever used the browser before; unless the name is taken.
pub async fn a_registration_ends_the_session_whose_place_its_own_takes(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let old = scene.register("ada").await;
    let replacing = |name: &str| Registering {
        replaces: Some(old.id),
        ..scene.newcomer(name)
    };
    let before = scene.dump().await;
    let registered = scene.store.register(replacing("ada")).await;
    assert_eq!(registered, Ok(Registered::UsernameTaken));
    assert_eq!(scene.dump().await, before);
    let registered = scene.store.register(replacing("eve")).await;
    assert_eq!(registered, Ok(Registered::Done));
    let reason = EndReason::Replaced;
    assert_eq!(
        scene.row(&old).await.life.ended,
        Some(Ended { reason, at: START })
    );
    assert_eq!(scene.count(old.user, "session.ended").await, 1);
}
