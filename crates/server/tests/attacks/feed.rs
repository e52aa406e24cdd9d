//! Attacks on the feed of revocations and on asking about tokens.

use std::time::{Duration, Instant};

use rusqlite::params;
use serde_json::json;

use crate::support::{
    Connection, Reply, Server, Stream, account::PASSWORD, eventually, get, post, stream::follow,
    target::FORM, target::is_a_problem,
};

const SOON: Duration = Duration::from_secs(2);

fn introspect(server: &Server, credential: &str, token: &str) -> Reply {
    post("/introspect")
        .bearer(credential)
        .body(FORM, format!("token={token}"))
        .send(server.address)
}

#[test]
fn nobody_follows_or_asks_without_a_credential() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let requests = [
        get("/revocations"),
        get("/revocations/snapshot"),
        post("/introspect").body(FORM, format!("token={}", owner.access)),
    ];
    for request in &requests {
        for authorization in [
            None,
            Some(format!("Bearer {}", owner.access)),
            Some(format!("Bearer {}", owner.refresh)),
            Some(format!("Bearer relatch_rs_{}", "A".repeat(43))),
            Some("Basic bm90ZXM6".to_owned()),
        ] {
            let request = match &authorization {
                Some(value) => request.clone().header("Authorization", value),
                None => request.clone(),
            };
            let reply = request.send(server.address);
            reply.is(401, "invalid_client");
            is_a_problem(&reply);
            let challenge = reply.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("Bearer realm="), "{challenge}");
        }
    }
    server.is_unharmed(&owner);
}

#[test]
fn this_machine_goes_without_only_where_that_is_said() {
    let server = Server::start(&[("resource_servers.open_on_loopback", "true")]);
    let owner = server.register("ada");
    let told = post("/introspect").body(FORM, format!("token={}", owner.access));
    assert_eq!(told.send(server.address).json()["active"], true);
    assert_eq!(
        get("/revocations/snapshot").send(server.address).status,
        200
    );
    // A credential that is wrong is not taken for none, and no header makes an address.
    let wrong = get("/revocations/snapshot").bearer("relatch_rs_x");
    wrong.send(server.address).is(401, "invalid_client");
    let closed = Server::start(&[]);
    let forwarded = get("/revocations/snapshot").header("X-Forwarded-For", "127.0.0.1");
    forwarded.send(closed.address).is(401, "invalid_client");
}

#[test]
fn guessing_credentials_costs_the_database_nothing() {
    let server = Server::start(&[]);
    let credential = server.folder.resource_server("notes");
    let begin = Instant::now();
    let guesses = crate::support::at_once(8, |thread| {
        (0..20).all(|n| {
            let guess = format!("relatch_rs_{thread}{n:02}{}", "A".repeat(40));
            let reply = get("/revocations/snapshot").bearer(&guess);
            reply.send(server.address).status == 401
        })
    });
    assert!(guesses.into_iter().all(|refused| refused));
    assert!(begin.elapsed() < Duration::from_secs(10));
    let known = get("/revocations/snapshot").bearer(&credential);
    assert_eq!(known.send(server.address).status, 200);
}

#[test]
fn a_credential_is_good_at_once_and_for_nothing_once_it_is_taken_back() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let credential = server.folder.resource_server("notes");
    let stream = Stream::open(server.address, &follow(&credential));
    assert_eq!(
        introspect(&server, &credential, &owner.access).json()["active"],
        true
    );
    let removed = server.folder.ask(&["resource-server", "remove", "notes"]);
    assert_eq!(removed["removed"], "notes");
    assert!(stream.ends_within(SOON));
    assert!(eventually(|| introspect(
        &server,
        &credential,
        &owner.access
    )
    .status
        == 401));
    follow(&credential)
        .send(server.address)
        .is(401, "invalid_client");
    // It opens nothing else, and is nowhere in the clear.
    server.me(&credential).is(401, "invalid_token");
    let secret = &credential["relatch_rs_".len()..];
    let folder = server.stop();
    assert!(!folder.said().contains(secret));
    for entry in std::fs::read_dir(folder.data()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let found = bytes
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "the credential is on the disk");
    }
}

#[test]
fn a_forged_place_in_the_feed_gets_the_snapshot_and_nothing_else() {
    let server = Server::start(&[]);
    let credential = server.folder.resource_server("notes");
    let long = "9".repeat(4_000);
    for last in [
        "x",
        "....",
        "0.0",
        "-1",
        "\u{e9}.1",
        "a.18446744073709551616",
        "%00",
        &long,
    ] {
        let request = follow(&credential).header("Last-Event-ID", last);
        let mut stream = Stream::open(server.address, &request);
        let event = stream.next_within(SOON).unwrap();
        assert_eq!((event.0.as_str(), event.2), ("reset", json!({})), "{last}");
        assert!(stream.ends_within(SOON));
    }
    server.is_well();
}

#[test]
fn whoever_is_ended_is_told_of_within_a_second_whoever_ends_him() {
    let server = Server::start(&[]);
    let credential = server.folder.resource_server("notes");
    let mut stream = Stream::open(server.address, &follow(&credential));
    let [ada, bob] = [server.register("ada"), server.register("bob")];
    let sid = |event: Option<crate::support::stream::Event>| event.unwrap().2["sid"].clone();
    server.log_out(&ada.refresh);
    assert_eq!(
        sid(stream.news_within(Duration::from_secs(1))),
        ada.session.as_str()
    );
    server.folder.ask(&["user", "disable", "bob"]);
    assert_eq!(
        sid(stream.news_within(Duration::from_secs(1))),
        bob.session.as_str()
    );
    for token in [&ada, &bob] {
        let reply = get("/verify").bearer(&token.access).send(server.address);
        reply.is(401, "session_ended");
        let told = introspect(&server, &credential, &token.access);
        assert_eq!(told.json(), json!({ "active": false }));
    }
}

