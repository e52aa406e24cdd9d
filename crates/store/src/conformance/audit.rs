//! The record is sealed row by row, whoever seals it, and searched.

use std::{sync::Arc, time::Duration};

use relatch_core::{
    Store, Timestamp,
    event::{
        Actor, Event, EventKind, EventQuery, EventRow, Origin,
        chain::Hash,
        head::{KeptHead, Point, SignedHead},
        seal::{BATCH, HeadFault, Sealer, Step},
        store::Appended,
        verify::{Break, Verified, verify},
    },
    key::{Algorithm, Jwk, KeyRecord, KeySet, KeyState, Keyring, Purpose, Sealed},
    session::SessionId,
    token::{SigningKey, TokenKey, TokenKeys},
    user::UserId,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Factory,
    scene::{DAY, SECOND, START, Scene, administrator, at_once, origin},
};

const USER: UserId = UserId(Uuid::from_u128(1));
const NOBODY: UserId = UserId(Uuid::nil());
const HOUR: Duration = Duration::from_hours(1);

fn key(number: u8) -> SigningKey {
    SigningKey::open(&format!("key-{number}"), Algorithm::EdDsa, &[number; 32]).expect("a key")
}

fn jwk(number: u8) -> Jwk {
    key(number).jwk().expect("a public key")
}

/// What a server has that signs with the first of these keys and accepts all.
#[expect(clippy::indexing_slicing, reason = "a case fails by panicking")]
fn keys(numbers: &[u8]) -> Keyring {
    Keyring {
        signing: key(numbers[0]),
        published: KeySet::new(numbers.iter().copied().map(jwk).collect()).expect("a set"),
        tokens: TokenKeys::new(TokenKey::new(1, &[7; 32]), Vec::new()),
        version: 1,
    }
}

fn event(number: u32) -> Event {
    Event {
        at: START.plus(SECOND * number),
        kind: EventKind::LoggedIn,
        user: USER,
        session: Some(SessionId(Uuid::from_u128(number.into()))),
        origin: origin(),
    }
}

/// So many further rows of the record.
async fn write(store: &dyn Store, count: u32) {
    for number in 0..count {
        assert_eq!(store.append_event(event(number)).await, Ok(()));
    }
}

async fn seal(scene: &Scene, keys: &Keyring) {
    let mut sealer = Sealer::default();
    let sealed = sealer.catch_up(scene.store.as_ref(), keys, START).await;
    assert_eq!(sealed, Ok(None));
}

async fn verified(scene: &Scene, keys: &Keyring, kept: Vec<KeptHead>) -> Verified {
    let found = verify(scene.store.as_ref(), &keys.published, kept).await;
    found.expect("reads")
}

async fn newest(scene: &Scene) -> SignedHead {
    let unsealed = scene.store.unsealed(1).await.expect("reads");
    unsealed.head.expect("there is one")
}

/// Names and details of the store's own events, the oldest first.
async fn of_store(scene: &Scene) -> Vec<(String, Value)> {
    let mut rows = scene.events(NOBODY).await;
    rows.reverse();
    let told = |row: EventRow| (row.name, row.detail.unwrap_or_default());
    rows.into_iter().map(told).collect()
}

/// However many wait: after a quiet moment the newest head covers the last row, and each head follows the one before.
pub async fn a_sealer_covers_every_row(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    write(scene.store.as_ref(), 2 * BATCH + 10).await;
    seal(&scene, &keys(&[1])).await;
    write(scene.store.as_ref(), 3).await;
    let rows = i64::from(2 * BATCH + 10 + 2);
    let found = verified(&scene, &keys(&[1]), Vec::new()).await;
    assert_eq!(
        (found.sealed, found.unsealed, found.broken),
        (rows, 3, None)
    );
    assert_eq!(found.heads, 3, "as few as can be");
    seal(&scene, &keys(&[1])).await;
    let found = verified(&scene, &keys(&[1]), Vec::new()).await;
    assert_eq!((found.sealed, found.unsealed), (rows + 3, 0));
    let told = of_store(&scene).await;
    assert_eq!(told.len(), 2);
    assert_eq!(
        told.first().map(|told| &told.1),
        Some(&json!({ "earlier_events": 522 }))
    );
    let second = told.get(1).expect("is there");
    assert_eq!(second.0, "audit.key_taken");
    assert_eq!(second.1.pointer("/jwk/kid"), Some(&json!("key-1")));
}

