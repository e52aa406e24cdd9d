//! What is bounded: how long a lock, a statement and a server that stands still are waited for, and how much may wait.

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use relatch_core::{StoreError, session::store::SessionStore as _, user::store::UserStore as _};
use scratch_postgres::Server;

use super::{backend::connect, newcomer, open, options, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_is_not_waited_for_for_ever() {
    let server = Server::shared();
    let database = server.database();
    let store = open(&options(&server.url(&database), |options| {
        options.lock_timeout = Duration::from_millis(200);
    }))
    .await;
    let registering = newcomer(1);
    let session = registering.session.clone();
    store.register(registering).await.expect("works");
    let held = connect(&server, &database).await;
    held.batch_execute("BEGIN; SELECT FROM session FOR UPDATE")
        .await
        .expect("locks");
    let begun = Instant::now();
    let refused = store.refresh(request(&session, 0)).await;
    assert_eq!(refused.err(), Some(StoreError::Unavailable));
    assert!(begun.elapsed() < Duration::from_secs(2));
    held.batch_execute("COMMIT").await.expect("lets go");
    store.refresh(request(&session, 0)).await.expect("goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_may_wait_is_refused_at_once() {
    let server = Server::shared();
    let database = server.database();
    let store = open(&options(&server.url(&database), |options| {
        options.queue = 8;
        options.rotating = 1;
        options.connections = 2;
        options.lock_timeout = Duration::from_secs(1);
    }))
    .await;
    let registering = newcomer(1);
    let session = registering.session.clone();
    store.register(registering).await.expect("works");
    let held = connect(&server, &database).await;
    held.batch_execute("BEGIN; SELECT FROM session FOR UPDATE; LOCK TABLE \"user\" IN SHARE MODE")
        .await
        .expect("locks");
    let many = (0..40_u128).map(|number| {
        let (store, request) = (Arc::clone(&store), request(&session, 0));
        tokio::spawn(async move {
            if number % 2 == 0 {
                store.refresh(request).await.map(drop)
            } else {
                store.register(newcomer(number + 10)).await.map(drop)
            }
        })
    });
    let mut refused = 0;
    for task in many.collect::<Vec<_>>() {
        match task.await.expect("does not panic") {
            Err(StoreError::Overloaded) => refused += 1,
            Err(StoreError::Unavailable) | Ok(()) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused >= 15, "{refused}");
    held.batch_execute("COMMIT").await.expect("lets go");
    store.refresh(request(&session, 0)).await.expect("goes on");
    store.register(newcomer(2)).await.expect("goes on");
}

/// Frozen, the server answers nothing and breaks no connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_is_not_waited_for_for_ever() {
    let server = Server::alone("");
    let database = server.database();
    let store = open(&options(&server.url(&database), |options| {
        options.statement_timeout = Duration::from_millis(150);
        options.lock_timeout = Duration::from_millis(100);
        options.connect_timeout = Duration::from_millis(300);
    }))
    .await;
    let registering = newcomer(1);
    let session = registering.session.clone();
    store.register(registering).await.expect("works");
    store.refresh(request(&session, 0)).await.expect("works");
    let processes = children(server.process());
    signal("STOP", &processes);
    let begun = Instant::now();
    let refresh = store.refresh(request(&session, 1)).await;
    let read = store.find_session(session.id).await;
    let written = store.register(newcomer(2)).await;
    signal("CONT", &processes);
    assert_eq!(refresh.err(), Some(StoreError::Unavailable));
    assert_eq!(read.err(), Some(StoreError::Unavailable));
    assert_eq!(written.err(), Some(StoreError::Unavailable));
    assert!(begun.elapsed() < Duration::from_secs(5));
    tokio::time::sleep(Duration::from_millis(500)).await;
    store.refresh(request(&session, 1)).await.expect("goes on");
    store.register(newcomer(3)).await.expect("goes on");
}

/// A process and all that it started.
fn children(process: u32) -> Vec<String> {
    let list = Command::new("ps")
        .args(["-o", "pid=", "--ppid", &process.to_string()])
        .output()
        .expect("ps runs");
    let list = String::from_utf8(list.stdout).expect("UTF-8");
    let children = list.split_whitespace().map(str::to_owned);
    children.chain([process.to_string()]).collect()
}

fn signal(name: &str, processes: &[String]) {
    let sent = Command::new("kill")
        .arg(format!("-{name}"))
        .args(processes)
        .status();
    assert!(sent.is_ok_and(|status| status.success()), "{name}");
}
