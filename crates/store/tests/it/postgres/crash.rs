//! PostgreSQL and nodes that stop without a word.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use relatch_core::{
    event::{EventStore as _, Origin},
    session::{
        EndReason, Session,
        refresh::{Outcome, Turn},
        store::{Ending, SessionStore as _, Which},
    },
    user::store::UserStore as _,
};
use relatch_store::Postgres;
use scratch_postgres::Server;

use super::{NOW, backend::connect, newcomer, open, options, request};

/// Turns one session until told to stop; the newest generation that was answered.
async fn turn_on(store: Arc<Postgres>, session: Session, over: Arc<AtomicBool>) -> u32 {
    let mut newest = 0;
    while !over.load(Ordering::Relaxed) {
        match store.refresh(request(&session, newest)).await {
            Ok(Outcome::Turned(turned)) => match turned.turn {
                Turn::Rotate { to, .. } => newest = to.0,
                Turn::Retry { of, .. } => newest = of.0,
                other => panic!("{other:?}"),
            },
            Ok(other) => panic!("{other:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    newest
}

/// The server stops as in a crash under load, three times: every client goes on with the token that it holds, what was
/// answered as ended is ended, and the record has no gap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_of_the_server_logs_nobody_out() {
    let server = Server::alone("");
    let database = server.database();
    let store = open(&options(&server.url(&database), |_| {})).await;
    let mut sessions = Vec::new();
    for number in 1..=40 {
        let registering = newcomer(number);
        sessions.push(registering.session.clone());
        store.register(registering).await.expect("works");
    }
    let over = Arc::new(AtomicBool::new(false));
    let turning: Vec<_> = sessions
        .iter()
        .skip(6)
        .map(|session| {
            tokio::spawn(turn_on(
                Arc::clone(&store),
                session.clone(),
                Arc::clone(&over),
            ))
        })
        .collect();
    let mut ended = Vec::new();
    for (round, session) in sessions.iter().take(6).enumerate() {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let ending = Ending {
            user: session.user,
            which: Which::One(session.id),
            reason: EndReason::Logout,
            origin: Origin::default(),
            now: NOW,
        };
        if store.end_sessions(ending).await == Ok(1) {
            ended.push(session);
        }
        if round % 2 == 1 {
            tokio::task::block_in_place(|| server.crash());
        }
    }
    over.store(true, Ordering::Relaxed);
    for (task, session) in turning.into_iter().zip(sessions.iter().skip(6)) {
        let newest = task.await.expect("nobody was refused");
        let outcome = store
            .refresh(request(session, newest))
            .await
            .expect("answers");
        assert!(matches!(super::turned(outcome), Turn::Rotate { .. }));
    }
    assert!(ended.len() >= 3, "{}", ended.len());
    for session in ended {
        let found = store.find_session(session.id).await.expect("reads");
        assert!(found.expect("there").life.ended.is_some());
    }
    let unsealed = store.unsealed(1_000).await.expect("reads");
    let numbers: Vec<_> = unsealed
        .records
        .iter()
        .map(|record| record.number)
        .collect();
    assert_eq!(numbers, (1..=unsealed.last).collect::<Vec<_>>());
}

/// Connections that are cut between two requests, and in the midst of one, are replaced without anybody noticing; one whose
/// commit was under way is not guessed about.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_is_replaced() {
    let server = Server::shared();
    let database = server.database();
    let store = open(&options(&server.url(&database), |_| {})).await;
    let registering = newcomer(1);
    let session = registering.session.clone();
    store.register(registering).await.expect("works");
    let admin = connect(&server, &database).await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND usename = 'relatch'";
    for generation in 0..5 {
        admin.query(cut, &[]).await.expect("cuts");
        let outcome = store.refresh(request(&session, generation)).await;
        let turn = super::turned(outcome.expect("goes on"));
        assert!(matches!(turn, Turn::Rotate { .. }), "{turn:?}");
        admin.query(cut, &[]).await.expect("cuts");
        let user = newcomer(u128::from(generation) + 2);
        store.register(user).await.expect("goes on");
        admin.query(cut, &[]).await.expect("cuts");
        store.find_session(session.id).await.expect("goes on");
    }
    // A refresh that waits for a lock when its connection is cut.
    let held = connect(&server, &database).await;
    held.batch_execute("BEGIN; SELECT FROM session FOR UPDATE")
        .await
        .expect("locks");
    let waiting = {
        let (store, request) = (Arc::clone(&store), request(&session, 5));
        tokio::spawn(async move { store.refresh(request).await })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    admin.query(cut, &[]).await.expect("cuts");
    held.batch_execute("COMMIT").await.expect("lets go");
    let outcome = waiting.await.expect("does not panic").expect("goes on");
    assert!(matches!(super::turned(outcome), Turn::Rotate { .. }));
}
