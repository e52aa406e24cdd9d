//! SQLite's write-ahead log: it is copied into the file while work goes on, and never grows without bound.

use std::{path::Path, sync::Arc, time::Duration};

use relatch_core::event::EventStore as _;
use tempfile::TempDir;

use crate::sqlite::{connect, event, open, options};

const MIB: usize = 1 << 20;

fn log_size(folder: &Path) -> u64 {
    let log = std::fs::metadata(folder.join("relatch.db-wal"));
    log.map_or(0, |log| log.len())
}

#[tokio::test]
async fn the_log_does_not_grow_without_bound() {
    let folder = TempDir::new().expect("a folder");
    let store = open(&options(folder.path()));
    for _ in 0..80 {
        let writing = (0..8).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.append_event(event(MIB)).await })
        });
        for task in writing.collect::<Vec<_>>() {
            assert_eq!(task.await.expect("does not panic"), Ok(()));
        }
    }
    // It may pass 64 MiB by 192 MiB while it is copied, and by the batch that is under way.
    let size = log_size(folder.path());
    assert!(size < 300 * (1 << 20), "{size} bytes for 640 MiB");
}

#[tokio::test]
async fn a_reader_that_stays_does_not_hold_writes_up() {
    let folder = TempDir::new().expect("a folder");
    let store = open(&options(folder.path()));
    assert_eq!(store.append_event(event(1)).await, Ok(()));
    let reader = connect(folder.path());
    let sql = "BEGIN; SELECT count(*) FROM event";
    reader.execute_batch(sql).expect("reads");
    for number in 0..80 {
        let writing = store.append_event(event(MIB));
        let said = tokio::time::timeout(Duration::from_secs(4), writing).await;
        assert_eq!(said, Ok(Ok(())), "write {number}");
    }
    assert!(log_size(folder.path()) > 64 * (1 << 20), "past the limit");
}
