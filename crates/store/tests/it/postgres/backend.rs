//! A database for each case, and a second connection to do to it what a store must live with.

use std::{any::Any, sync::Arc};

use async_trait::async_trait;
use relatch_core::{Store, session::Policy};
use relatch_store::{
    Postgres,
    conformance::{Backend, Factory},
    postgres::{Address, Options},
};
use scratch_postgres::Server;
use tokio_postgres::{Client, NoTls};

/// Makes a database for each case.
pub(crate) struct Databases;

/// The same, reached through a pooler.
pub(crate) struct Pooled;

struct Database {
    store: Arc<Postgres>,
    policy: Policy,
    name: String,
    url: String,
    watch: Client,
    server: Server,
}

/// How tests use a database.
pub(crate) fn options(url: &str) -> Options {
    let mut options = Options::new(Address::parse(url).expect("an address"));
    // Each case has a store or two, and all of them one server.
    options.connections = 6;
    options
}

/// A store under these rules.
pub(crate) async fn open(url: &str, policy: &Policy) -> Arc<Postgres> {
    let (options, policy) = (options(url), Arc::new(policy.clone()));
    let opened = Postgres::open(&options, policy).await;
    Arc::new(opened.expect("opens"))
}

/// A connection as superuser, who is above the store's locks.
pub(crate) async fn connect(server: &Server, database: &str) -> Client {
    let folder = server.folder().display();
    let words = format!("host={folder} user=postgres dbname={database}");
    let (client, connection) = tokio_postgres::connect(&words, NoTls)
        .await
        .expect("connects");
    tokio::spawn(connection);
    client
}

#[async_trait]
impl Factory for Databases {
    async fn fresh(&self, policy: Policy) -> Arc<dyn Backend> {
        Arc::new(Database::make(policy, Server::url).await)
    }
}

#[async_trait]
impl Factory for Pooled {
    async fn fresh(&self, policy: Policy) -> Arc<dyn Backend> {
        Arc::new(Database::make(policy, Server::pooled_url).await)
    }
}

impl Database {
    async fn make(policy: Policy, url: fn(&Server, &str) -> String) -> Self {
        let server = Server::shared();
        let name = server.database();
        let url = url(&server, &name);
        Self {
            store: open(&url, &policy).await,
            policy,
            watch: connect(&server, &name).await,
            name,
            url,
            server,
        }
    }

    async fn strings(&self, sql: &str) -> Vec<String> {
        let rows = self.watch.query(sql, &[]).await.expect("reads");
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn tables(&self) -> Vec<String> {
        let sql = "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' \
                   AND relnamespace = 'public'::regnamespace ORDER BY relname";
        self.strings(sql).await
    }
}

#[async_trait]
impl Backend for Database {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    async fn rows(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for table in self.tables().await {
            let name = table.trim_matches('"');
            let sql = format!("SELECT '{name} ' || rows::text FROM {table} AS rows ORDER BY rows");
            rows.extend(self.strings(&sql).await);
        }
        rows
    }

    async fn writes(&self) -> i64 {
        // A row that was written again is in another place, by another transaction.
        let mut writes = 0_i64;
        for table in self.tables().await {
            let sql = format!(
                "SELECT coalesce(sum(hashtextextended(ctid::text || xmin::text, 0) / 1000000), 0)::bigint FROM {table}"
            );
            let row = self.watch.query_one(&sql, &[]).await.expect("reads");
            writes = writes.wrapping_mul(31).wrapping_add(row.get(0));
        }
        writes
    }

    async fn hold_writes(&self) -> Box<dyn Any + Send> {
        let held = connect(&self.server, &self.name).await;
        // Rows that are there, and the record, without which nothing else is written. Who comes first to a row has it first
        // when this ends.
        let sql = "BEGIN; LOCK TABLE event IN SHARE MODE; \
                   SELECT FROM \"user\" FOR UPDATE; SELECT FROM session FOR UPDATE";
        held.batch_execute(sql).await.expect("locks");
        Box::new(held)
    }

    async fn refuse_to_end_bound_sessions(&self) {
        let sql = "CREATE FUNCTION refusal() RETURNS trigger LANGUAGE plpgsql AS \
                   $$ BEGIN RAISE EXCEPTION 'refused'; END $$; \
                   CREATE TRIGGER refusal BEFORE UPDATE OF ended_at ON session FOR EACH ROW \
                   WHEN (NEW.jkt IS NOT NULL) EXECUTE FUNCTION refusal()";
        self.watch.batch_execute(sql).await.expect("creates");
    }

    async fn after_death(&self) -> Arc<dyn Store> {
        // Waited for: a pooler would lend a connection that is about to die.
        let sql = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
                   WHERE datname = current_database() AND usename = 'relatch'";
        self.watch.query(sql, &[]).await.expect("kills");
        open(&self.url, &self.policy).await
    }
}
