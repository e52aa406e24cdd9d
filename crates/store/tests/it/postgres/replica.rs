//! Commits that wait for a replica: what is durable is answered only after it, and what a crash may forget does not wait.

use std::time::{Duration, Instant};

use relatch_core::{
    StoreError,
    event::Origin,
    session::{
        EndReason,
        refresh::Turn,
        store::{Ending, SessionStore as _, Which},
    },
    user::store::UserStore as _,
};
use scratch_postgres::Server;

use super::{NOW, backend::connect, newcomer, open, options, request, turned};

/// The replica is gone, and somebody has PostgreSQL give the wait up: it warns and says that it has committed. Nobody is told
/// that his session has ended, and rotations go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_no_replica_confirmed_is_unknown() {
    let server = Server::alone("");
    let database = server.database();
    let store = open(&options(&server.url(&database), |options| {
        options.statement_timeout = Duration::from_mins(1);
    }))
    .await;
    let admin = connect(&server, &database).await;
    let registering = newcomer(1);
    let session = registering.session.clone();
    store.register(registering).await.expect("works");
    server.query(
        "postgres",
        "ALTER SYSTEM SET synchronous_standby_names = 'nobody'",
    );
    server.query("postgres", "SELECT pg_reload_conf()");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let turn = store.refresh(request(&session, 0)).await;
    assert!(matches!(
        turned(turn.expect("does not wait")),
        Turn::Rotate { .. }
    ));
    let ending = Ending {
        user: session.user,
        which: Which::One(session.id),
        reason: EndReason::Logout,
        origin: Origin::default(),
        now: NOW,
    };
    let giving_up = tokio::spawn(async move {
        let sql =
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        for _ in 0..1_000 {
            admin.query(sql, &[]).await.expect("cancels");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let begun = Instant::now();
    let ended = store.end_sessions(ending.clone()).await;
    assert_eq!(ended, Err(StoreError::Unavailable));
    let registered = store.register(newcomer(2)).await;
    assert_eq!(registered.err(), Some(StoreError::Unavailable));
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "it is told, and no limit of ours"
    );
    giving_up.abort();
    server.query("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
    server.query("postgres", "SELECT pg_reload_conf()");
    tokio::time::sleep(Duration::from_millis(500)).await;
    // It had happened here all the same.
    assert_eq!(store.end_sessions(ending).await, Ok(0));
}
