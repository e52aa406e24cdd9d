//! Bringing a database up to date.

use relatch_core::user::store::UserStore as _;
use relatch_store::postgres::{self, OpenError};
use scratch_postgres::Server;

use super::{backend::connect, newcomer, open, options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_nodes_that_start_at_once_one_migrates() {
    let server = Server::shared();
    let database = server.database();
    let url = server.url(&database);
    let starting = (0..10).map(|_| {
        let options = options(&url, |_| {});
        tokio::spawn(async move { open(&options).await })
    });
    let mut nodes = Vec::new();
    for node in starting.collect::<Vec<_>>() {
        nodes.push(node.await.expect("starts"));
    }
    let steps = server.query(&database, "SELECT count(*) FROM migration");
    assert_eq!(steps, "1");
    for (number, node) in (1..).zip(&nodes) {
        node.register(newcomer(number)).await.expect("works");
    }
    let users = server.query(&database, "SELECT count(*) FROM \"user\"");
    assert_eq!(users, "10");
}

#[tokio::test]
async fn a_database_of_another_schema_is_refused_with_a_sentence() {
    let server = Server::shared();
    let database = server.database();
    let options = options(&server.url(&database), |_| {});
    let policy = std::sync::Arc::new(relatch_store::conformance::policy());
    let beside = || relatch_store::Postgres::open_beside(&options, policy.clone());
    let error = beside().await.err().expect("is empty");
    assert!(matches!(error, OpenError::Empty), "{error}");
    open(&options).await;
    beside().await.expect("is current");
    let migrated = postgres::update(&options).await.expect("is current");
    assert_eq!((migrated.from, migrated.to), (1, 1));
    let admin = connect(&server, &database).await;
    let run = async |sql: &str| admin.batch_execute(sql).await.expect("runs");
    run("INSERT INTO migration VALUES (2, 'later', '')").await;
    let error = beside().await.err().expect("is newer");
    assert!(
        error
            .to_string()
            .contains("schema 2, this binary knows up to 1"),
        "{error}"
    );
    let error = postgres::update(&options).await.expect_err("is newer");
    assert!(matches!(error, OpenError::Newer { .. }), "{error}");
    run("DELETE FROM migration WHERE number = 2; UPDATE migration SET checksum = 'x'").await;
    let error = beside().await.err().expect("is another");
    assert!(matches!(error, OpenError::Changed(_)), "{error}");
}

#[tokio::test]
async fn the_tables_of_another_program_are_left_alone() {
    let server = Server::shared();
    let database = server.database();
    let options = options(&server.url(&database), |_| {});
    server.query(&database, "CREATE TABLE theirs (x int)");
    let policy = std::sync::Arc::new(relatch_store::conformance::policy());
    let opened = relatch_store::Postgres::open(&options, policy).await;
    let error = opened.err().expect("is refused");
    assert!(matches!(error, OpenError::Foreign(_)), "{error}");
    let tables = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    assert_eq!(server.query(&database, tables), "1");
}
