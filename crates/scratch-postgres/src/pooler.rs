//! PgBouncer in front of a server, lending its connections for a transaction.

use std::{
    fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{ROLE, Server, debian};

/// A PgBouncer, for as long as this is held.
pub struct Pooler {
    folder: PathBuf,
    child: Child,
}

impl Pooler {
    /// Starts one with few connections to the server, so that those of different clients are mixed up.
    pub fn start(server: &Server) -> Self {
        if !Path::new("/usr/sbin/pgbouncer").exists() {
            debian::install("pgbouncer");
        }
        let folder = std::env::temp_dir().join(format!("relatch-pooler-{}", crate::unique()));
        fs::create_dir_all(&folder).expect("makes a folder");
        debian::give(&folder);
        let settings = format!(
            "[databases]\n* = host={}\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = {here}\n\
             pool_mode = transaction\ndefault_pool_size = 4\nmax_client_conn = 500\n\
             auth_type = trust\nauth_file = {here}/users\nlogfile = {here}/log\n",
            server.folder().display(),
            here = folder.display(),
        );
        fs::write(folder.join("settings"), settings).expect("writes");
        fs::write(folder.join("users"), format!("\"{ROLE}\" \"\"\n")).expect("writes");
        let child = Self::command(&folder).spawn().expect("PgBouncer starts");
        let pooler = Self { folder, child };
        let mut patience = 200;
        while UnixStream::connect(pooler.folder.join(".s.PGSQL.6432")).is_err() {
            patience -= 1;
            assert!(patience > 0, "PgBouncer does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        pooler
    }

    fn command(folder: &Path) -> Command {
        let mut command = debian::as_postgres(Path::new("/usr/sbin/pgbouncer"));
        command
            .arg(folder.join("settings"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// How a database is reached through it.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://{ROLE}@{folder}:6432/{database}")
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // `setpriv` becomes the program, so that this is its process.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
