//! SQLite in a temporary folder, and a second connection to do to it what a store must live with.

use std::{any::Any, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use relatch_core::{
    Store, Timestamp,
    event::{Event, EventKind, Origin},
    session::Policy,
    user::UserId,
};
use relatch_store::{
    Options, Sqlite, Synchronous,
    conformance::{Backend, Factory, policy},
};
use rusqlite::{Connection, types::ValueRef};
use tempfile::TempDir;
use uuid::Uuid;

/// Makes a file for each case.
pub(crate) struct Files;

/// One file and the store on it.
pub(crate) struct File {
    pub(crate) store: Arc<Sqlite>,
    policy: Policy,
    folder: TempDir,
    watch: std::sync::Mutex<Connection>,
}

/// How tests open a file: nothing waits for the disk.
pub(crate) fn options(folder: &Path) -> Options {
    Options {
        path: folder.join("relatch.db"),
        synchronous: Synchronous::Off,
        write_queue: 1_024,
        readers: 2,
    }
}

/// A store under rules that do not matter.
pub(crate) fn open(options: &Options) -> Arc<Sqlite> {
    Arc::new(Sqlite::open(options, Arc::new(policy())).expect("opens"))
}

pub(crate) const USER: UserId = UserId(Uuid::from_u128(1));

/// The simplest write: an event of about this size in bytes.
pub(crate) fn event(size: usize) -> Event {
    Event {
        at: Timestamp::from_seconds(1_750_000_000),
        kind: EventKind::LoggedIn,
        user: USER,
        session: None,
        origin: Origin {
            address: None,
            agent: Some("x".repeat(size)),
        },
    }
}

/// A second connection to the store's file.
pub(crate) fn connect(folder: &Path) -> Connection {
    let connection = Connection::open(options(folder).path).expect("opens");
    let patience = Duration::from_secs(10);
    connection.busy_timeout(patience).expect("sets");
    connection
}

/// Holds all writes back until it is dropped.
pub(crate) fn hold(folder: &Path) -> Connection {
    let connection = connect(folder);
    connection.execute_batch("BEGIN IMMEDIATE").expect("begins");
    connection
}

#[async_trait]
impl Factory for Files {
    async fn fresh(&self, policy: Policy) -> Arc<dyn Backend> {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Sqlite::open(&options(folder.path()), Arc::new(policy.clone()));
        Arc::new(File {
            store: Arc::new(store.expect("opens")),
            policy,
            watch: connect(folder.path()).into(),
            folder,
        })
    }
}

#[async_trait]
impl Backend for File {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    async fn rows(&self) -> Vec<String> {
        let connection = self.watch.lock().expect("not poisoned");
        let tables = tables(&connection).into_iter();
        tables
            .flat_map(|table| rows_of(&connection, &table))
            .collect()
    }

    async fn writes(&self) -> i64 {
        let connection = self.watch.lock().expect("not poisoned");
        connection
            .query_row("PRAGMA data_version", [], |row| row.get(0))
            .expect("reads")
    }

    async fn hold_writes(&self) -> Box<dyn Any + Send> {
        Box::new(hold(self.folder.path()))
    }

    async fn refuse_to_end_bound_sessions(&self) {
        let sql = "CREATE TRIGGER refusal BEFORE UPDATE OF ended_at ON session WHEN NEW.jkt IS NOT NULL \
                   BEGIN SELECT RAISE(ABORT, 'refused'); END";
        connect(self.folder.path())
            .execute_batch(sql)
            .expect("creates");
    }

    async fn after_death(&self) -> Arc<dyn Store> {
        let grave = tempfile::tempdir_in(self.folder.path())
            .expect("a folder")
            .keep();
        // The file before the log: what is copied into the file meanwhile is in the log as well.
        for name in ["relatch.db", "relatch.db-wal"] {
            let (from, to) = (self.folder.path().join(name), grave.join(name));
            std::fs::copy(from, to).expect("copies");
        }
        let policy = Arc::new(self.policy.clone());
        Arc::new(Sqlite::open(&options(&grave), policy).expect("opens"))
    }
}

fn tables(connection: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut statement = connection.prepare(sql).expect("prepares");
    let names = statement.query_map([], |row| row.get(0)).expect("reads");
    names.map(|name| name.expect("reads")).collect()
}

fn rows_of(connection: &Connection, table: &str) -> Vec<String> {
    let sql = format!("SELECT * FROM {table} ORDER BY 1, 2");
    let mut statement = connection.prepare(&sql).expect("prepares");
    let columns = statement.column_count();
    let mut rows = statement.query([]).expect("reads");
    let mut found = Vec::new();
    while let Some(row) = rows.next().expect("reads") {
        let cells = (0..columns).map(|column| text(row.get_ref(column).expect("reads")));
        let cells: Vec<_> = cells.collect();
        found.push(format!("{table} {}", cells.join(" ")));
    }
    found
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => format!("{:?}", String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => format!("{bytes:02x?}"),
    }
}