/// An empty record is sealed by what its sealing leaves there, and then nothing is written any more.
pub async fn a_sealer_at_rest_writes_nothing(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    seal(&scene, &keys(&[1])).await;
    let before = scene.dump().await;
    for _ in 0..3 {
        seal(&scene, &keys(&[1])).await;
    }
    assert_eq!(scene.dump().await, before);
    let found = verified(&scene, &keys(&[1]), Vec::new()).await;
    assert_eq!((found.sealed, found.heads, found.broken), (2, 1, None));
}

/// A server and commands beside it: one chain comes of it, with every row in it.
pub async fn many_sealers_make_one_chain(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    seal(&scene, &keys(&[1])).await;
    let said = at_once((0..12).map(|number| {
        let store = Arc::clone(&scene.store);
        async move {
            if number % 2 == 0 {
                write(store.as_ref(), 60).await;
                return Ok(None);
            }
            let mut sealer = Sealer::default();
            for _ in 0..20 {
                let sealed = sealer.catch_up(store.as_ref(), &keys(&[1]), START).await?;
                if sealed.is_some() {
                    return Ok(sealed);
                }
            }
            Ok::<_, relatch_core::StoreError>(None)
        }
    }))
    .await;
    assert!(said.iter().all(|said| *said == Ok(None)), "{said:?}");
    seal(&scene, &keys(&[1])).await;
    let found = verified(&scene, &keys(&[1]), Vec::new()).await;
    assert_eq!((found.sealed, found.unsealed, found.broken), (362, 0, None));
}

/// The slower of two adds nothing.
pub async fn a_head_follows_the_one_that_it_names(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let head = |number| {
        let point = Point {
            number,
            hash: Hash([1; 32]),
        };
        SignedHead::sign(point, vec![2; 8], &key(1), START)
    };
    assert_eq!(
        scene.store.append_head(1, head(2)).await,
        Ok(Appended::NotNext)
    );
    assert_eq!(
        scene.store.append_head(0, head(2)).await,
        Ok(Appended::Done)
    );
    for wrong in [0, 1, 3] {
        assert_eq!(
            scene.store.append_head(wrong, head(4)).await,
            Ok(Appended::NotNext)
        );
    }
    assert_eq!(
        scene.store.append_head(2, head(4)).await,
        Ok(Appended::Done)
    );
    assert_eq!(scene.store.heads(None, 9).await, Ok(vec![head(2), head(4)]));
    assert_eq!(scene.store.heads(Some(2), 9).await, Ok(vec![head(4)]));
    assert_eq!(scene.store.heads(None, 1).await, Ok(vec![head(2)]));
    assert_eq!(newest(&scene).await, head(4));
}

/// The key that signed the first heads is forgotten; the record names it, and the newest head vouches for the record.
pub async fn heads_stay_good_when_keys_turn(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    write(scene.store.as_ref(), 3).await;
    seal(&scene, &keys(&[1, 2])).await;
    let kept = newest(&scene).await.jws();
    seal(&scene, &keys(&[2, 1])).await;
    assert_eq!(
        newest(&scene).await.kid,
        "key-2",
        "at once, though nothing else happened"
    );
    write(scene.store.as_ref(), 3).await;
    seal(&scene, &keys(&[2, 3])).await;
    seal(&scene, &keys(&[3, 2])).await;
    let own = keys(&[3]);
    let taken = relatch_core::event::seal::keys_taken(scene.store.as_ref()).await;
    let taken = taken.expect("reads");
    let find = |kid: &str| taken.iter().find(|key| key.kid() == Some(kid)).cloned();
    let kept = KeptHead::read(&kept, find).expect("is good");
    let found = verified(&scene, &own, vec![kept]).await;
    assert_eq!((found.heads, found.sealed, found.broken), (4, 10, None));
}

