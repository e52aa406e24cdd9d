//! Copies the write-ahead log into the file, away from the writer: SQLite's own way of doing it inside a commit is what
//! makes slow commits.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;

use super::{connection::PATIENCE, folder::with_suffix};

/// How often the log is copied while there is work.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the log may grow before the writer waits for it to be copied, in pages: 64 MiB.
const LONG_LOG: u64 = 65_536;

/// How much longer the log may grow while the thread copies it, in pages: 192 MiB. Then the writer waits, for it writes
/// faster than the disk can copy.
const MARGIN: u64 = 3 * LONG_LOG;

/// The bytes of a page of the log, with its head.
const FRAME: u64 = 1_024 + 24;

/// How long the writer waits for those who read an old state: longer than any reader of ours.
const SHORT_PATIENCE: Duration = Duration::from_millis(100);

/// The checkpointing thread.
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    limit: u64,
    margin: u64,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    dirty: AtomicBool,
    log_pages: AtomicU64,
    /// Held by whoever copies, so that the writer does not fail beside the thread.
    copying: Mutex<()>,
}

impl Shared {
    fn copying(&self) -> MutexGuard<'_, ()> {
        self.copying.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checkpointer {
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let work = move || run(&connection, &theirs);
        let thread = std::thread::Builder::new()
            .name("sqlite-checkpoint".to_owned())
            .spawn(work)?;
        Ok(Self {
            shared,
            thread,
            limit: LONG_LOG,
            margin: MARGIN,
        })
    }

    /// Says that something was committed. Costs an atomic unless the thread sleeps.
    pub(super) fn wake(&self) {
        if !self.shared.dirty.swap(true, Ordering::AcqRel) {
            self.thread.thread().unpark();
        }
    }

    /// Whether the log has grown so long that the writer should wait for it once.
    pub(super) fn log_is_long(&self) -> bool {
        self.shared.log_pages.load(Ordering::Relaxed) > self.limit
    }

    /// Copies the whole log and starts it anew, on the writer's own connection between two batches. Somebody who reads an
    /// old state for long, such as a backup, keeps the log from starting anew; the next try comes when it has grown by as
    /// much again.
    ///
    /// While the thread copies, the writer goes on and comes back, as far as the log may grow: after a long backup there is
    /// much to copy.
    pub(super) fn restart(&mut self, writer: &Connection) {
        let turn = match self.shared.copying.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) if self.may_grow(writer) => return,
            Err(TryLockError::WouldBlock) => self.shared.copying(),
        };
        let anew = start_anew(writer).unwrap_or_else(|error| {
            tracing::warn!(%error, "the write-ahead log was not started anew");
            false
        });
        let pages = self.shared.log_pages.swap(0, Ordering::Relaxed);
        drop(turn);
        self.limit = if anew { LONG_LOG } else { pages + LONG_LOG };
    }

    /// Asked of the file, for the thread counts when it is done.
    fn may_grow(&self, writer: &Connection) -> bool {
        let log = writer.path().map(|path| with_suffix(path.as_ref(), "-wal"));
        let log = log.and_then(|log| std::fs::metadata(log).ok());
        let pages = log.map_or(0, |log| log.len() / FRAME);
        pages <= self.limit + self.margin
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

/// False if readers were in the way.
fn start_anew(writer: &Connection) -> rusqlite::Result<bool> {
    writer.busy_timeout(SHORT_PATIENCE)?;
    let busy = writer.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| row.get(0));
    writer.busy_timeout(PATIENCE)?;
    busy.map(|busy: bool| !busy)
}

