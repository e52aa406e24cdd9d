//! Backups: taken beside a writer, checked, restored, and what becomes of the sessions in them.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use relatch_core::{
    Timestamp,
    event::{Actor, Administrator, EventStore as _, Origin},
    revocation::{MARGIN, RevocationStore as _},
    session::EndReason,
    user::UserId,
};
use relatch_store::{
    BackupError, OpenError, Restoration, RestoreError, Sessions, Sqlite,
    sqlite::{Restored, Settling, backup, check, stats},
};
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

use crate::sqlite::{USER, connect, open, options};

const HOUR: i64 = 3_600_000;
const END_ALL: Sessions = Sessions::EndAll {
    access: Duration::from_mins(15),
};
pub(crate) const TAKEN: Timestamp = Timestamp::from_seconds(1_750_000_000);

/// Four sessions: one that just turned, one that is almost idle, one of the future, one that was ended.
const SESSIONS: &str = "
    INSERT INTO user (id, username, email, password_hash, credential_version, disabled, created_at)
    VALUES (x'00000000000000000000000000000001', 'ada', 'ada@example.com', 'hash', 0, 0, 0);
    INSERT INTO session (id, user_id, secret, generation, rotated_at, created_at, expires_at, remember_me, device,
                         ended_at, end_reason)
    SELECT unhex(format('%032x', column1)), x'00000000000000000000000000000001', randomblob(32), 7,
           1750000000000 + column2, 1749000000000, 1760000000000, 0, 'device', column3, column4
    FROM (VALUES (0, -1000, NULL, NULL), (1, -432000000, NULL, NULL), (2, 864000000, NULL, NULL), (3, -5000, 1749999999999, 1));
";

pub(crate) struct Scene {
    pub(crate) folder: TempDir,
}

impl Scene {
    /// A database with the sessions from above that nobody has open.
    pub(crate) fn set() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        open(&options(folder.path())).close();
        connect(folder.path())
            .execute_batch(SESSIONS)
            .expect("fills");
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn backup(&self, name: &str) -> PathBuf {
        let file = self.path(name);
        backup(&options(self.folder.path()), &file, TAKEN).expect("copies");
        file
    }

    pub(crate) fn prepare(&self, file: &Path, now: Timestamp) -> Result<Restoration, RestoreError> {
        Restoration::prepare(&options(self.folder.path()), file, now)
    }

    fn restore(&self, file: &Path, sessions: Sessions, now: Timestamp) -> Restored {
        let prepared = self.prepare(file, now).expect("prepares");
        assert_eq!(prepared.taken_at(), TAKEN);
        finish(prepared, sessions, &self.path("aside"), now).expect("restores")
    }

    fn refusal(&self, file: &Path) -> RestoreError {
        let prepared = self.prepare(file, TAKEN);
        prepared.err().expect("it is refused")
    }

    /// `rotated_at` since the backup, of the sessions in their order.
    fn rotations(&self) -> Vec<i64> {
        self.column("rotated_at - 1750000000000")
    }

    fn column(&self, column: &str) -> Vec<i64> {
        let sql = format!("SELECT {column} FROM session ORDER BY id");
        let connection = connect(self.folder.path());
        let mut statement = connection.prepare(&sql).expect("prepares");
        let found = statement.query_map([], |row| row.get(0)).expect("reads");
        found.map(|row| row.expect("a row")).collect()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.folder.path())
            .expect("lists")
            .map(|entry| entry.expect("an entry").file_name())
            .map(|name| name.into_string().expect("a text"))
            .collect();
        names.sort();
        names
    }
}

/// Puts a backup in its place, with its own keys.
pub(crate) fn finish(
    prepared: Restoration,
    sessions: Sessions,
    aside: &Path,
    now: Timestamp,
) -> Result<Restored, RestoreError> {
    let policy = relatch_store::conformance::policy();
    let settling = Settling {
        sessions,
        keys: prepared.keys().records.clone(),
        by: Administrator {
            actor: Actor::CommandLine,
            origin: Origin::default(),
            now,
        },
        policy: &policy,
    };
    prepared.finish(settling, aside)
}

fn later(millis: i64) -> Timestamp {
    Timestamp::from_millis(TAKEN.as_millis() + millis)
}

