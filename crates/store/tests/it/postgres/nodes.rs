//! Several stores on one database, as nodes are.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use relatch_core::{
    Store, StoreError,
    event::{Event, EventKind, EventStore as _, Origin},
    revocation::RevocationStore as _,
    session::{
        EndReason,
        open::Opening,
        refresh::{Outcome, Turn},
        store::{Ending, Opened, SessionStore as _, Which},
    },
    user::{
        CredentialVersion,
        store::{Changing, UserStore as _},
    },
};
use relatch_store::Postgres;
use scratch_postgres::Server;

use super::{NOW, backend::connect, newcomer, open, options, request};

async fn three(server: &Server, database: &str) -> Vec<Arc<Postgres>> {
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(open(&options(&server.url(database), |_| {})).await);
    }
    nodes
}

fn ending(session: &relatch_core::session::Session, which: Which) -> Ending {
    Ending {
        user: session.user,
        which,
        reason: EndReason::LogoutEverywhere,
        origin: Origin::default(),
        now: NOW,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_token_on_three_nodes_at_once_has_one_successor() {
    let server = Server::shared();
    let database = server.database();
    let nodes = three(&server, &database).await;
    let registering = newcomer(1);
    let session = registering.session.clone();
    nodes[0].register(registering).await.expect("works");
    for generation in 0..6 {
        let refreshing: Vec<_> = (0..64)
            .map(|number| {
                let node = Arc::clone(&nodes[number % 3]);
                let request = request(&session, generation);
                tokio::spawn(async move { node.refresh(request).await })
            })
            .collect();
        let (mut rotations, mut newest) = (0, BTreeSet::new());
        for task in refreshing {
            let outcome = task.await.expect("does not panic").expect("answers");
            let Outcome::Turned(turned) = outcome else {
                panic!("{outcome:?}")
            };
            rotations += u32::from(matches!(turned.turn, Turn::Rotate { .. }));
            newest.insert(turned.session.life.generation);
        }
        assert_eq!((rotations, newest.len()), (1, 1));
    }
}

/// What one revokes wakes the others, sooner than they would look by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_at_another_node_is_woken() {
    let server = Server::shared();
    let database = server.database();
    let nodes = three(&server, &database).await;
    let registering = newcomer(1);
    let session = registering.session.clone();
    nodes[0].register(registering).await.expect("works");
    // Until they listen.
    let listening = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND query LIKE 'LISTEN%'"
    );
    while server.query("postgres", &listening) != "3" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    nodes[0].refresh(request(&session, 0)).await.expect("works");
    let quiet = tokio::time::timeout(Duration::from_millis(200), nodes[1].revoked());
    assert!(quiet.await.is_err(), "a rotation is nothing to wake for");
    let order = ending(&session, Which::All);
    assert_eq!(nodes[0].end_sessions(order).await, Ok(1));
    for node in &nodes {
        let woken = tokio::time::timeout(Duration::from_millis(500), node.revoked());
        assert!(woken.await.is_ok());
        let backlog = node.revocations_after(0, 10).await.expect("reads");
        assert_eq!(backlog.entries.len(), 1);
    }
}

/// Everything that locks, at once and on few users: nobody waits for somebody who waits for him, and afterwards the record
/// has every number once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_in_a_circle() {
    let server = Server::shared();
    let database = server.database();
    let nodes = three(&server, &database).await;
    let mut sessions = Vec::new();
    for number in 1..=4 {
        let registering = newcomer(number);
        sessions.push(registering.session.clone());
        nodes[0].register(registering).await.expect("works");
    }
    let before = deadlocks(&server, &database);
    let mut running = Vec::new();
    for number in 0..240_u128 {
        let index = usize::try_from(number).expect("small");
        let node = Arc::clone(&nodes[index % 3]);
        let session = sessions[index % 4].clone();
        let mut fresh = newcomer(session.user.0.as_u128()).session;
        fresh.id = relatch_core::session::SessionId(uuid::Uuid::from_u128(1_000 + number));
        running.push(tokio::spawn(async move {
            one_of_many(node.as_ref(), number, (session, fresh)).await
        }));
    }
    for task in running {
        let done = task.await.expect("does not panic");
        assert_eq!(done, Ok(()), "nothing failed");
    }
    assert_eq!(deadlocks(&server, &database), before);
    let unsealed = nodes[0].unsealed(10_000).await.expect("reads");
    let numbers: Vec<_> = unsealed
        .records
        .iter()
        .map(|record| record.number)
        .collect();
    assert_eq!(numbers, (1..=unsealed.last).collect::<Vec<_>>());
}

