//! Copies the write-ahead log into the file, away from the writer: SQLite's own way of doing it inside a commit is what
//! makes slow commits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;

/// How often the log is copied while there is work.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the log may grow before the writer waits for it to be copied, in pages: 64 MiB.
const LONG_LOG: u64 = 16_384;

/// The checkpointing thread.
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    dirty: AtomicBool,
    log_pages: AtomicU64,
}

impl Checkpointer {
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let work = move || run(&connection, &theirs);
        let thread = std::thread::Builder::new()
            .name("sqlite-checkpoint".to_owned())
            .spawn(work)?;
        Ok(Self { shared, thread })
    }

    /// Says that something was committed. Costs an atomic unless the thread sleeps.
    pub(super) fn wake(&self) {
        if !self.shared.dirty.swap(true, Ordering::AcqRel) {
            self.thread.thread().unpark();
        }
    }

    /// Whether the log has grown so long that the writer should wait for it once.
    pub(super) fn log_is_long(&self) -> bool {
        self.shared.log_pages.load(Ordering::Relaxed) > LONG_LOG
    }

    /// Copies the whole log and starts it anew, on the writer's own connection between two batches.
    pub(super) fn restart(&self, writer: &Connection) {
        checkpoint(writer, "PRAGMA wal_checkpoint(RESTART)");
        self.shared.log_pages.store(0, Ordering::Relaxed);
    }

    pub(super) fn stop(self) {
        self.shared.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        // It fails only if the thread panicked, and then there is nothing to wait for.
        let _ = self.thread.join();
    }
}

/// Copies the whole log and empties it, when the file is about to be closed.
pub(super) fn truncate(connection: &Connection) {
    checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
}

fn run(connection: &Connection, shared: &Shared) {
    while !shared.stop.load(Ordering::Acquire) {
        if shared.dirty.swap(false, Ordering::AcqRel) {
            let pages = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)");
            shared.log_pages.store(pages, Ordering::Relaxed);
            // Not a timed park: the next commit would end that at once.
            std::thread::sleep(PAUSE);
        } else {
            std::thread::park();
        }
    }
}

/// How many pages the log has; 0 if SQLite refused, which it may while others read: the next time does it.
fn checkpoint(connection: &Connection, sql: &str) -> u64 {
    let pages = connection.query_row(sql, [], |row| row.get::<_, i64>(1));
    match pages {
        Ok(pages) => u64::try_from(pages).unwrap_or(0),
        Err(error) => {
            tracing::warn!(%error, "the write-ahead log was not copied");
            0
        }
    }
}
