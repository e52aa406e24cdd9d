//! Two nodes on one PostgreSQL: whatever is said to one holds at the other, and which of them is asked makes no difference.

use std::time::Duration;

use scratch_postgres::Server as Postgres;
use serde_json::json;

use crate::support::{
    Folder, Reply, Server, Stream, Tokens, account::PASSWORD, at_once, eventually, get,
    refresh_token::generation, request, stream::follow,
};

const SECOND: Duration = Duration::from_secs(1);

/// Two nodes, and the server of their database for as long as they run.
struct Nodes {
    both: [Server; 2],
    database: String,
    _postgres: Postgres,
}

/// What a node is told of the database, and of the master key, which all share.
fn settings<'a>(url: &'a str, key: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("postgres.url", url),
        ("keys.master_key_file", key),
        ("session.retry_window", "30s"),
    ]
}

impl Nodes {
    fn start() -> Self {
        let postgres = Postgres::shared();
        let database = postgres.database();
        let url = postgres.url(&database);
        let folders = [Folder::new(), Folder::new()];
        let key = folders[0].file("shared.key").display().to_string();
        std::fs::write(&key, "5a".repeat(32)).unwrap();
        let nodes = folders.map(|folder| folder.start(&settings(&url, &key)));
        Self {
            both: nodes,
            database,
            _postgres: postgres,
        }
    }
}

#[test]
fn a_session_goes_from_node_to_node() {
    let nodes = Nodes::start();
    let [one, other] = &nodes.both;
    let first = one.register("ada");
    let second = Tokens::of(&other.log_in("ada", PASSWORD));
    let mut tokens = first.clone();
    for node in [other, one, other] {
        let next = node.turn(&tokens);
        assert_eq!(generation(&next.refresh), generation(&tokens.refresh) + 1);
        tokens = next;
        assert_eq!(one.me(&tokens.access).status, 200);
        assert_eq!(other.me(&tokens.access).status, 200);
    }
    // What is spent for good ends the session on both, and the other session goes on.
    one.refresh(&first.refresh).is_over("reuse");
    for node in [one, other] {
        node.refresh(&tokens.refresh).is_over("reuse");
        node.me(&tokens.access).is_over("reuse");
    }
    other.is_unharmed(&second);
    other.is_well();
}

#[test]
fn one_token_on_both_nodes_at_once_has_one_successor() {
    let nodes = Nodes::start();
    let mut tokens = nodes.both[0].register("ada");
    for _ in 0..3 {
        let replies = at_once(64, |thread| nodes.both[thread % 2].refresh(&tokens.refresh));
        let successors: Vec<_> = replies.iter().map(Tokens::of).collect();
        assert!(
            successors
                .iter()
                .all(|next| next.refresh == successors[0].refresh)
        );
        assert_eq!(
            generation(&successors[0].refresh),
            generation(&tokens.refresh) + 1
        );
        tokens = successors[0].clone();
    }
}

#[test]
fn who_is_logged_out_at_one_node_is_out_at_the_other() {
    let nodes = Nodes::start();
    let [one, other] = &nodes.both;
    let credential = one.folder.resource_server("notes");
    // The other node learns of the credential within a second.
    let snapshot = get("/revocations/snapshot").bearer(&credential);
    assert!(eventually(|| snapshot.send(other.address).status == 200));
    let mut stream = Stream::open(other.address, &follow(&credential));
    let tokens = one.register("ada");
    assert_eq!(one.log_out(&tokens.refresh).status, 200);
    let told = stream.news_within(SECOND).expect("within a second");
    assert_eq!(told.2["sid"], tokens.session.as_str());
    other.refresh(&tokens.refresh).is_over("logout");
    other.me(&tokens.access).is_over("logout");
    let verified = get("/verify").bearer(&tokens.access).send(other.address);
    verified.is(401, "session_ended");
}