/// A sealer that signed with a key does not doubt its head when the key is withdrawn; another one does.
pub async fn a_withdrawn_key_is_not_believed_any_more(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let store = scene.store.as_ref();
    let mut sealer = Sealer::default();
    assert_eq!(sealer.catch_up(store, &keys(&[1]), START).await, Ok(None));
    write(store, 1).await;
    let mut stranger = Sealer::default();
    let step = stranger.step(store, &keys(&[2]), START).await;
    assert_eq!(step, Ok(Step::Unknown));
    let step = stranger.step(store, &keys(&[2]), START).await;
    assert_eq!(step, Ok(Step::Broken(HeadFault::Forged)));
    let told = of_store(&scene).await;
    let expected = json!({ "head": 2, "fault": "forged" });
    assert_eq!(
        told.last(),
        Some(&("audit.seal_broken".to_owned(), expected))
    );
    assert_eq!(sealer.catch_up(store, &keys(&[2]), START).await, Ok(None));
    let found = verified(&scene, &keys(&[2]), Vec::new()).await;
    assert_eq!((found.unsealed, found.broken), (0, None));
}

/// Two processes, one of which withdraws the key with which the other still seals: it seals no more, and what it sealed until
/// then is believed.
pub async fn nobody_seals_with_a_withdrawn_key(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let store = scene.store.as_ref();
    let (mut withdrawing, mut stale) = (Sealer::default(), Sealer::default());
    let sealed = withdrawing.catch_up(store, &keys(&[1]), START).await;
    assert_eq!(sealed, Ok(None));
    write(store, 1).await;
    assert_eq!(stale.catch_up(store, &keys(&[1]), START).await, Ok(None));
    let withdrawn = KeyRecord {
        purpose: Purpose::Signing,
        id: "key-1".to_owned(),
        algorithm: Some(Algorithm::EdDsa),
        state: KeyState::Compromised { at: START },
        sealed: Sealed {
            master: [0; 8],
            bytes: vec![0],
        },
    };
    let saved = store.save_keys(0, vec![withdrawn], administrator(START));
    assert_eq!(saved.await, Ok(true));
    let step = stale.step(store, &keys(&[1]), START).await;
    assert_eq!(step, Ok(Step::KeyWithdrawn));
    assert_eq!(withdrawing.believe(store, &keys(&[1])).await, Ok(()));
    for sealer in [&mut withdrawing, &mut stale] {
        let sealed = sealer.catch_up(store, &keys(&[2]), START).await;
        assert_eq!(sealed, Ok(None));
    }
    assert_eq!(newest(&scene).await.kid, "key-2");
}

/// Another process made a key and sealed with it before this one has looked at the keys: nobody was at the database.
pub async fn a_head_of_a_newer_key_is_no_fault(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let store = scene.store.as_ref();
    let mut sealer = Sealer::default();
    assert_eq!(sealer.catch_up(store, &keys(&[1]), START).await, Ok(None));
    write(store, 1).await;
    seal(&scene, &keys(&[2, 1])).await;
    let step = sealer.step(store, &keys(&[1]), START).await;
    assert_eq!(step, Ok(Step::Unknown));
    let step = sealer.step(store, &keys(&[2, 1]), START).await;
    assert_eq!(step, Ok(Step::Rests));
    let told = of_store(&scene).await;
    assert!(told.iter().all(|event| event.0 != "audit.seal_broken"));
}

