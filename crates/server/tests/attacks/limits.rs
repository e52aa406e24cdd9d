//! Floods and snails: whoever sends too much or too slowly is cut off, and nobody else waits for it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{
    Connection, Folder, Server, Tokens,
    account::{PASSWORD, registration},
    at_once, eventually, get, pause, post,
    refresh_token::generation,
};

/// Hashing that takes a few hundred milliseconds, one at a time.
const HEAVY: [(&str, &str); 4] = [
    ("password.memory", "32MiB"),
    ("password.passes", "4"),
    ("password.threads", "1"),
    ("password.queue", "2"),
];

#[test]
fn a_head_that_never_ends_is_cut_off() {
    let server = Server::start(&[("server.header_timeout", "300ms")]);
    let beginnings: [&[u8]; 5] = [
        b"",
        b"G",
        b"GET /auth/me HTT",
        b"GET /auth/me HTTP/1.1\r\nHost: x\r\n",
        b"GET /auth/me HTTP/1.1\r\nHost: x\r\nX-Half",
    ];
    for beginning in beginnings {
        let mut connection = Connection::open(server.address);
        connection.send(beginning);
        let text = String::from_utf8_lossy(beginning);
        assert!(!connection.is_closed_within(100), "not at once: {text}");
        assert!(connection.ends_within(3_000), "{text}");
    }
    server.is_well();
}

#[test]
fn a_head_that_trickles_is_cut_off_however_steadily() {
    let server = Server::start(&[("server.header_timeout", "300ms")]);
    let mut connection = Connection::open(server.address);
    connection.send(b"GET /auth/me HTTP/1.1\r\n");
    let begin = Instant::now();
    while connection.send(b"X: y\r\n") && begin.elapsed() < Duration::from_secs(5) {
        pause(50);
    }
    assert!(
        begin.elapsed() < Duration::from_secs(3),
        "cut off while it trickles"
    );
}

#[test]
fn a_connection_that_idles_is_closed() {
    let server = Server::start(&[("server.header_timeout", "300ms")]);
    let mut connection = Connection::open(server.address);
    for _ in 0..3 {
        connection.send(&get("/health/live").bytes());
        assert_eq!(connection.read().unwrap().status, 200);
        pause(100);
    }
    assert!(connection.ends_within(3_000));
}

#[test]
fn slow_bodies_are_cut_off_and_told_so() {
    let server = Server::start(&[("server.request_timeout", "400ms")]);
    let owner = server.register("ada");
    let head = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";
    let slow = |number: u64| {
        // Each begins at another fraction of a millisecond: whatever it is, the answer is one.
        std::thread::sleep(Duration::from_micros(17 * number));
        let mut connection = Connection::open(server.address);
        connection.send(head.as_bytes());
        for _ in 0..3 {
            pause(80);
            connection.send(b" ");
        }
        let reply = connection.read().expect("an answer");
        (reply, connection.ends_within(3_000))
    };
    for _ in 0..4 {
        for (reply, ended) in at_once(100, |number| slow(number as u64)) {
            reply.is(408, "request_timeout");
            assert!(ended, "what is left of the body is never read");
        }
    }
    server.turn(&owner);
}

#[test]
fn a_body_that_breaks_off_writes_nothing() {
    let server = Server::start(&[]);
    let before = server.folder.content();
    let whole = post("/auth/register").json(&registration("ada")).bytes();
    for length in [whole.len() - 1, whole.len() - 20, whole.len() / 2] {
        let mut connection = Connection::open(server.address);
        connection.send(&whole[..length]);
        connection.finish_sending();
        let reply = connection.read();
        assert!(reply.is_none_or(|reply| reply.status == 400), "{length}");
    }
    assert_eq!(server.folder.content(), before);
    server.register("ada");
}

/// A client that never reads its answers must not hold a place for ever.
#[test]
fn a_client_that_reads_nothing_is_cut_off() {
    let server = Server::start(&[
        ("server.header_timeout", "300ms"),
        ("server.request_timeout", "500ms"),
    ]);
    let mut connection = Connection::open(server.address);
    connection
        .stream()
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let flood = get("/.well-known/jwks.json").bytes().repeat(2_000);
    let mut sent = 0;
    while sent < 1_000 && connection.send(&flood) {
        sent += 1;
    }
    assert!(
        sent < 1_000,
        "the server reads no further than it can answer"
    );
    let gone = eventually(|| {
        // The server's end is gone when a byte more is answered by a reset.
        std::io::Write::write(connection.stream(), b"x")
            .is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock)
    });
    assert!(gone, "the connection is still open, five seconds later");
}

