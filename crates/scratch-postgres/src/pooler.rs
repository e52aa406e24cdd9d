//! PgBouncer in front of a server, lending its connections for a transaction.

use std::{fs, os::unix::net::UnixStream, path::Path, process::Stdio, time::Duration};

use crate::{ROLE, Server, debian, hold_others};

const PROGRAM: &str = "/usr/sbin/pgbouncer";

impl Server {
    /// How the owner of a database reaches it through a pooler that has few connections, so that those of different clients
    /// are mixed up. It goes with the server.
    pub fn pooled_url(&self, database: &str) -> String {
        let starting = hold_others(self.folder());
        if !self.pooler_answers() {
            self.start_pooler();
        }
        drop(starting);
        let folder = self.folder().display().to_string().replace('/', "%2F");
        format!("postgres://{ROLE}@{folder}:6432/{database}")
    }

    fn pooler_answers(&self) -> bool {
        UnixStream::connect(self.folder().join(".s.PGSQL.6432")).is_ok()
    }

    fn start_pooler(&self) {
        if !Path::new(PROGRAM).exists() {
            debian::install("pgbouncer");
        }
        let folder = self.folder();
        let here = folder.display();
        let settings = format!(
            "[databases]\n* = host={here}\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = {here}\n\
             pool_mode = transaction\ndefault_pool_size = 4\nmax_client_conn = 1000\n\
             server_idle_timeout = 5\nserver_check_query =\nauth_type = trust\nauth_file = {here}/pooler.users\n\
             logfile = {here}/pooler.log\npidfile = {here}/pooler.pid\n"
        );
        let file = |name: &str| folder.join(name);
        fs::write(file("pooler.ini"), settings).expect("writes");
        fs::write(file("pooler.users"), format!("\"{ROLE}\" \"\"\n")).expect("writes");
        let mut pooler = debian::as_postgres(Path::new(PROGRAM));
        pooler
            .arg("--daemon")
            .arg(file("pooler.ini"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let started = pooler.status().expect("PgBouncer runs").success();
        assert!(started, "PgBouncer");
        let mut patience = 200;
        while !self.pooler_answers() {
            patience -= 1;
            assert!(patience > 0, "PgBouncer does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
