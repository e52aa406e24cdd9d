//! A process that is killed between the server's answer and the disk has lost nothing.

use std::{
    os::unix::process::ExitStatusExt as _,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use relatch_client::{FileStore, Lock, Secret, Slot, Store, StoreError};

use crate::{
    scene::{Ahead, Job, Mode, access, builder, client_of, generation, reason, register, server},
    support::Server,
};

/// A file store whose process is killed when the session is to be written.
struct Doomed(FileStore, AtomicUsize);

impl Store for Doomed {
    fn read(&self, slot: Slot) -> Result<Option<Secret>, StoreError> {
        self.0.read(slot)
    }

    fn write(&self, _: Slot, _: &Secret) -> Result<(), StoreError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let process = std::process::id().to_string();
        Command::new("kill")
            .args(["-KILL", &process])
            .status()
            .unwrap();
        unreachable!("the process is gone")
    }

    fn try_lock(&self) -> Result<Option<Lock>, StoreError> {
        self.0.try_lock()
    }
}

#[tokio::test]
#[ignore = "it is the part of another process in the tests below"]
async fn refreshes_and_is_killed() {
    let job = Job::given();
    let ahead = Ahead::default();
    ahead.by(Duration::from_mins(15));
    let store = Doomed(FileStore::new(&job.file), AtomicUsize::new(0));
    let client = builder(job.address, job.mode).clock(ahead.clock());
    let client = client.store(store).build().unwrap();
    let _ = access(&client).await;
}

/// A session whose last answer died with the process that asked for it.
async fn orphaned(server: &Server, mode: Mode, folder: &tempfile::TempDir) -> Job {
    let file = folder.path().join("session.json");
    register(&client_of(server.address, mode, &file), "ada").await;
    let address = server.address;
    let job = Job {
        address,
        mode,
        file,
    };
    let before = std::fs::read(&job.file).unwrap();
    let killed = job
        .spawn("crash::refreshes_and_is_killed")
        .wait_with_output();
    let killed = killed.unwrap();
    assert_eq!(killed.status.signal(), Some(9), "{killed:?}");
    assert_eq!(std::fs::read(&job.file).unwrap(), before);
    job
}

/// The next process: its clock is where the killed one's was.
async fn next(job: &Job) -> Result<String, relatch_client::Error> {
    let ahead = Ahead::default();
    ahead.by(Duration::from_mins(15));
    let client = builder(job.address, job.mode)
        .clock(ahead.clock())
        .store(FileStore::new(&job.file));
    access(&client.build().unwrap()).await
}

/// Whenever it comes back: the window is over.
#[tokio::test]
async fn a_bound_session_is_asked_for_again_whenever_the_next_process_comes() {
    let server = server(&[("session.retry_window", "0s")]);
    let folder = tempfile::tempdir().unwrap();
    let job = orphaned(&server, Mode::Bound, &folder).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(generation(&next(&job).await.unwrap()), 1);
}

#[tokio::test]
async fn a_bearer_session_lives_on_within_the_window_alone() {
    let server = server(&[]);
    let folder = tempfile::tempdir().unwrap();
    let job = orphaned(&server, Mode::Bearer, &folder).await;
    assert_eq!(generation(&next(&job).await.unwrap()), 1);

    let strict = crate::scene::server(&[("session.retry_window", "0s")]);
    let folder = tempfile::tempdir().unwrap();
    let job = orphaned(&strict, Mode::Bearer, &folder).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(reason(next(&job).await), "reuse");
}

/// What is not on the disk is not used: the client has no better token than the file.
#[tokio::test]
async fn a_store_that_fails_keeps_the_session_as_it_was() {
    struct Full(FileStore, std::sync::Arc<AtomicUsize>);
    impl Store for Full {
        fn read(&self, slot: Slot) -> Result<Option<Secret>, StoreError> {
            self.0.read(slot)
        }
        fn write(&self, slot: Slot, secret: &Secret) -> Result<(), StoreError> {
            match self.1.load(Ordering::SeqCst) {
                0 => self.0.write(slot, secret),
                _ => Err(StoreError::new("the disk is full")),
            }
        }
    }
    let server = server(&[]);
    for (number, mode) in crate::scene::BOTH.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let (ahead, full) = (Ahead::default(), std::sync::Arc::new(AtomicUsize::new(0)));
        let store = FileStore::new(folder.path().join("session.json"));
        let client = builder(server.address, mode)
            .clock(ahead.clock())
            .store(Full(store, std::sync::Arc::clone(&full)))
            .build()
            .unwrap();
        register(&client, &format!("ada{number}")).await;
        ahead.by(Duration::from_mins(15));
        full.store(1, Ordering::SeqCst);
        for _ in 0..3 {
            let said = access(&client).await;
            assert!(
                matches!(said, Err(relatch_client::Error::Store(_))),
                "{said:?}"
            );
        }
        full.store(0, Ordering::SeqCst);
        let token = access(&client).await.unwrap();
        assert_eq!(generation(&token), 1, "all of them were retries");
    }
}
