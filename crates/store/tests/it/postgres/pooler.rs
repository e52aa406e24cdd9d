//! Behind a pooler that lends its connections for a transaction.

use std::{sync::Arc, time::Duration};

use relatch_core::{
    event::Origin,
    revocation::RevocationStore as _,
    session::{
        EndReason,
        store::{Ending, SessionStore as _, Which},
    },
    user::store::UserStore as _,
};
use scratch_postgres::Server;

use super::{NOW, newcomer, open, options, request, turned};

/// Nothing is listened to through it, and what is sent to other nodes reaches one that has a way of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_nodes_share_few_connections() {
    let server = Server::shared();
    let database = server.database();
    let pooled = server.pooled_url(&database);
    let direct = options(&server.url(&database), |_| {}).address;
    let mut nodes = Vec::new();
    for number in 0..6 {
        let options = options(&pooled, |options| {
            options.listen = (number == 0).then(|| direct.clone());
        });
        nodes.push(open(&options).await);
    }
    let mut sessions = Vec::new();
    for number in 1..=30 {
        let registering = newcomer(number);
        sessions.push(registering.session.clone());
        nodes[0].register(registering).await.expect("works");
    }
    for generation in 0..5 {
        let turning: Vec<_> = (0..6 * sessions.len())
            .map(|number| {
                let node = Arc::clone(&nodes[number % nodes.len()]);
                let request = request(&sessions[number / nodes.len()], generation);
                tokio::spawn(async move { turned(node.refresh(request).await.expect("answers")) })
            })
            .collect();
        for task in turning {
            task.await.expect("does not panic");
        }
    }
    for session in &sessions {
        let found = nodes[1].find_session(session.id).await.expect("reads");
        assert_eq!(found.expect("there").life.generation.0, 5);
    }
    let ending = Ending {
        user: sessions[0].user,
        which: Which::All,
        reason: EndReason::LogoutEverywhere,
        origin: Origin::default(),
        now: NOW,
    };
    assert_eq!(nodes[5].end_sessions(ending).await, Ok(1));
    let woken = tokio::time::timeout(Duration::from_secs(1), nodes[0].revoked());
    assert!(woken.await.is_ok());
}