/// Somebody who can write the database and has no key: his head is refused, and that is on record.
pub async fn a_forged_head_is_found(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let store = scene.store.as_ref();
    write(store, 2).await;
    seal(&scene, &keys(&[1])).await;
    write(store, 1).await;
    let waiting = store.unsealed(9).await.expect("reads");
    let from = waiting.head.expect("is there").point;
    let row = waiting.records.first().expect("waits");
    let point = Point {
        number: row.number,
        hash: from.hash.then(row),
    };
    let mut forged = SignedHead::sign(point, Vec::new(), &key(9), START);
    "key-1".clone_into(&mut forged.kid);
    assert_eq!(
        store.append_head(from.number, forged).await,
        Ok(Appended::Done)
    );
    let broken = Break::HeadForged { first: 5, head: 5 };
    let found = verified(&scene, &keys(&[1]), Vec::new()).await;
    assert_eq!((found.sealed, found.broken), (4, Some(broken.clone())));
    let mut sealer = Sealer::default();
    let sealed = sealer.catch_up(store, &keys(&[1]), START).await;
    assert_eq!(sealed, Ok(Some(HeadFault::Forged)));
    let found = verified(&scene, &keys(&[1]), Vec::new()).await;
    assert_eq!(found.broken, Some(broken), "what was found stays found");
}

/// He brings a key of his own, and puts it on record as well.
pub async fn a_key_of_somebody_else_is_found(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    write(scene.store.as_ref(), 2).await;
    seal(&scene, &keys(&[1])).await;
    write(scene.store.as_ref(), 2).await;
    seal(&scene, &keys(&[9, 1])).await;
    let broken = Break::HeadForeign {
        first: 5,
        head: 7,
        kid: "key-9".to_owned(),
    };
    let found = verified(&scene, &keys(&[1]), Vec::new()).await;
    assert_eq!(found.broken, Some(broken));
}

/// A head that was kept elsewhere tells of a record that another one took the place of, or that ends too early.
pub async fn a_kept_head_tells_of_another_record(factory: &dyn Factory) {
    let (scene, other) = (Scene::set(factory).await, Scene::set(factory).await);
    let mut kept = Vec::new();
    for _ in 0..3 {
        write(scene.store.as_ref(), 2).await;
        seal(&scene, &keys(&[1])).await;
        let head = newest(&scene).await.jws();
        kept.push(KeptHead::read(&head, |_| Some(jwk(1))).expect("is good"));
    }
    let found = verified(&scene, &keys(&[1]), kept.clone()).await;
    assert_eq!(found.broken, None);
    write(other.store.as_ref(), 2).await;
    seal(&other, &keys(&[1])).await;
    let found = verified(&other, &keys(&[1]), kept.clone()).await;
    let cut = Break::CutOff {
        first: 5,
        sealed: 6,
    };
    assert_eq!(found.broken, Some(cut));
    write(other.store.as_ref(), 1).await;
    let stopped = EventKind::ServerStopped { version: "0" };
    let event = Event::of_store(stopped, START);
    assert_eq!(other.store.append_event(event).await, Ok(()));
    let replaced = Break::Replaced { first: 5, head: 6 };
    for _ in 0..2 {
        let found = verified(&other, &keys(&[1]), kept.clone()).await;
        assert_eq!(found.broken, Some(replaced.clone()), "sealed or not");
        seal(&other, &keys(&[1])).await;
    }
}

/// A sealer remembers how far the record went.
pub async fn a_record_that_was_taken_back_is_noticed(factory: &dyn Factory) {
    let (scene, older) = (Scene::set(factory).await, Scene::set(factory).await);
    seal(&older, &keys(&[1])).await;
    let mut sealer = Sealer::default();
    write(scene.store.as_ref(), 5).await;
    let sealed = sealer
        .catch_up(scene.store.as_ref(), &keys(&[1]), START)
        .await;
    assert_eq!(sealed, Ok(None));
    let step = sealer.step(older.store.as_ref(), &keys(&[1]), START).await;
    assert_eq!(step, Ok(Step::Broken(HeadFault::CutOff)));
    let expected = json!({ "head": 2, "fault": "cut_off" });
    assert_eq!(
        of_store(&older).await.last().map(|told| &told.1),
        Some(&expected)
    );
    let sealed = sealer
        .catch_up(older.store.as_ref(), &keys(&[1]), START)
        .await;
    assert_eq!(sealed, Ok(None), "it is told once");
}

