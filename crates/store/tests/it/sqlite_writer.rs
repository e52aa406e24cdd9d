//! SQLite's one writer when there is too much to do, when the file is locked, and when it closes.

use std::{sync::Arc, time::Duration};

use relatch_core::{StoreError, event::EventStore as _, key::store::KeyStore as _};
use relatch_store::{Options, Sqlite};
use tempfile::TempDir;

use crate::sqlite::{USER, event, hold, open, options};

async fn count(store: &Sqlite) -> usize {
    store.list_events(USER, 1_000).await.expect("reads").len()
}

/// So many writes at once, each a task.
fn write(
    store: &Arc<Sqlite>,
    times: usize,
) -> Vec<tokio::task::JoinHandle<Result<(), StoreError>>> {
    let append = |_| {
        let store = Arc::clone(store);
        tokio::spawn(async move { store.append_event(event(1)).await })
    };
    (0..times).map(append).collect()
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(250)).await;
}

#[tokio::test]
async fn past_a_full_queue_writes_are_refused_and_did_not_happen() {
    let folder = TempDir::new().expect("a folder");
    let options = Options {
        write_queue: 4,
        ..options(folder.path())
    };
    let store = open(&options);
    let held = hold(folder.path());
    let mut writing = write(&store, 1);
    pause().await;
    writing.extend(write(&store, 20));
    pause().await;
    assert_eq!(count(&store).await, 0, "reading goes on");
    drop(held);
    let (mut done, mut refused) = (0, 0);
    for task in writing {
        match task.await.expect("does not panic") {
            Ok(()) => done += 1,
            Err(error) => {
                assert_eq!(error, StoreError::Overloaded);
                refused += 1;
            }
        }
    }
    assert_eq!((done, refused), (5, 16), "one at work, four waiting");
    assert_eq!(count(&store).await, 5);
    assert_eq!(store.append_event(event(1)).await, Ok(()));
}

#[tokio::test]
async fn a_lock_that_stays_is_unavailable_and_the_store_goes_on_after_it() {
    let folder = TempDir::new().expect("a folder");
    let store = open(&options(folder.path()));
    let held = hold(folder.path());
    for task in write(&store, 3) {
        let said = task.await.expect("does not panic");
        assert_eq!(said, Err(StoreError::Unavailable));
        assert!(store.load_keys().await.is_ok(), "reading goes on");
    }
    drop(held);
    assert_eq!(store.append_event(event(1)).await, Ok(()));
    assert_eq!(count(&store).await, 1, "what was refused did not happen");
}

#[tokio::test]
async fn closing_finishes_what_is_queued_and_empties_the_log() {
    let folder = TempDir::new().expect("a folder");
    let store = open(&options(folder.path()));
    let held = hold(folder.path());
    let queued = write(&store, 300);
    pause().await;
    let closing = {
        let store = Arc::clone(&store);
        tokio::task::spawn_blocking(move || store.close())
    };
    pause().await;
    drop(held);
    closing.await.expect("closes");
    for task in queued {
        assert_eq!(task.await.expect("does not panic"), Ok(()));
    }
    let log = std::fs::metadata(folder.path().join("relatch.db-wal"));
    assert_eq!(log.map_or(0, |log| log.len()), 0);
    let refused = StoreError::Unavailable;
    assert_eq!(store.append_event(event(1)).await, Err(refused));
    assert_eq!(store.list_events(USER, 1).await, Err(refused));
    assert_eq!(store.load_keys().await, Err(refused));
    store.close();
    let again = open(&options(folder.path()));
    assert_eq!(count(&again).await, 300);
}

#[tokio::test]
async fn a_store_that_is_dropped_is_closed() {
    let folder = TempDir::new().expect("a folder");
    for round in 0..5 {
        let store = open(&options(folder.path()));
        assert_eq!(count(&store).await, round);
        assert_eq!(store.append_event(event(1)).await, Ok(()));
        drop(store);
        assert!(!folder.path().join("relatch.db-wal").exists());
    }
}