#[test]
fn an_administrator_at_one_node_is_obeyed_at_the_other() {
    let nodes = Nodes::start();
    let [one, other] = &nodes.both;
    let bob = one.register("bob");
    let make = ["admin", "create", "root", "--email", "root@example.com"];
    let made = one.folder.run(&make, PASSWORD);
    assert_eq!(made.code, 0, "{made:?}");
    let root = Tokens::of(&other.log_in("root", PASSWORD));
    let id = one.me(&bob.access).string("id");
    let disabled = request("PATCH", &format!("/admin/v1/users/{id}"))
        .bearer(&root.access)
        .json(&json!({ "state": "disabled" }))
        .send(other.address);
    assert_eq!(disabled.status, 200, "{}", disabled.text());
    one.refresh(&bob.refresh).is_over("user_disabled");
    one.log_in("bob", PASSWORD).is(403, "user_disabled");
    let events = get("/admin/v1/audit")
        .bearer(&root.access)
        .send(one.address);
    assert!(events.text().contains("user.disabled"), "{}", events.text());
    // Commands look at the same database.
    let stats = other.folder.ask(&["db", "stats"]);
    assert_eq!(
        (&stats["users"], &stats["users_disabled"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(stats["log_bytes"], json!(null));
    let checked = one.folder.ask(&["db", "check"]);
    assert_eq!(checked["whole"], true, "{checked}");
    let database_is_named = checked["database"].as_str().unwrap();
    assert!(
        database_is_named.starts_with(&nodes.database),
        "{database_is_named}"
    );
    let migrated = one.folder.ask(&["db", "migrate"]);
    assert_eq!(migrated["from"], migrated["to"]);
    let seen = one.run(&["doctor"]);
    assert!(!seen.out.contains("no database"), "{seen:?}");
    one.run(&["db", "backup", "copy"]).refused(2, "pg_dump");
    let file = one.folder.config().display().to_string();
    one.run(&["db", "restore", &file, "--sessions", "keep"])
        .refused(2, "pg_restore");
    assert!(eventually(|| one.run(&["audit", "verify"]).code == 0));
}

#[test]
fn both_sign_with_the_same_keys_and_turn_them_together() {
    let nodes = Nodes::start();
    let [one, other] = &nodes.both;
    let keys =
        |node: &Server| get("/.well-known/jwks.json").send(node.address).json()["keys"].clone();
    assert_eq!(keys(one), keys(other));
    let listed = one.folder.ask(&["key", "list"]);
    let listed = listed["keys"].as_array().unwrap().iter();
    let mut active = listed.filter(|key| key["purpose"] == "signing" && key["state"] == "active");
    let active = active.next().unwrap()["id"].as_str().unwrap();
    one.folder.ask(&["key", "compromise", active, "--yes"]);
    let turned = eventually(|| {
        let (here, there) = (keys(one), keys(other));
        here == there && !here.to_string().contains(active)
    });
    assert!(
        turned,
        "{active}: {} {}\n{}",
        keys(one),
        keys(other),
        other.folder.said()
    );
}

#[test]
fn a_server_that_cannot_reach_its_database_says_so_and_tells_no_password() {
    let folder = Folder::new();
    let key = folder.file("shared.key");
    std::fs::write(&key, "5a".repeat(32)).unwrap();
    let (key, file) = (key.display().to_string(), folder.file("url"));
    let nobody = folder
        .file("nowhere")
        .display()
        .to_string()
        .replace('/', "%2F");
    std::fs::write(
        &file,
        format!("postgres://relatch:hunter2@{nobody}/relatch\n"),
    )
    .unwrap();
    let file = file.display().to_string();
    let settings = [
        ("postgres.url_file", file.as_str()),
        ("keys.master_key_file", &key),
    ];
    let refusal = folder.refuses(&settings);
    assert_eq!(refusal.code, Some(1));
    assert!(
        refusal.said.contains("no connection to PostgreSQL"),
        "{}",
        refusal.said
    );
    assert!(!refusal.said.contains("hunter2"), "{}", refusal.said);
    // In the file that all may read, a password is refused, and without a master key everything is.
    let inside = [(
        "postgres.url",
        "postgres://relatch:hunter2@localhost/relatch",
    )];
    let refusal = folder.refuses(&inside);
    assert!(
        refusal
            .said
            .contains("a secret does not belong in this file"),
        "{}",
        refusal.said
    );
    assert!(!refusal.said.contains("hunter2"), "{}", refusal.said);
    let refusal = folder.refuses(&[("postgres.url", "postgres://relatch@localhost/relatch")]);
    assert!(
        refusal.said.contains("keys.master_key_file: must be set"),
        "{}",
        refusal.said
    );
}

#[test]
fn a_database_that_goes_away_is_503_and_comes_back_by_itself() {
    let postgres = Postgres::alone("");
    let database = postgres.database();
    let url = postgres.url(&database);
    let folder = Folder::new();
    let key = folder.file("shared.key");
    std::fs::write(&key, "5a".repeat(32)).unwrap();
    let key = key.display().to_string();
    let node = folder.start(&settings(&url, &key));
    let tokens = node.register("ada");
    let turned = node.turn(&tokens);
    postgres.stop();
    let unavailable = |reply: &Reply| {
        assert_eq!(reply.status, 503, "{}", reply.text());
        assert!(reply.header("retry-after").is_some());
    };
    unavailable(&node.refresh(&turned.refresh));
    unavailable(&node.log_out(&turned.refresh));
    unavailable(&node.log_in("ada", PASSWORD));
    unavailable(&get("/health/ready").send(node.address));
    postgres.start();
    assert!(eventually(|| get("/health/ready")
        .send(node.address)
        .status
        == 200));
    let again = node.turn(&turned);
    assert_eq!(generation(&again.refresh), generation(&turned.refresh) + 1);
    assert_eq!(node.log_out(&again.refresh).status, 200);
}