/// Six rows about two users.
async fn write_six(store: &dyn Store, from: Timestamp) {
    let rows = [
        (5, ADA, None, EventKind::UserCreated(Actor::CommandLine)),
        (6, ADA, Some(PHONE), EventKind::LoggedIn),
        (7, EVE, None, EventKind::LoggedIn),
        (4, EVE, None, EventKind::PasswordChanged),
        (9, ADA, None, EventKind::UserDisabled(Actor::CommandLine)),
        (8, ADA, Some(PHONE), EventKind::Reauthenticated),
    ];
    for (second, user, session, kind) in rows {
        let event = Event {
            at: from.plus(SECOND * second),
            kind,
            user,
            session,
            origin: Origin::default(),
        };
        assert_eq!(store.append_event(event).await, Ok(()));
    }
}

const ADA: UserId = UserId(Uuid::from_u128(2));
const EVE: UserId = UserId(Uuid::from_u128(3));
const PHONE: SessionId = SessionId(Uuid::from_u128(7));

async fn finds(scene: &Scene, expected: &[i64], part: impl FnOnce(&mut EventQuery)) {
    let mut query = EventQuery {
        limit: 9,
        ..EventQuery::default()
    };
    part(&mut query);
    let found = scene.store.search_events(query.clone()).await;
    let found: Vec<_> = found.expect("reads").iter().map(|row| row.number).collect();
    assert_eq!(found, expected, "{query:?}");
}

/// By every part of a query alone and by several, the last come first, page by page.
pub async fn the_record_is_searched(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    write_six(scene.store.as_ref(), START).await;
    let name = |name: &str| Some(name.to_owned());
    finds(&scene, &[6, 5, 4, 3, 2, 1], |_| {}).await;
    finds(&scene, &[6, 5], |q| q.limit = 2).await;
    finds(&scene, &[4, 3], |q| (q.before, q.limit) = (Some(5), 2)).await;
    finds(&scene, &[6, 5, 2, 1], |q| q.user = Some(ADA)).await;
    finds(&scene, &[2, 1], |q| {
        (q.user, q.before) = (Some(ADA), Some(5));
    })
    .await;
    finds(&scene, &[6, 2], |q| q.session = Some(PHONE)).await;
    finds(&scene, &[], |q| {
        (q.session, q.user) = (Some(PHONE), Some(EVE));
    })
    .await;
    finds(&scene, &[6, 5, 1], |q| q.name = name("user.")).await;
    finds(&scene, &[5], |q| q.name = name("user.disabled")).await;
    finds(&scene, &[3, 2], |q| q.name = name("session.opened")).await;
    finds(&scene, &[], |q| q.name = name("user.%")).await;
    finds(&scene, &[], |q| q.name = name("password.changed.")).await;
    finds(&scene, &[6, 5, 1], |q| {
        (q.name, q.before) = (name("user"), Some(7));
    })
    .await;
}

