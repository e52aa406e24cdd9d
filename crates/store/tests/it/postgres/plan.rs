//! What a rotation costs at the table: one page, no index, and the version before is cleaned up by the way.

use relatch_core::{session::store::SessionStore as _, user::store::UserStore as _};
use scratch_postgres::Server;

use super::{newcomer, open, options, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_touches_no_index_and_leaves_nothing_behind() {
    // Of its own: whatever is under way in another database of a server keeps old versions from being cleaned up in all of them.
    let server = Server::alone("");
    let database = server.database();
    let store = open(&options(&server.url(&database), |_| {})).await;
    let mut sessions = Vec::new();
    for number in 1..=50 {
        let registering = newcomer(number);
        sessions.push(registering.session.clone());
        store.register(registering).await.expect("works");
    }
    let indexes = "SELECT pg_indexes_size('session')";
    let before = server.query(&database, indexes);
    for generation in 0..40 {
        let turning = sessions
            .iter()
            .map(|session| store.refresh(request(session, generation)));
        for turn in turning {
            turn.await.expect("turns");
        }
    }
    assert_eq!(server.query(&database, indexes), before);
    // 2,000 versions of 50 rows would take half a megabyte.
    let size = server.query(&database, "SELECT pg_relation_size('session')");
    assert!(size.parse::<u64>().expect("a number") <= 65_536, "{size}");
    let hot = "SELECT n_tup_hot_upd::float / n_tup_upd FROM pg_stat_user_tables WHERE relname = 'session'";
    // Counts are told a moment later.
    store.close();
    let mut share = String::new();
    for _ in 0..50 {
        share = server.query(&database, hot);
        if !share.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(share.parse::<f64>().expect("a number") >= 0.95, "{share}");
}