async fn one_of_many(
    store: &dyn Store,
    number: u128,
    (session, fresh): (
        relatch_core::session::Session,
        relatch_core::session::Session,
    ),
) -> Result<(), StoreError> {
    let origin = Origin::default();
    let opening = |session| Opening {
        session,
        verified: CredentialVersion(1),
        rehashed: None,
        replaces: None,
        origin: Origin::default(),
    };
    match number % 6 {
        0 => store.open_session(opening(fresh)).await.map(|opened| {
            assert!(!matches!(opened, Opened::UserDisabled));
        }),
        // Reuse, or over.
        1 => store.refresh(request(&session, 0)).await.map(drop),
        2 => {
            let order = ending(&session, Which::AllBut(session.id));
            store.end_sessions(order).await.map(drop)
        }
        3 => {
            let changing = Changing {
                session: fresh,
                caller: session.id,
                verified: CredentialVersion(1),
                hash: relatch_core::password::PasswordHash::from_phc("$test$next".to_owned()),
                origin,
            };
            store.set_password(changing).await.map(drop)
        }
        4 => {
            let by = relatch_core::event::Administrator {
                actor: relatch_core::event::Actor::User(session.user, session.id),
                origin,
                now: NOW,
            };
            store
                .end_sessions_of(session.user, Which::All, by)
                .await
                .map(drop)
        }
        _ => store.refresh(request(&session, 1)).await.map(drop),
    }
}

fn deadlocks(server: &Server, database: &str) -> String {
    let sql = format!("SELECT deadlocks FROM pg_stat_database WHERE datname = '{database}'");
    server.query("postgres", &sql)
}

/// An event whose transaction fails takes no number, and one that waits holds none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_has_no_gap_where_a_transaction_failed() {
    let server = Server::shared();
    let database = server.database();
    let store = open(&options(&server.url(&database), |_| {})).await;
    let admin = connect(&server, &database).await;
    admin
        .batch_execute(
            "CREATE FUNCTION refusal() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'refused'; END $$; \
             CREATE TRIGGER refusal BEFORE INSERT ON event FOR EACH ROW \
             WHEN (NEW.agent = 'refused') EXECUTE FUNCTION refusal()",
        )
        .await
        .expect("creates");
    let event = |agent: &str| Event {
        at: NOW,
        kind: EventKind::LoggedIn,
        user: newcomer(1).user.id,
        session: None,
        origin: Origin {
            address: None,
            agent: Some(agent.to_owned()),
        },
    };
    let running: Vec<_> = (0..60)
        .map(|number| {
            let store = Arc::clone(&store);
            let is_refused = number % 3 == 0;
            let event = event(if is_refused { "refused" } else { "taken" });
            tokio::spawn(async move { (is_refused, store.append_event(event).await) })
        })
        .collect();
    for task in running {
        let (is_refused, done) = task.await.expect("does not panic");
        assert_eq!(done.is_err(), is_refused, "{done:?}");
    }
    let unsealed = store.unsealed(100).await.expect("reads");
    let numbers: Vec<_> = unsealed
        .records
        .iter()
        .map(|record| record.number)
        .collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
}

/// Two nodes walk along the sessions at the same time: one does, and the other leaves it to that one, also when it has come to
/// the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_at_a_time_removes_what_is_old() {
    let server = Server::shared();
    let database = server.database();
    let nodes = three(&server, &database).await;
    for number in 1..=5 {
        nodes[0].register(newcomer(number)).await.expect("works");
    }
    let late = NOW.plus(Duration::from_hours(24 * 400));
    let first = nodes[1]
        .sweep_sessions(None, 2, late)
        .await
        .expect("sweeps");
    assert_eq!(first.1, 2);
    let left = nodes[0].sweep_sessions(None, 2, late).await;
    assert_eq!(left, Ok((None, 0)));
    let (mut after, mut gone) = (first.0, 2);
    while after.is_some() {
        let step = nodes[1]
            .sweep_sessions(after, 2, late)
            .await
            .expect("sweeps");
        (after, gone) = (step.0, gone + step.1);
    }
    assert_eq!(gone, 5);
    assert_eq!(nodes[2].sweep_sessions(None, 2, late).await, Ok((None, 0)));
    // It is gone, and another takes over.
    server.query(
        &database,
        "UPDATE background SET until = now() - interval '1 second'",
    );
    let registering = newcomer(9);
    nodes[0].register(registering).await.expect("works");
    let taken = nodes[2]
        .sweep_sessions(None, 2, late)
        .await
        .expect("sweeps");
    assert_eq!(taken.1, 1);
}

/// What `assign_roles` does at once: it locks the sessions, changes the roles and commits. A refresh that waits for that has the
/// roles of after it, for the tokens of before are revoked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_that_waited_has_the_roles_of_after() {
    let server = Server::shared();
    let database = server.database();
    let store = open(&options(&server.url(&database), |_| {})).await;
    let registering = newcomer(1);
    let session = registering.session.clone();
    store.register(registering).await.expect("works");
    let assigning = connect(&server, &database).await;
    let begin =
        "INSERT INTO role VALUES ('editor', '', 1); BEGIN; SELECT FROM session FOR NO KEY UPDATE";
    assigning.batch_execute(begin).await.expect("locks");
    let waiting = {
        let (store, request) = (Arc::clone(&store), request(&session, 0));
        tokio::spawn(async move { store.refresh(request).await })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    let give = "INSERT INTO user_role SELECT id, 'editor' FROM \"user\"; COMMIT";
    assigning.batch_execute(give).await.expect("gives");
    let outcome = waiting.await.expect("does not panic").expect("answers");
    let Outcome::Turned(turned) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(turned.session.roles.len(), 1);
}