#[test]
fn what_a_stolen_key_signed_is_refused_by_whoever_follows() {
    let server = Server::start(&[]);
    let credential = server.folder.resource_server("notes");
    let owner = server.register("ada");
    let mut stream = Stream::open(server.address, &follow(&credential));
    let keys = server.folder.open_keys();
    let kid = keys.signing.kid().to_owned();
    server.folder.ask(&["key", "compromise", &kid, "--yes"]);
    let event = stream.news_within(Duration::from_secs(1)).unwrap();
    assert_eq!(event.2["kid"], kid.as_str());
    assert!(eventually(|| get("/verify")
        .bearer(&owner.access)
        .send(server.address)
        .status
        == 401));
    // And it signs no snapshot any more.
    let snapshot = get("/revocations/snapshot")
        .bearer(&credential)
        .send(server.address);
    let header = crate::support::wire::decode(snapshot.text().split('.').next().unwrap());
    assert_ne!(header["kid"], kid.as_str());
}

/// Writes revocations as another process would, of 2 KiB each: the system takes megabytes for a client that does not read.
fn revoke(server: &Server, count: u32) {
    let mut connection = server.folder.open_database();
    let transaction = connection.transaction().unwrap();
    for _ in 0..count {
        let sql = "UPDATE revocation_feed SET last = last + 1 RETURNING last";
        let last: i64 = transaction.query_row(sql, [], |row| row.get(0)).unwrap();
        let sql =
            "INSERT INTO revocation (sequence, kid, until) VALUES (?1, hex(randomblob(1000)), ?2)";
        let until = i64::MAX / 2_000;
        transaction.execute(sql, params![last, until]).unwrap();
    }
    transaction.commit().unwrap();
}

#[test]
fn a_follower_that_does_not_read_is_cut_off_and_holds_nobody_up() {
    let server = Server::start(&[("resource_servers.buffer", "600")]);
    let credential = server.folder.resource_server("notes");
    let mut quick = Stream::open(server.address, &follow(&credential));
    let mut stalled = Stream::narrow(server.address, &follow(&credential));
    let mut heard = 0;
    for stream in [&mut quick, &mut stalled] {
        assert_eq!(stream.next_within(SOON).unwrap().0, "heartbeat");
    }
    for round in 1..=15 {
        revoke(&server, 400);
        let begin = Instant::now();
        while heard < round * 400 {
            let event = quick.news_within(SOON).expect("it keeps up");
            heard += 1;
            let sequence = event.1.split_once('.').unwrap().1.parse();
            assert_eq!(sequence, Ok(heard), "in order, none left out");
        }
        assert!(
            begin.elapsed() < SOON,
            "nobody waits for the one that does not read"
        );
    }
    // What it had got is the beginning, without a gap, and then nothing.
    let mut got = 0;
    while let Some(event) = stalled.news_within(SOON) {
        got += 1;
        assert_eq!(event.1.split_once('.').unwrap().1.parse(), Ok(got));
    }
    assert!(got < 15 * 400, "it was never cut off");
    assert!(stalled.ends_within(SOON));
    server.is_well();
}

#[test]
fn one_follower_too_many_is_turned_away_until_another_goes() {
    let server = Server::start(&[("resource_servers.max_followers", "2")]);
    let credential = server.folder.resource_server("notes");
    let streams = [0, 1].map(|_| Stream::open(server.address, &follow(&credential)));
    for _ in 0..3 {
        let reply = follow(&credential).send(server.address);
        reply.is(503, "overloaded");
        assert_eq!(reply.header("retry-after"), Some("1"));
    }
    server.is_well();
    drop(streams);
    let free = eventually(|| {
        let mut connection = Connection::open(server.address);
        connection.send(&follow(&credential).bytes());
        connection.read().unwrap().status == 200
    });
    assert!(free, "places that are left are not free");
}

#[test]
fn followers_do_not_keep_a_server_from_stopping() {
    let mut server = Server::start(&[]);
    let credential = server.folder.resource_server("notes");
    let streams = [0; 20].map(|_| Stream::open(server.address, &follow(&credential)));
    let begin = Instant::now();
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    for stream in streams {
        assert!(stream.ends_within(SOON));
    }
}

/// Nobody learns from an answer why a token is not good, or that it ever was.
#[test]
fn asking_about_tokens_tells_bad_ones_not_apart() {
    let server = Server::start(&[]);
    let credential = server.folder.resource_server("notes");
    let owner = server.register("ada");
    let ended = crate::support::Tokens::of(&server.log_in("ada", PASSWORD));
    server.log_out(&ended.refresh);
    let keys = server.folder.open_keys();
    let other_typ = keys.signing.state("JWT", b"{}");
    let cut = &owner.access[..owner.access.len() - 4];
    let forged = format!("relatch_rt_{}", "A".repeat(72));
    let long = "x".repeat(15_000);
    let answers = [
        "x",
        "a.b.c",
        "..",
        "%00%ff",
        "relatch_rt_",
        &forged,
        cut,
        &other_typ,
        &ended.access,
        &ended.refresh,
        &credential,
        &long,
    ]
    .map(|token| {
        let reply = introspect(&server, &credential, token);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        (reply.status, reply.text())
    });
    for answer in answers {
        assert_eq!(answer, (200, r#"{"active":false}"#.to_owned()));
    }
    server.is_unharmed(&owner);
    let said = server.stop().said();
    assert!(!said.contains(cut) && !said.contains(&forged));
}
