//! Keys are kept: as they are, all of them or none, and by whoever knew the last version.

use std::sync::Arc;

use relatch_core::{
    Timestamp,
    event::Administrator,
    key::{Algorithm, KeyRecord, KeyState, KeyTable, Purpose, Sealed},
    user::UserId,
};
use uuid::Uuid;

use super::{
    Factory,
    scene::{DAY, START, Scene, administrator, at_once},
};

fn record(purpose: Purpose, id: &str, state: KeyState) -> KeyRecord {
    let sealed = Sealed {
        master: [0, 1, 2, 3, 4, 5, 254, 255],
        bytes: (0..=255).collect(),
    };
    KeyRecord {
        purpose,
        id: id.to_owned(),
        algorithm: (purpose == Purpose::Signing).then_some(Algorithm::EdDsa),
        state,
        sealed,
    }
}

fn active(id: &str) -> KeyRecord {
    record(Purpose::Signing, id, KeyState::active(START))
}

/// Version 0 and nothing.
pub async fn an_empty_store_has_no_keys(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let table = scene.store.load_keys().await;
    assert_eq!(table, Ok(KeyTable::default()));
    assert_eq!(
        scene
            .store
            .save_keys(0, Vec::new(), administrator(START))
            .await,
        Ok(true)
    );
    let empty = KeyTable {
        version: 1,
        records: Vec::new(),
    };
    assert_eq!(scene.store.load_keys().await, Ok(empty));
}

/// Both purposes in every state and with every algorithm, under ids that the purposes share.
pub async fn every_state_comes_back(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let until = START.plus(90 * DAY);
    let states = [
        KeyState::Announced { at: START },
        KeyState::active(START),
        KeyState::active(START).replace_from(until),
        KeyState::Retired {
            since: START,
            until,
        },
        KeyState::Compromised {
            at: Timestamp::from_millis(-1),
        },
    ];
    let mut records = Vec::new();
    for purpose in [Purpose::RefreshTag, Purpose::Signing] {
        for (id, state) in ["1", "2", "3", "4", "5"].into_iter().zip(states) {
            records.push(record(purpose, id, state));
        }
    }
    for (id, algorithm) in [("6", Algorithm::Es256), ("7", Algorithm::Rs256)] {
        let key = record(Purpose::Signing, id, KeyState::active(START));
        records.push(KeyRecord {
            algorithm: Some(algorithm),
            ..key
        });
    }
    let saved = scene
        .store
        .save_keys(0, records.clone(), administrator(START))
        .await;
    assert_eq!(saved, Ok(true));
    let mut table = scene.store.load_keys().await.expect("loads");
    let order = |record: &KeyRecord| (record.purpose.name(), record.id.clone());
    table.records.sort_by_key(order);
    let version = 1;
    assert_eq!(table, KeyTable { version, records });
}

/// Neither an older nor a later one.
pub async fn a_wrong_version_saves_nothing(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    for (version, id) in [(0, "a"), (1, "b"), (2, "c")] {
        let saved = scene
            .store
            .save_keys(version, vec![active(id)], administrator(START))
            .await;
        assert_eq!(saved, Ok(true));
    }
    let before = scene.dump().await;
    for wrong in [-1, 0, 2, 4, i64::MAX] {
        let saved = scene
            .store
            .save_keys(wrong, vec![active("d")], administrator(START))
            .await;
        assert_eq!(saved, Ok(false), "{wrong}");
    }
    assert_eq!(scene.dump().await, before);
    let records = vec![active("c")];
    let version = 3;
    let expected = KeyTable { version, records };
    assert_eq!(scene.store.load_keys().await, Ok(expected));
}

/// The second of two records cannot be kept: the first is not either, and the old ones stay.
pub async fn a_failed_save_leaves_the_old_keys(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let saved = scene
        .store
        .save_keys(0, vec![active("a")], administrator(START))
        .await;
    assert_eq!(saved, Ok(true));
    let before = scene.rows().await;
    let twice = vec![active("b"), active("b")];
    let saved = scene.store.save_keys(1, twice, administrator(START)).await;
    assert!(saved.is_err(), "{saved:?}");
    assert_eq!(scene.rows().await, before);
    let saved = scene
        .store
        .save_keys(1, vec![active("b")], administrator(START))
        .await;
    assert_eq!(saved, Ok(true), "the store goes on");
}

/// 16 nodes turn the keys at once: one did.
pub async fn one_of_many_saves_wins(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let said = at_once((0..16).map(|number| {
        let store = Arc::clone(&scene.store);
        let records = vec![active(&number.to_string())];
        async move {
            store
                .save_keys(0, records, administrator(START))
                .await
                .expect("answers")
        }
    }))
    .await;
    assert_eq!(said.iter().filter(|saved| **saved).count(), 1);
    let winner = said.iter().position(|saved| *saved).expect("one");
    let table = scene.store.load_keys().await.expect("loads");
    let ids: Vec<_> = table.records.into_iter().map(|key| key.id).collect();
    assert_eq!((table.version, ids), (1, vec![winner.to_string()]));
}

/// Each key's step, with who took it, in the step that changed the keys; a save that fails leaves nothing on record.
pub async fn what_became_of_each_key_is_on_record(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let announced = record(Purpose::Signing, "b", KeyState::Announced { at: START });
    let first = vec![active("a"), announced.clone()];
    let saved = scene.store.save_keys(0, first, administrator(START)).await;
    assert_eq!(saved, Ok(true));
    let late = START.plus(DAY);
    let retired = KeyState::Retired {
        since: late,
        until: late.plus(DAY),
    };
    let second = vec![
        record(Purpose::Signing, "a", retired),
        KeyRecord {
            state: KeyState::active(late),
            ..announced
        },
    ];
    let by = Administrator::server(late);
    let stale = scene.store.save_keys(0, second.clone(), by.clone()).await;
    assert_eq!(stale, Ok(false));
    assert_eq!(scene.store.save_keys(1, second, by).await, Ok(true));
    let rows = scene.events(UserId(Uuid::nil())).await;
    let told = rows.iter().rev().map(|row| {
        let detail = row.detail.clone().unwrap_or_default();
        let text = |name: &str| {
            let text = detail.get(name).and_then(serde_json::Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        assert_eq!(text("purpose"), "signing");
        format!("{} {} {}", row.name, text("key"), text("by"))
    });
    let expected = [
        "key.activated a command_line",
        "key.announced b command_line",
        "key.retired a server",
        "key.activated b server",
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}
