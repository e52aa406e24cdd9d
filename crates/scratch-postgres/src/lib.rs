//! PostgreSQL servers for tests: started when the first test wants one, on a socket of their own, and gone by themselves soon
//! after the last. One is shared by all tests, also of different processes; whoever stops or breaks it takes one alone.
//!
//! Knows nothing of Relatch but the name of the role that its databases belong to.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

mod debian;
mod pooler;

use std::{
    fs::{self, File, OpenOptions},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

/// The role that databases belong to. It may do what an owner may, and is no superuser.
pub const ROLE: &str = "relatch";

/// Nothing waits for the disk: what must outlive a crash of the system is not tested by these.
const QUICK: &str = "\
fsync = off
full_page_writes = off
";

const SETTINGS: &str = "\
listen_addresses = ''
max_connections = 400
shared_buffers = 64MB
max_wal_size = 512MB
autovacuum_naptime = 20s
log_min_messages = warning
";

/// Removes the server once nobody holds the lock of those who use it. Whoever starts one holds the other lock.
const KEEPER: &str = "\
trap '' HUP INT
while sleep 3; do
  exec 9>\"$1/starting\"
  flock 9
  if flock --nonblock --exclusive \"$1/users\" true; then
    if [ -e \"$1/pooler.pid\" ]; then kill \"$(cat \"$1/pooler.pid\")\"; fi
    $3 \"$2/pg_ctl\" --pgdata=\"$1/data\" --mode=immediate --silent stop
    rm -rf \"$1/data\" \"$1\"/pooler.*
    if [ -e \"$1/alone\" ]; then rm -rf \"$1\"; fi
    exit
  fi
  exec 9>&-
done";

/// A server, for as long as this is held.
pub struct Server {
    folder: PathBuf,
    bin: PathBuf,
    /// The locks of the databases that are in use here.
    taken: Mutex<Vec<File>>,
    _user: File,
}

impl Server {
    /// The one that all tests share.
    pub fn shared() -> Self {
        // Each checkout has its own, for others may be of another version.
        let mut hasher = DefaultHasher::new();
        env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
        let name = format!("relatch-postgres-{:016x}", hasher.finish());
        Self::at(&std::env::temp_dir().join(name), QUICK)
    }

    /// One that nobody else uses, with these lines in its configuration beside the usual ones.
    pub fn alone(settings: &str) -> Self {
        Self::alone_with(settings, &[])
    }

    /// The same with files beside its data that it alone may read.
    pub fn alone_with(settings: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("relatch-postgres-{}", unique()));
        fs::create_dir_all(&folder).expect("makes a folder");
        fs::write(folder.join("alone"), "").expect("writes");
        for (name, text) in files {
            fs::write(folder.join(name), text).expect("writes");
            debian::give(&folder.join(name), 0o600);
        }
        Self::at(&folder, settings)
    }

    fn at(folder: &Path, settings: &str) -> Self {
        fs::create_dir_all(folder).expect("makes a folder");
        let _starting = hold_others(folder);
        let user = lock_file(&folder.join("users"));
        user.lock_shared().expect("locks");
        let server = Self {
            folder: folder.to_owned(),
            bin: debian::programs(),
            taken: Mutex::default(),
            _user: user,
        };
        if !server.answers() {
            server.make(settings);
            server.start();
            server.keep();
            server.query("postgres", &format!("CREATE ROLE {ROLE} LOGIN"));
        }
        server
    }

    /// The folder of the socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name of an empty database that nobody else has as long as this is held. It is one that was used before, if there
    /// is one: each has three hundred files.
    pub fn database(&self) -> String {
        let free = (0_u32..).find_map(|number| {
            let lock = lock_file(&self.folder.join(format!("database-{number}")));
            lock.try_lock().is_ok().then_some((number, lock))
        });
        let (number, lock) = free.expect("there is always another");
        self.taken.lock().expect("not poisoned").push(lock);
        let name = format!("test_{number}");
        let known = format!("SELECT FROM pg_database WHERE datname = '{name}'");
        let known = format!("SELECT EXISTS ({known})");
        if self.query("postgres", &known) == "t" {
            self.empty(&name);
        } else {
            self.query("postgres", &format!("CREATE DATABASE {name} OWNER {ROLE}"));
        }
        name
    }

    fn empty(&self, database: &str) {
        let left = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
                    WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()";
        self.query(database, left);
        let anew = format!("DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION {ROLE}");
        self.query(
            database,
            &format!("SET client_min_messages = warning; {anew}"),
        );
    }

    /// How its owner reaches a database.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://{ROLE}@{folder}/{database}")
    }

    /// Runs statements as superuser; what they print, a line a row.
    pub fn query(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set=ON_ERROR_STOP=1", "--username=postgres"])
            .arg(format!("--host={}", self.folder.display()))
            .args(["--dbname", database, "--command", sql])
            .env("PGCONNECT_TIMEOUT", "30")
            .env("PGOPTIONS", "-c statement_timeout=60s");
        let done = psql.output().expect("psql runs");
        let error = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{sql}: {error}");
        String::from_utf8(done.stdout)
            .expect("UTF-8")
            .trim()
            .to_owned()
    }

    /// Stops it as a crash would, and starts it again.
    pub fn crash(&self) {
        self.stop();
        self.start();
    }

    /// Stops it as a crash would.
    pub fn stop(&self) {
        self.control(&["--mode=immediate", "--silent", "stop"]);
    }

    /// Starts it after it was stopped.
    pub fn start(&self) {
        let log = format!("--log={}", self.folder.join("data/log").display());
        self.control(&["--silent", "--wait", &log, "start"]);
        let mut patience = 200;
        while !self.answers() {
            patience -= 1;
            assert!(patience > 0, "the server does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The process that all others are children of.
    pub fn process(&self) -> u32 {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).expect("runs");
        let first = file.lines().next().expect("a line");
        first.parse().expect("a number")
    }

    fn control(&self, arguments: &[&str]) {
        let mut control = debian::as_postgres(&self.bin.join("pg_ctl"));
        control
            .arg(format!("--pgdata={}", self.data().display()))
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let done = control.status().expect("pg_ctl runs");
        assert!(done.success(), "pg_ctl {arguments:?}");
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn answers(&self) -> bool {
        UnixStream::connect(self.folder.join(".s.PGSQL.5432")).is_ok()
    }

    /// Makes an empty server, in the place of what a crash may have left.
    fn make(&self, settings: &str) {
        if self.data().exists() {
            fs::remove_dir_all(self.data()).expect("removes");
        }
        debian::give(&self.folder, 0o755);
        let mut initdb = debian::as_postgres(&self.bin.join("initdb"));
        initdb
            .arg(format!("--pgdata={}", self.data().display()))
            .args(["--username=postgres", "--auth=trust", "--no-sync"])
            .args(["--encoding=UTF8", "--no-locale", "--no-instructions"])
            .stdout(Stdio::null());
        assert!(initdb.status().expect("initdb runs").success(), "initdb");
        let folder = self.folder.display();
        let text = format!("{SETTINGS}unix_socket_directories = '{folder}'\n{settings}\n");
        fs::write(self.data().join("postgresql.auto.conf"), text).expect("writes");
    }

    /// Starts what stops the server after the last who used it has gone, however he went.
    fn keep(&self) {
        let prefix = debian::prefix().join(" ");
        // It lives on after this process: `setsid` leaves it behind and ends.
        let left = Command::new("setsid")
            .args(["--fork", "sh", "-c", KEEPER, "keeper"])
            .args([&self.folder, &self.bin])
            .arg(prefix)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(left.expect("setsid runs").success(), "the keeper");
    }
}

/// Keeps others from starting anything here.
fn hold_others(folder: &Path) -> File {
    let starting = lock_file(&folder.join("starting"));
    let mut patience = 1_200;
    while starting.try_lock().is_err() {
        patience -= 1;
        assert!(patience > 0, "somebody starts a server for two minutes");
        std::thread::sleep(Duration::from_millis(100));
    }
    starting
}

fn lock_file(path: &Path) -> File {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).open(path);
    file.expect("opens")
}

/// Something that no other test has.
fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    #[expect(
        clippy::disallowed_methods,
        reason = "a name that no other run has had"
    )]
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    format!("{}_{count}_{}", std::process::id(), now.as_micros())
}
