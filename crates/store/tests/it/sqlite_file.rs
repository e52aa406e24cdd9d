//! SQLite's file: made for its owner alone, found again as it was left, and left alone if it is not ours.

use std::{path::Path, sync::Arc};

use relatch_core::event::EventStore as _;
use relatch_store::{OpenError, Sqlite, conformance::policy};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::sqlite::{USER, connect, event, open, options};

fn try_open(folder: &Path) -> Result<Sqlite, OpenError> {
    Sqlite::open(&options(folder), Arc::new(policy()))
}

fn refusal(folder: &Path) -> OpenError {
    let Err(error) = try_open(folder) else {
        unreachable!("it was opened");
    };
    error
}

/// What a change to the file would change: its bytes, and what lies beside it.
fn contents(folder: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let files = std::fs::read_dir(folder).expect("reads");
    let mut found: Vec<_> = files
        .map(|file| file.expect("reads"))
        .map(|file| (file.file_name(), std::fs::read(file.path()).expect("reads")))
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn another_program_finds_its_database_as_it_was() {
    let folder = TempDir::new().expect("a folder");
    let theirs = Connection::open(options(folder.path()).path).expect("opens");
    let sql = "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)";
    theirs.execute_batch(sql).expect("writes");
    drop(theirs);
    let before = contents(folder.path());
    let error = refusal(folder.path());
    assert!(matches!(error, OpenError::Foreign(0)), "{error}");
    assert!(contents(folder.path()) == before, "it was touched");
}

#[test]
fn what_is_no_database_is_left_as_it_was() {
    let folder = TempDir::new().expect("a folder");
    let text = "not a database, and long enough to be looked at: ".repeat(100);
    std::fs::write(options(folder.path()).path, text).expect("writes");
    let before = contents(folder.path());
    let error = refusal(folder.path());
    assert!(matches!(error, OpenError::Sqlite(_)), "{error}");
    assert!(contents(folder.path()) == before, "it was touched");
}

#[tokio::test]
async fn a_database_of_another_build_is_refused_and_kept() {
    let changes = [
        ("UPDATE migration SET checksum = x'00'", "another form"),
        (
            "INSERT INTO migration VALUES (99, 'later', x'00')",
            "schema 99",
        ),
    ];
    for (sql, words) in changes {
        let folder = TempDir::new().expect("a folder");
        let store = open(&options(folder.path()));
        assert_eq!(store.append_event(event(1)).await, Ok(()));
        drop(store);
        connect(folder.path()).execute_batch(sql).expect("writes");
        let error = refusal(folder.path()).to_string();
        assert!(error.contains(words), "{error}");
        let events = "SELECT count(*) FROM event";
        let count = connect(folder.path()).query_row(events, [], |row| row.get(0));
        assert_eq!(count, Ok(1));
    }
}

#[test]
fn a_folder_that_is_not_there_is_the_systems_refusal() {
    let folder = TempDir::new().expect("a folder");
    let error = refusal(&folder.path().join("missing"));
    assert!(matches!(error, OpenError::System(_)), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_file_or_its_log() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().expect("a folder");
    let store = open(&options(folder.path()));
    assert_eq!(store.append_event(event(1)).await, Ok(()));
    for name in ["relatch.db", "relatch.db-wal", "relatch.db-shm"] {
        let file = std::fs::metadata(folder.path().join(name)).expect("is there");
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn two_processes_may_share_the_file() {
    let folder = TempDir::new().expect("a folder");
    let stores = [open(&options(folder.path())), open(&options(folder.path()))];
    let mut writing = Vec::new();
    for number in 0..100 {
        let store = Arc::clone(if number % 2 == 0 {
            &stores[0]
        } else {
            &stores[1]
        });
        writing.push(tokio::spawn(
            async move { store.append_event(event(1)).await },
        ));
    }
    for task in writing {
        assert_eq!(task.await.expect("does not panic"), Ok(()));
    }
    for store in stores {
        let events = store.list_events(USER, 1_000).await.expect("reads");
        assert_eq!(events.len(), 100);
    }
}
