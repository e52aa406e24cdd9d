//! Events are kept in order, and failed logins as numbers.

use std::{net::IpAddr, sync::Arc, time::Duration};

use relatch_core::{
    Timestamp,
    event::{Actor, Event, EventKind, EventRow, Origin},
    session::{EndReason, Generation},
    user::UserId,
};

use super::{
    Factory,
    scene::{SECOND, START, Scene, at_once, origin},
};

const HOUR: Duration = Duration::from_hours(1);

fn from(address: &str) -> Origin {
    let address: IpAddr = address.parse().expect("an address");
    Origin {
        address: Some(address),
        agent: None,
    }
}

async fn fail(scene: &Scene, user: Option<UserId>, origin: Origin, now: Timestamp) {
    let counted = scene.store.count_failed_login(user, origin, now).await;
    assert_eq!(counted, Ok(()));
}

async fn failed(scene: &Scene, user: Option<UserId>, since: Timestamp) -> u64 {
    let failed = scene.store.failed_logins(user, since).await;
    failed.expect("reads")
}

/// Every kind of event, with and without what may be missing.
pub async fn every_field_comes_back(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let (user, session) = (
        scene.newcomer("ada").user.id,
        scene.newcomer("b").session.id,
    );
    let (presented, newest) = (Generation(1), Generation(u32::MAX));
    let kinds = [
        EventKind::Registered,
        EventKind::LoggedIn,
        EventKind::SessionEnded(EndReason::Logout),
        EventKind::ReuseDetected { presented, newest },
        EventKind::LateRetry { presented, newest },
        EventKind::PasswordChanged,
        EventKind::PasswordChangeFailed,
        EventKind::Reauthenticated,
        EventKind::ReauthenticationFailed,
        EventKind::UserCreated(Actor::CommandLine),
        EventKind::UserDisabled(Actor::User(user, session)),
        EventKind::UserEnabled(Actor::CommandLine),
        EventKind::UserDeleted(Actor::User(user, session)),
        EventKind::EmailChanged(Actor::CommandLine),
        EventKind::PasswordReset(Actor::CommandLine),
        EventKind::ResetCodeIssued(Actor::User(user, session)),
        EventKind::PasswordResetByCode,
        EventKind::ResetCodeVoided,
        EventKind::SessionEndOrdered(Actor::CommandLine),
    ];
    let mut number = 0;
    for kind in kinds {
        for (session, origin) in [
            (Some(session), origin()),
            (None, Origin::default()),
            (None, from("2001:db8::1")),
        ] {
            number += 1;
            let row = EventRow {
                number,
                at: START,
                name: kind.name().to_owned(),
                user,
                session,
                address: origin.address.map(|address| address.to_string()),
                agent: origin.agent.clone(),
                detail: kind.detail(),
            };
            let (at, kind) = (START, kind.clone());
            let event = Event {
                at,
                kind,
                user,
                session,
                origin,
            };
            assert_eq!(scene.store.append_event(event).await, Ok(()));
            assert_eq!(scene.events(user).await.first(), Some(&row));
        }
    }
}

/// Newest by arrival, not by the clock, which may go back; and only the user's own.
pub async fn the_newest_come_first_up_to_the_limit(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let users = [scene.newcomer("ada").user.id, scene.newcomer("bob").user.id];
    let times = [5, 1, 9, 2, 7].map(|second| START.plus(SECOND * second));
    for at in times {
        for user in users {
            let event = Event {
                at,
                kind: EventKind::LoggedIn,
                user,
                session: None,
                origin: origin(),
            };
            assert_eq!(scene.store.append_event(event).await, Ok(()));
        }
    }
    for (limit, expected) in [(0, 0), (1, 1), (3, 3), (5, 5), (u32::MAX, 5)] {
        let rows = scene.store.list_events(users[0], limit).await;
        let rows = rows.expect("reads");
        assert!(rows.iter().all(|row| row.user == users[0]));
        let at: Vec<_> = rows.into_iter().map(|row| row.at).collect();
        let newest: Vec<_> = times.into_iter().rev().take(expected).collect();
        assert_eq!(at, newest, "limit {limit}");
    }
}