#[tokio::test]
async fn a_backup_is_one_private_file_that_says_when_it_was_taken() {
    let scene = Scene::set();
    let file = scene.backup("copy");
    assert_eq!(scene.names(), ["copy", "relatch.db"]);
    let mode = std::fs::metadata(&file)
        .expect("is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let copy = Connection::open(&file).expect("opens");
    let number = |sql| copy.query_row(sql, [], |row| row.get::<_, i64>(0));
    assert_eq!(number("SELECT taken_at FROM backup"), Ok(TAKEN.as_millis()));
    assert_eq!(number("PRAGMA page_size"), Ok(1024));
    assert_eq!(number("PRAGMA application_id"), Ok(0x5245_4c41));
    assert_eq!(number("SELECT count(*) FROM session"), Ok(4));
}

#[tokio::test]
async fn what_is_there_is_not_overwritten() {
    let scene = Scene::set();
    std::fs::write(scene.path("copy"), "precious").expect("writes");
    let error = backup(&options(scene.folder.path()), &scene.path("copy"), TAKEN);
    assert!(matches!(error, Err(BackupError::Exists(_))), "{error:?}");
    let kept = std::fs::read_to_string(scene.path("copy")).expect("reads");
    assert_eq!(kept, "precious");
    assert_eq!(scene.names(), ["copy", "relatch.db"]);
}

#[tokio::test]
async fn an_older_schema_is_copied_as_it_is() {
    let scene = Scene::set();
    let connection = connect(scene.folder.path());
    connection
        .execute_batch("DELETE FROM migration; DROP TABLE failed_login")
        .expect("goes back");
    let copy = Connection::open(scene.backup("copy")).expect("opens");
    let there = copy.table_exists(None, "failed_login").expect("asks");
    assert!(
        !there,
        "whoever backs up before an update wants the old one"
    );
}

#[tokio::test]
async fn a_database_of_nobody_or_of_another_program_is_not_copied() {
    let folder = tempfile::tempdir().expect("a folder");
    let (options, to) = (options(folder.path()), folder.path().join("copy"));
    std::fs::write(&options.path, "").expect("makes");
    let error = backup(&options, &to, TAKEN);
    assert!(matches!(error, Err(BackupError::Open(OpenError::Empty))));
    let theirs = connect(folder.path());
    theirs
        .execute_batch("CREATE TABLE theirs (x)")
        .expect("creates");
    let error = backup(&options, &to, TAKEN);
    assert!(matches!(
        error,
        Err(BackupError::Open(OpenError::Foreign(0)))
    ));
    assert!(!to.exists());
}

/// Pairs of rows are written in one transaction each: a copy has both or neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_beside_a_writer_is_of_one_moment() {
    let scene = Scene::set();
    let store = open(&options(scene.folder.path()));
    let (stop, pairs) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicI64::new(0)),
    );
    let writing = {
        let folder = scene.folder.path().to_owned();
        let (stop, pairs) = (Arc::clone(&stop), Arc::clone(&pairs));
        std::thread::spawn(move || {
            let connection = connect(&folder);
            while !stop.load(Ordering::SeqCst) {
                let sql = "BEGIN IMMEDIATE; INSERT INTO failed_login VALUES (random(), zeroblob(16), hex(randomblob(500)), 1);
                           INSERT INTO event (at, name, user_id) VALUES (0, 'pair', zeroblob(16)); COMMIT";
                connection.execute_batch(sql).expect("writes");
                pairs.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    for number in 0..5 {
        let before = pairs.load(Ordering::SeqCst);
        let copy = Connection::open(scene.backup(&format!("copy{number}"))).expect("opens");
        let counts = "SELECT (SELECT count(*) FROM failed_login), (SELECT count(*) FROM event)";
        let both: (i64, i64) = copy
            .query_row(counts, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .expect("counts");
        assert_eq!(both.0, both.1);
        assert!(both.0 >= before, "what was written before it is in it");
    }
    stop.store(true, Ordering::SeqCst);
    writing.join().expect("ends");
    assert!(pairs.load(Ordering::SeqCst) > 5, "it wrote meanwhile");
    store.close();
}

#[tokio::test]
async fn kept_sessions_are_as_idle_as_they_were() {
    let scene = Scene::set();
    let file = scene.backup("copy");
    let restored = scene.restore(&file, Sessions::Keep, later(100 * HOUR));
    assert_eq!(restored.sessions, 3);
    let age = 100 * HOUR;
    // Moved by the age, but not into the future; the ended one is as it was.
    let expected = [age - 1_000, age - 432_000_000, 864_000_000, -5_000];
    assert_eq!(scene.rotations(), expected);
    assert_eq!(scene.column("expires_at"), [1_760_000_000_000; 4]);
    assert_eq!(scene.column("coalesce(end_reason, 0)"), [0, 0, 0, 1]);
}

#[tokio::test]
async fn a_clock_that_went_back_moves_nobody() {
    let scene = Scene::set();
    let file = scene.backup("copy");
    scene.restore(&file, Sessions::Keep, later(-HOUR));
    assert_eq!(
        scene.rotations(),
        [-1_000, -432_000_000, 864_000_000, -5_000]
    );
}

#[tokio::test]
async fn ended_sessions_say_why_and_are_on_record() {
    let scene = Scene::set();
    let file = scene.backup("copy");
    let restored = scene.restore(&file, END_ALL, later(HOUR));
    assert_eq!(restored.sessions, 3);
    let reason = i64::from(EndReason::BackupRestored.number());
    assert_eq!(
        scene.column("end_reason"),
        [reason, reason, reason, 1],
        "what had ended keeps its reason"
    );
    let store = open(&options(scene.folder.path()));
    let of_user = store.list_events(USER, 10).await.expect("lists");
    let reasons: Vec<_> = of_user
        .iter()
        .map(|event| (event.name.as_str(), event.at, event.detail.clone()))
        .collect();
    let detail = Some(serde_json::json!({ "reason": "backup_restored" }));
    assert_eq!(reasons, vec![("session.ended", later(HOUR), detail); 3]);
    let of_store = store.list_events(UserId(Uuid::nil()), 10).await;
    let of_store = of_store.expect("lists");
    assert_eq!(of_store[0].name, "store.backup_restored");
    assert_eq!(
        of_store[0].detail,
        Some(serde_json::json!({ "taken_at": TAKEN.as_millis(), "sessions_ended": true }))
    );
    store.close();
}

#[tokio::test]
async fn a_code_that_may_have_been_spent_since_is_not_good_again() {
    let code = "INSERT INTO reset_code VALUES (x'00000000000000000000000000000001', zeroblob(32), 0, 9e15, 0)";
    for sessions in [Sessions::Keep, END_ALL] {
        let scene = Scene::set();
        let connection = connect(scene.folder.path());
        connection.execute_batch(code).expect("fills");
        drop(connection);
        let file = scene.backup("copy");
        scene.restore(&file, sessions, later(HOUR));
        let left =
            connect(scene.folder.path()).query_row("SELECT count(*) FROM reset_code", [], |row| {
                row.get::<_, i64>(0)
            });
        assert_eq!(left, Ok(0));
    }
}

#[tokio::test]
async fn a_restored_database_tells_revocations_in_another_epoch() {
    for (sessions, told) in [(END_ALL, 3), (Sessions::Keep, 0)] {
        let scene = Scene::set();
        let file = scene.backup("copy");
        let backlog = async || {
            let store = open(&options(scene.folder.path()));
            let backlog = store.revocations_after(0, 10).await.expect("reads");
            store.close();
            backlog
        };
        let before = backlog().await;
        scene.restore(&file, sessions, later(HOUR));
        let after = backlog().await;
        assert_ne!(after.last.epoch, before.last.epoch);
        assert_eq!(after.last.sequence, told);
        let expected = later(HOUR).plus(Duration::from_mins(15)).plus(MARGIN);
        let until: Vec<_> = after.entries.iter().map(|entry| entry.1.until).collect();
        assert_eq!(until, vec![expected; after.entries.len()]);
        let sequences: Vec<_> = after.entries.iter().map(|entry| entry.0).collect();
        assert_eq!(sequences, (1..=told).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn the_database_before_is_kept_with_all_that_was_in_its_log() {
    let scene = Scene::set();
    let file = scene.backup("copy");
    let connection = connect(scene.folder.path());
    let sql = "PRAGMA wal_autocheckpoint = 0; DELETE FROM session";
    connection.execute_batch(sql).expect("deletes");
    // As a crash leaves it: the log is not copied.
    std::fs::create_dir(scene.path("crashed")).expect("makes");
    for name in ["relatch.db", "relatch.db-wal"] {
        std::fs::copy(scene.path(name), scene.path("crashed").join(name)).expect("copies");
    }
    drop(connection);
    let crashed = scene.path("crashed");
    let prepared = Restoration::prepare(&options(&crashed), &file, TAKEN).expect("prepares");
    let aside = crashed.join("aside");
    let restored = finish(prepared, Sessions::Keep, &aside, TAKEN);
    assert_eq!(restored.expect("restores").kept, Some(aside.clone()));
    let sessions = |path: &Path| {
        let connection = Connection::open(path).expect("opens");
        let count = connection.query_row("SELECT count(*) FROM session", [], |row| row.get(0));
        count.expect("counts")
    };
    let both: [i64; 2] = [sessions(&aside), sessions(&crashed.join("relatch.db"))];
    assert_eq!(both, [0, 4]);
}

#[tokio::test]
async fn a_log_without_its_database_does_not_get_into_the_next() {
    let scene = Scene::set();
    let file = scene.backup("copy");
    let connection = connect(scene.folder.path());
    let sql = "PRAGMA wal_autocheckpoint = 0; DELETE FROM session";
    connection.execute_batch(sql).expect("deletes");
    let log = std::fs::read(scene.path("relatch.db-wal")).expect("reads");
    drop(connection);
    std::fs::remove_file(scene.path("relatch.db")).expect("removes");
    std::fs::write(scene.path("relatch.db-wal"), log).expect("writes");
    scene.restore(&file, Sessions::Keep, TAKEN);
    assert_eq!(scene.rotations().len(), 4);
    assert!(scene.path("aside-wal").exists());
}

#[tokio::test]
async fn a_backup_is_restored_where_there_was_nothing_or_rubbish() {
    for rubbish in [
        None,
        Some("no database, but as long as one has to be".repeat(100)),
    ] {
        let scene = Scene::set();
        let file = scene.backup("copy");
        std::fs::remove_file(scene.path("relatch.db")).expect("removes");
        if let Some(rubbish) = &rubbish {
            std::fs::write(scene.path("relatch.db"), rubbish).expect("writes");
        }
        let restored = scene.restore(&file, Sessions::Keep, TAKEN);
        assert_eq!(restored.kept.is_some(), rubbish.is_some());
        assert_eq!(scene.rotations().len(), 4);
        let mode = std::fs::metadata(scene.path("relatch.db")).expect("is there");
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        let checked = check(&options(scene.folder.path())).expect("checks");
        assert_eq!(checked.faults, [""; 0]);
        assert_eq!((checked.users, checked.sessions), (1, 4));
    }
}

#[tokio::test]
async fn a_database_that_is_open_is_not_replaced() {
    let scene = Scene::set();
    let file = scene.backup("copy");
    let store = open(&options(scene.folder.path()));
    let refusal = scene.refusal(&file);
    assert!(matches!(refusal, RestoreError::InUse(_)), "{refusal}");
    store.close();
    drop(store);
    // Nor by whom no lock of ours is known.
    let other = connect(scene.folder.path());
    other
        .execute_batch("SELECT count(*) FROM session")
        .expect("reads");
    let prepared = scene.prepare(&file, TAKEN).expect("prepares");
    let aside = scene.path("aside");
    let refusal = finish(prepared, Sessions::Keep, &aside, TAKEN);
    assert!(
        matches!(refusal, Err(RestoreError::InUse(_))),
        "{refusal:?}"
    );
    drop(other);
    assert_eq!(scene.names(), ["copy", "relatch.db"]);
}

#[tokio::test]
async fn nobody_opens_the_database_while_another_takes_its_place() {
    let scene = Scene::set();
    let file = scene.backup("copy");
    let prepared = scene.prepare(&file, TAKEN).expect("prepares");
    let policy = Arc::new(relatch_store::conformance::policy());
    let opened = Sqlite::open(&options(scene.folder.path()), policy);
    assert!(matches!(opened, Err(OpenError::Restoring)));
    drop(prepared);
    open(&options(scene.folder.path())).close();
}

#[tokio::test]
async fn only_a_whole_backup_of_a_schema_that_is_known_is_restored() {
    let scene = Scene::set();
    let spoil = |name: &str, sql: &str| {
        let file = scene.backup(name);
        let connection = Connection::open(&file).expect("opens");
        connection.execute_batch(sql).expect("spoils");
        file
    };
    let before = scene.rotations();
    let newer = spoil("newer", "INSERT INTO migration VALUES (99, 'later', x'00')");
    let error = scene.refusal(&newer);
    assert!(
        matches!(
            &error,
            RestoreError::Unusable {
                source: OpenError::Newer { found: 99, .. },
                ..
            }
        ),
        "{error}"
    );
    let foreign = spoil("foreign", "PRAGMA application_id = 7");
    let error = scene.refusal(&foreign);
    assert!(
        matches!(
            &error,
            RestoreError::Unusable {
                source: OpenError::Foreign(7),
                ..
            }
        ),
        "{error}"
    );
    let orphan = spoil("orphan", "PRAGMA foreign_keys = OFF; DELETE FROM user");
    let error = scene.refusal(&orphan).to_string();
    assert!(
        error.contains("4 rows of table session name a user that is not there"),
        "{error}"
    );
    let damaged = scene.backup("damaged");
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'session_user'";
    let page: usize = Connection::open(&damaged)
        .expect("opens")
        .query_row(sql, [], |row| row.get(0))
        .expect("asks");
    let mut bytes = std::fs::read(&damaged).expect("reads");
    // The number of entries in that page.
    bytes[(page - 1) * 1024 + 4] = 0;
    std::fs::write(&damaged, bytes).expect("writes");
    let error = scene.refusal(&damaged);
    assert!(matches!(&error, RestoreError::Damaged { .. }), "{error}");
    let plain = scene.path("plain");
    std::fs::copy(scene.path("relatch.db"), &plain).expect("copies");
    let error = scene.refusal(&plain);
    assert!(matches!(&error, RestoreError::NoBackup(_)), "{error}");
    assert_eq!(scene.rotations(), before);
    let left = scene.names();
    assert!(
        left.iter().all(|name| !name.contains("unfinished")),
        "{left:?}"
    );
}

#[tokio::test]
async fn a_check_tells_each_fault_in_a_sentence() {
    let scene = Scene::set();
    let found = |sql: &str| {
        let connection = connect(scene.folder.path());
        connection.execute_batch(sql).expect("spoils");
        check(&options(scene.folder.path())).expect("checks").faults
    };
    assert_eq!(found(""), [""; 0]);
    let reason = found("UPDATE session SET end_reason = 200 WHERE end_reason = 1");
    assert!(
        reason[0].ends_with("cannot be: a row cannot be: session.end_reason"),
        "{reason:?}"
    );
    found("UPDATE session SET end_reason = 1 WHERE end_reason = 200");
    let back = "UPDATE session SET rotated_at = created_at - 2, ended_at = created_at - 1 WHERE end_reason = 1";
    assert_eq!(found(back), [""; 0], "clocks go back");
    let early = found("UPDATE session SET expires_at = created_at - 1 WHERE end_reason = 1");
    assert!(early[0].ends_with("it ends before it began"), "{early:?}");
    found("UPDATE session SET expires_at = created_at");
    let index = found("DROP INDEX event_user");
    assert_eq!(index, ["`event_user` is not as the migrations make it"]);
    let step = found("UPDATE migration SET checksum = x'00'");
    assert!(
        step[0].contains("0001_sessions was applied in another form"),
        "{step:?}"
    );
}

#[tokio::test]
async fn stats_count_what_core_calls_live() {
    let scene = Scene::set();
    let policy = relatch_store::conformance::policy();
    let now = later(HOUR);
    let sql =
        "UPDATE session SET created_at = 1750000000000 - 86400000 * 8 WHERE id = zeroblob(16)";
    connect(scene.folder.path())
        .execute_batch(sql)
        .expect("ages");
    let stats = stats(&options(scene.folder.path()), &policy, now).expect("counts");
    assert_eq!((stats.users, stats.users_disabled), (1, 0));
    assert_eq!((stats.live, stats.run_out, stats.ended), (2, 1, 1));
    assert_eq!(stats.live_by_age, [0, 0, 2, 0]);
    assert!(stats.session_bytes >= 4 * 150 && stats.file_bytes > stats.session_bytes);
    let idle = policy.usual.idle + policy.idle_grace;
    assert!(
        idle > Duration::from_hours(1),
        "the second ran out by idleness"
    );
}