/// Sealed or not, on one day and over several.
pub async fn the_record_is_searched_by_time(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let (store, keys) = (scene.store.as_ref(), keys(&[1]));
    let at = |day, second| Some(START.plus(DAY * day).plus(SECOND * second));
    for day in 0..3 {
        write_six(store, START.plus(DAY * day)).await;
        if day == 0 {
            finds(&scene, &[6, 5, 3], |q| q.since = at(0, 7)).await;
            finds(&scene, &[4, 2, 1], |q| q.until = at(0, 7)).await;
        }
        let mut sealer = Sealer::default();
        // Its first head brings two rows of its own.
        let now = START.plus(DAY * day);
        assert_eq!(sealer.catch_up(store, &keys, now).await, Ok(None));
        if day == 0 {
            finds(&scene, &[6, 5, 3], |q| q.since = at(0, 7)).await;
            finds(&scene, &[8, 7, 4, 2, 1], |q| q.until = at(0, 7)).await;
            let both = |q: &mut EventQuery| (q.since, q.until) = (at(0, 5), at(0, 7));
            finds(&scene, &[2, 1], both).await;
            let hers = |q: &mut EventQuery| (q.user, q.since) = (Some(ADA), at(0, 6));
            finds(&scene, &[6, 5, 2], hers).await;
        }
    }
    let all = [20, 19, 18, 17, 16, 15, 14, 13, 11];
    finds(&scene, &all, |q| q.since = at(1, 7)).await;
    finds(&scene, &[12, 8, 7, 6, 5, 4, 3, 2, 1], |q| {
        q.until = at(1, 5);
    })
    .await;
    finds(&scene, &[12], |q| (q.since, q.until) = (at(1, 0), at(1, 5))).await;
    finds(&scene, &[], |q| q.since = at(9, 0)).await;
    finds(&scene, &[], |q| q.until = Some(START.minus(DAY))).await;
}

async fn fail(scene: &Scene, user: Option<UserId>, address: &str, now: Timestamp) {
    let origin = Origin {
        address: Some(address.parse().expect("an address")),
        agent: None,
    };
    let counted = scene.store.count_failed_login(user, origin, now).await;
    assert_eq!(counted, Ok(()));
}

/// Each hour once, and not before it is over.
pub async fn failed_logins_of_an_hour_are_one_row(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let hour = Timestamp::from_seconds(START.as_seconds() / 3_600 * 3_600);
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.2"] {
        fail(&scene, Some(USER), address, hour).await;
    }
    fail(&scene, None, "192.0.2.3", hour).await;
    fail(&scene, Some(USER), "192.0.2.1", hour.plus(HOUR)).await;
    let early = scene
        .store
        .record_failed_logins(hour.plus(HOUR).minus(SECOND));
    assert_eq!(early.await, Ok(0));
    for expected in [2, 0] {
        let recorded = scene.store.record_failed_logins(hour.plus(HOUR)).await;
        assert_eq!(recorded, Ok(expected));
    }
    let row = scene.events(USER).await;
    let of_user = json!({
        "hour": hour.as_millis(), "count": 3, "networks": 2,
        "from": [{ "address": "192.0.2.2", "count": 2 }, { "address": "192.0.2.1", "count": 1 }],
    });
    let told: Vec<_> = row
        .iter()
        .map(|row| (row.name.as_str(), row.detail.clone()))
        .collect();
    assert_eq!(told, [("login.failed", Some(of_user))]);
    let of_nobody = json!({
        "hour": hour.as_millis(), "count": 1, "networks": 1, "names": "unknown",
        "from": [{ "address": "192.0.2.3", "count": 1 }],
    });
    assert_eq!(
        of_store(&scene).await,
        [("login.failed".to_owned(), of_nobody)]
    );
    let late = scene.store.record_failed_logins(hour.plus(3 * HOUR)).await;
    assert_eq!((late, scene.events(USER).await.len()), (Ok(1), 2));
}

/// Whoever tries the names of many cannot fill the record with them.
pub async fn a_flood_of_failed_logins_is_few_rows(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    for user in 1..=205_u128 {
        let user = Some(UserId(Uuid::from_u128(user)));
        fail(&scene, user, "192.0.2.1", START).await;
    }
    let recorded = scene.store.record_failed_logins(START.plus(HOUR)).await;
    assert_eq!(recorded, Ok(205));
    let all = EventQuery {
        name: Some("login.failed".to_owned()),
        limit: 1_000,
        ..EventQuery::default()
    };
    let rows = scene.store.search_events(all).await.expect("reads");
    assert_eq!(rows.len(), 201);
    let told = of_store(&scene).await;
    let detail = &told.first().expect("is there").1;
    assert_eq!(detail.get("count"), Some(&json!(5)));
    assert_eq!(detail.get("names"), Some(&json!({ "other_users": 5 })));
}