#[test]
fn a_flood_of_logins_is_turned_away_while_refreshes_go_on() {
    let server = Server::start(&HEAVY);
    let owner = server.register("ada");
    let outcomes = at_once(13, |number| {
        if number == 0 {
            pause(50);
            return (None, times_of_turns(&server, &owner));
        }
        let begin = Instant::now();
        let reply = server.log_in("ada", PASSWORD);
        (Some(reply), vec![begin.elapsed()])
    });
    let mut turns = outcomes[0].1.clone();
    turns.sort();
    let (mut busy, mut quickest) = (0, Duration::MAX);
    for (reply, times) in &outcomes[1..] {
        let reply = reply.as_ref().unwrap();
        if reply.status == 200 {
            quickest = quickest.min(times[0]);
            continue;
        }
        reply.is(503, "overloaded");
        assert_eq!(reply.header("retry-after"), Some("1"));
        busy += 1;
    }
    // One hashes, unless it has not begun yet, and two wait; who comes later may find room.
    assert!((1..=10).contains(&busy), "{busy} of 12 were turned away");
    let median = turns[turns.len() / 2];
    assert!(
        median < quickest,
        "a refresh took {median:?}, a login {quickest:?}"
    );
}

/// How long each of twenty refreshes takes.
fn times_of_turns(server: &Server, owner: &Tokens) -> Vec<Duration> {
    let mut tokens = owner.clone();
    let mut turn = |_| {
        let begin = Instant::now();
        tokens = server.turn(&tokens);
        begin.elapsed()
    };
    (0..20).map(&mut turn).collect()
}

#[test]
fn a_full_queue_of_writes_is_told_and_harms_no_session() {
    // One place for the server's own writing, which seals the record.
    let server = Server::start(&[
        ("store.write_queue", "2"),
        ("store.synchronous", "full"),
        ("session.retry_window", "30s"),
    ]);
    let owners: Vec<_> = (0..4)
        .map(|number| server.register(&format!("ada{number}")))
        .collect();
    let outcomes = at_once(48, |number| {
        let mut tokens = owners[number % owners.len()].clone();
        let mut refused = 0;
        for _ in 0..10 {
            let reply = server.refresh(&tokens.refresh);
            if reply.status == 503 {
                reply.is(503, "overloaded");
                assert_eq!(reply.header("retry-after"), Some("1"));
                refused += 1;
            } else {
                tokens = Tokens::of(&reply);
                return (refused, tokens);
            }
        }
        (refused, tokens)
    });
    let refused: usize = outcomes.iter().map(|outcome| outcome.0).sum();
    assert!(refused > 0, "the queue was never full");
    for (number, (_, tokens)) in outcomes
        .iter()
        .enumerate()
        .filter(|(_, outcome)| outcome.0 < 10)
    {
        assert_eq!(generation(&tokens.refresh), 1, "{number}");
    }
    for owner in &owners {
        assert!(
            generation(&server.turn(owner).refresh) == 1,
            "and a retry says the same"
        );
    }
}

#[test]
fn garbage_tokens_in_a_flood_do_not_stop_anybody() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let before = server.folder.content();
    at_once(8, |number| {
        let mut connection = Connection::open(server.address);
        let mut bytes = [u8::try_from(number).unwrap(); 54];
        for round in 0..200_u8 {
            (bytes[0], bytes[1]) = (1, round);
            let token = crate::support::refresh_token::encode(&bytes);
            connection.send(&post("/auth/refresh").bearer(&token).bytes());
            assert_eq!(connection.read().unwrap().status, 401);
        }
    });
    assert_eq!(server.folder.content(), before, "nothing was written");
    server.turn(&owner);
}

#[test]
fn nobody_registers_where_registration_is_closed() {
    let folder = Server::start(&[]).stop();
    let server = folder.start(&[("registration.mode", "closed")]);
    let before = server.folder.content();
    let reply = post("/auth/register")
        .json(&registration("ada"))
        .send(server.address);
    reply.is(403, "registration_closed");
    post("/auth/register/")
        .body("text/plain", "x")
        .send(server.address);
    assert_eq!(server.folder.content(), before);
}

/// systemd gives a service 1,024 unless told otherwise, however many it might have.
#[test]
fn more_connections_come_in_than_the_soft_limit_on_open_files_would_let() {
    let folder = Folder::new();
    let script = "ulimit -Sn 40; exec \"$0\" serve --listen 127.0.0.1:0 --data \"$1\"";
    let mut child = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_relatch")])
        .arg(folder.data())
        .env("RELATCH_SERVER_HEADER_TIMEOUT", "5m")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = said.next().unwrap().unwrap();
    let address = line.strip_prefix("listening on http://").unwrap();
    let address = address.parse().unwrap();
    let mut held: Vec<_> = (0..100).map(|_| Connection::open(address)).collect();
    let refused = held.iter_mut().position(|connection| {
        connection.send(&get("/health/live").bytes());
        connection.read().is_none_or(|reply| reply.status != 200)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(refused, None);
}