/// By user, unknown names together; since an hour as a whole.
pub async fn failed_logins_count_by_the_hour(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let (ada, bob) = (scene.newcomer("ada").user.id, scene.newcomer("bob").user.id);
    let hour = Timestamp::from_seconds(START.as_seconds() / 3_600 * 3_600);
    let before = hour.minus(Duration::from_millis(1));
    fail(&scene, Some(ada), from("192.0.2.1"), before).await;
    fail(&scene, Some(ada), from("192.0.2.1"), hour).await;
    fail(&scene, Some(ada), from("192.0.2.2"), hour.plus(SECOND)).await;
    fail(&scene, Some(ada), Origin::default(), hour.plus(HOUR)).await;
    fail(&scene, None, from("192.0.2.1"), hour).await;
    assert_eq!(failed(&scene, Some(ada), before).await, 4);
    assert_eq!(failed(&scene, Some(ada), hour).await, 3);
    let late = hour.plus(HOUR).minus(SECOND);
    assert_eq!(failed(&scene, Some(ada), late).await, 3);
    assert_eq!(failed(&scene, Some(ada), hour.plus(HOUR)).await, 1);
    assert_eq!(failed(&scene, Some(ada), hour.plus(2 * HOUR)).await, 0);
    assert_eq!(failed(&scene, Some(bob), before).await, 0);
    assert_eq!(failed(&scene, None, before).await, 1);
}

/// A flood from one network is one row an hour: a /64 of IPv6 is one, and IPv4 within IPv6 is IPv4.
pub async fn failed_logins_of_one_network_share_a_row(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let user = Some(scene.newcomer("ada").user.id);
    let networks = [
        ["2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff"],
        ["2001:db8:0:2::1", "2001:db8:0:2::2"],
        ["192.0.2.1", "::ffff:192.0.2.1"],
        ["192.0.2.2", "192.0.2.2"],
    ];
    let rows = async |scene: &Scene| {
        let rows = scene.rows().await;
        let rows = rows.iter().filter(|row| row.starts_with("failed_login "));
        rows.count()
    };
    for (place, network) in networks.iter().enumerate() {
        for address in network {
            fail(&scene, user, from(address), START).await;
            assert_eq!(rows(&scene).await, place + 1, "{address}");
        }
    }
    assert_eq!(failed(&scene, user, START).await, 8);
    fail(&scene, None, from("192.0.2.1"), START).await;
    fail(&scene, user, from("192.0.2.1"), START.plus(HOUR)).await;
    assert_eq!(rows(&scene).await, 6);
}

/// None gets lost.
pub async fn failed_logins_at_once_are_all_counted(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let user = Some(scene.newcomer("ada").user.id);
    let said = at_once((0..64).map(|_| {
        let store = Arc::clone(&scene.store);
        async move { store.count_failed_login(user, origin(), START).await }
    }))
    .await;
    assert!(said.iter().all(Result::is_ok), "{said:?}");
    assert_eq!(failed(&scene, user, START).await, 64);
}

/// Only whole hours before the one named, and no more rows than asked for.
pub async fn failed_logins_of_long_ago_are_swept_a_few_at_a_time(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let user = Some(scene.newcomer("ada").user.id);
    let hours = [START, START.plus(HOUR), START.plus(2 * HOUR)];
    for at in hours {
        fail(&scene, user, from("192.0.2.1"), at).await;
        fail(&scene, None, from("192.0.2.1"), at).await;
    }
    let before = START.plus(2 * HOUR);
    let mut gone = Vec::new();
    for _ in 0..3 {
        gone.push(scene.store.sweep_failed_logins(before, 3).await);
    }
    assert_eq!(gone, [Ok(3), Ok(1), Ok(0)]);
    assert_eq!(failed(&scene, user, START).await, 1);
    assert_eq!(failed(&scene, None, START).await, 1);
}