fn run(connection: &Connection, shared: &Shared) {
    while !shared.stop.load(Ordering::Acquire) {
        if shared.dirty.swap(false, Ordering::AcqRel) {
            let turn = shared.copying();
            let pages = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)");
            shared.log_pages.store(pages, Ordering::Relaxed);
            drop(turn);
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::sqlite::connection::{Connector, Synchronous};

    /// A checkpointer that sees a log that is too long, and a connection that made it.
    fn long_log(folder: &std::path::Path) -> (Checkpointer, Connection) {
        let connector = Connector::new(&folder.join("test.db"), Synchronous::Off);
        let writer = connector.open().expect("opens");
        let checkpointer = Checkpointer::start(connector.open().expect("opens")).expect("starts");
        writer.execute_batch("CREATE TABLE t (x)").expect("creates");
        write(&writer);
        let pages = &checkpointer.shared.log_pages;
        pages.store(LONG_LOG + 1, Ordering::Relaxed);
        assert!(checkpointer.log_is_long());
        (checkpointer, writer)
    }

    fn write(connection: &Connection) {
        let sql = "INSERT INTO t VALUES (zeroblob(1000000))";
        connection.execute_batch(sql).expect("writes");
    }

    fn log_size(folder: &std::path::Path) -> u64 {
        let log = std::fs::metadata(folder.join("test.db-wal"));
        log.expect("is there").len()
    }

    #[test]
    fn a_log_that_was_restarted_is_written_from_its_beginning() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut checkpointer, writer) = long_log(folder.path());
        checkpointer.restart(&writer);
        assert!(!checkpointer.log_is_long());
        assert_eq!(checkpointer.limit, LONG_LOG);
        let before = log_size(folder.path());
        write(&writer);
        assert_eq!(log_size(folder.path()), before);
        checkpointer.stop();
    }

    #[test]
    fn a_thread_that_copies_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut checkpointer, writer) = long_log(folder.path());
        let shared = Arc::clone(&checkpointer.shared);
        let copying = shared.copying();
        checkpointer.restart(&writer);
        assert!(checkpointer.log_is_long(), "it is tried again");
        drop(copying);
        checkpointer.restart(&writer);
        assert!(!checkpointer.log_is_long());
        checkpointer.stop();
    }

    #[test]
    fn a_writer_that_is_faster_than_the_disk_waits_for_it_in_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut checkpointer, writer) = long_log(folder.path());
        (checkpointer.limit, checkpointer.margin) = (1_000, 1_000);
        let shared = Arc::clone(&checkpointer.shared);
        let held = Duration::from_millis(300);
        let (begun, holds) = (Instant::now(), std::sync::Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _copying = shared.copying();
                holds.wait();
                std::thread::sleep(held);
            });
            holds.wait();
            checkpointer.restart(&writer);
            assert!(checkpointer.log_is_long(), "it goes on after 1,000 pages");
            write(&writer);
            write(&writer);
            checkpointer.restart(&writer);
        });
        assert!(!checkpointer.log_is_long() && begun.elapsed() >= held);
        checkpointer.stop();
    }

    #[test]
    fn a_log_that_grew_beside_a_reader_is_short_again_afterwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut checkpointer, writer) = long_log(folder.path());
        let reader = Connection::open(folder.path().join("test.db")).expect("opens");
        let sql = "BEGIN; SELECT count(*) FROM t";
        reader.execute_batch(sql).expect("reads");
        for _ in 0..150 {
            write(&writer);
        }
        assert!(log_size(folder.path()) > 150_000_000);
        drop(reader);
        checkpointer.restart(&writer);
        write(&writer);
        assert!(log_size(folder.path()) < 2 * 70_000_000);
        checkpointer.stop();
    }

    #[test]
    fn a_reader_that_stays_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut checkpointer, writer) = long_log(folder.path());
        let reader = Connection::open(folder.path().join("test.db")).expect("opens");
        let sql = "BEGIN; SELECT count(*) FROM t";
        reader.execute_batch(sql).expect("reads");
        write(&writer);
        let begun = Instant::now();
        checkpointer.restart(&writer);
        assert!(begun.elapsed() < PATIENCE / 2);
        let pages = &checkpointer.shared.log_pages;
        pages.store(LONG_LOG + 1, Ordering::Relaxed);
        assert!(!checkpointer.log_is_long(), "not again at once");
        pages.store(2 * LONG_LOG + 2, Ordering::Relaxed);
        assert!(checkpointer.log_is_long());
        drop(reader);
        checkpointer.restart(&writer);
        assert_eq!(checkpointer.limit, LONG_LOG);
        checkpointer.stop();
    }
}
