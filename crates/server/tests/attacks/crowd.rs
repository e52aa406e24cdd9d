//! Crowds: whoever takes every place, and whoever takes more than his share. The others are told in time, and whether the
//! server lives is answered all the same.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use crate::support::{
    Connection, Reply, Request, Server, eventually, get,
    http2::{DATA, END_HEADERS, END_STREAM, HEADERS, frame, get as http2_get, head, header},
    pause, post,
    tls::{Hello, Secure},
};

/// Places that one address may have where there are none any more, and all of them together.
const SPARE_EACH: usize = 2;
const SPARE: usize = 64;

fn connect(server: &Server, source: &str) -> Connection {
    Connection::open_from(source, server.address)
}

/// One request on a connection of its own.
fn ask(server: &Server, source: &str, request: &Request) -> Reply {
    let mut connection = connect(server, source);
    connection.send(&request.bytes());
    connection.read().expect("it is told why")
}

/// Connections that were let in and stay.
fn settle(server: &Server, source: &str, count: usize) -> Vec<Connection> {
    let mut held: Vec<_> = (0..count).map(|_| connect(server, source)).collect();
    for connection in &mut held {
        connection.send(&get("/health/ready").bytes());
        assert_eq!(connection.read().unwrap().status, 200);
    }
    held
}

#[track_caller]
fn is_turned_away(reply: &Reply) {
    reply.is(503, "overloaded");
    assert_eq!(reply.header("retry-after"), Some("1"));
}

#[test]
fn one_connection_too_many_is_told_why_and_health_is_answered() {
    let server = Server::start(&[("server.max_connections", "8")]);
    let mut held = settle(&server, "127.0.0.1", 8);
    for _ in 0..20 {
        let mut surplus = connect(&server, "127.0.0.1");
        surplus.send(&post("/auth/login").json(&serde_json::json!({})).bytes());
        is_turned_away(&surplus.read().expect("it is told why"));
        assert!(surplus.ends_within(1_000));
        assert_eq!(ask(&server, "127.0.0.1", &get("/health/live")).status, 200);
    }
    held[3].send(&get("/health/ready").bytes());
    let inside = held[3].read().unwrap().status;
    assert_eq!(inside, 200, "whoever is in stays in");
    drop(held);
    let free = || ask(&server, "127.0.0.1", &get("/health/ready")).status == 200;
    assert!(eventually(free));
}

#[test]
fn health_is_answered_in_a_crowd_by_either_version_of_http_over_tls() {
    let server = Secure::start(&[("server.max_connections", "4")]);
    let held: Vec<_> = (0..4).map(|_| server.connect()).collect();
    assert_eq!(server.send(&get("/health/live")).status, 200);
    is_turned_away(&server.send(&get("/auth/me")));
    let mut connection = server.open_http2(&[]);
    connection.send(&http2_get(1, "/health/live"));
    assert!(connection.body_of(1).contains("\"ok\""));
    connection.send(&http2_get(3, "/auth/me"));
    assert!(connection.body_of(3).contains("\"overloaded\""));
    assert!(connection.ends_though_alive_within(5_000));
    drop(held);
}

#[test]
fn a_spare_place_is_held_for_seconds_and_by_few() {
    let server = Server::start(&[("server.max_connections", "1")]);
    let held = settle(&server, "127.0.0.1", 1);
    let mut silent: Vec<_> = (0..SPARE_EACH)
        .map(|_| connect(&server, "127.0.0.2"))
        .collect();
    pause(100);
    let begin = Instant::now();
    let greedy = connect(&server, "127.0.0.2").read();
    assert_eq!(greedy.map(|reply| reply.status), Some(503));
    assert!(begin.elapsed() < Duration::from_secs(2), "told at once");
    let other = ask(&server, "127.0.0.3", &get("/health/live"));
    assert_eq!(
        other.status, 200,
        "another address has spare places of its own"
    );
    assert!(
        silent
            .iter_mut()
            .all(|connection| connection.ends_within(5_000))
    );
    let crowd: Vec<_> = (0..SPARE)
        .map(|number| connect(&server, &format!("127.0.1.{}", 1 + number / SPARE_EACH)))
        .collect();
    pause(100);
    let late = connect(&server, "127.0.2.1").read();
    assert_eq!(late.map(|reply| reply.status), Some(503));
    drop((crowd, held));
    let logged = server.folder.logged();
    let lines = logged.matches("turned away").count();
    assert!((1..10).contains(&lines), "{logged}");
}

#[test]
fn one_address_takes_its_share_of_the_connections_and_no_more() {
    let server = Server::start(&[("server.max_per_address", "4")]);
    let held = settle(&server, "127.0.0.2", 4);
    is_turned_away(&ask(&server, "127.0.0.2", &get("/auth/me")));
    assert_eq!(ask(&server, "127.0.0.3", &get("/health/ready")).status, 200);
    drop(held);
    let free = || ask(&server, "127.0.0.2", &get("/health/ready")).status == 200;
    assert!(eventually(free));
}

/// A header of the PROXY protocol that names a client.
fn spoken_for(last: u8) -> Vec<u8> {
    let addresses = [192, 0, 2, last, 127, 0, 0, 1, 0, 80, 31, 144];
    [
        &b"\r\n\r\n\0\r\nQUIT\n"[..],
        &[0x21, 0x11, 0, 12],
        &addresses,
    ]
    .concat()
}

#[test]
fn a_share_is_that_of_the_client_whom_a_proxy_names_and_not_of_the_proxy() {
    let server = Server::start(&[
        ("server.max_per_address", "2"),
        ("server.proxy_protocol", "true"),
        ("server.trusted_proxies", "127.0.0.1"),
    ]);
    let come = |last: u8| {
        let mut connection = connect(&server, "127.0.0.1");
        let request = [spoken_for(last), get("/health/ready").bytes()].concat();
        connection.send(&request);
        let status = connection.read().unwrap().status;
        (status, connection)
    };
    let held: Vec<_> = [1, 1, 2, 2].into_iter().map(come).collect();
    assert!(held.iter().all(|(status, _)| *status == 200));
    assert_eq!(come(1).0, 503);
    assert_eq!(come(3).0, 200);
}

#[test]
fn connections_of_a_trusted_proxy_do_not_count_against_it() {
    let server = Server::start(&[
        ("server.max_per_address", "2"),
        ("server.trusted_proxies", "127.0.0.9"),
    ]);
    drop(settle(&server, "127.0.0.9", 10));
}

/// So many requests of one client that are at work as long as the rest of their bodies does not come, until there is no place.
fn hold_back(server: &Server, count: usize, full: impl Fn() -> bool) -> Vec<Connection> {
    let half = "POST /auth/login HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\n\
                Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let mut held = Vec::new();
    let done = eventually(|| {
        // A look whether it is full takes a place, too: one of them may have come too late.
        held = (0..count).map(|_| connect(server, "127.0.0.1")).collect();
        for connection in &mut held {
            connection.send(half.as_bytes());
        }
        pause(50);
        full()
    });
    assert!(done, "{}", server.folder.logged());
    held
}

#[test]
fn one_request_too_many_is_turned_away_before_it_is_looked_at() {
    let server = Server::start(&[("server.max_requests", "3")]);
    let owner = server.register("ada");
    let full = || ask(&server, "127.0.0.1", &get("/auth/me")).status == 503;
    let held = hold_back(&server, 3, full);
    is_turned_away(&server.refresh(&owner.refresh));
    assert_eq!(ask(&server, "127.0.0.1", &get("/health/live")).status, 200);
    drop(held);
    let free = || ask(&server, "127.0.0.1", &get("/health/ready")).status == 200;
    assert!(eventually(free));
    server.turn(&owner);
}

#[test]
fn one_client_behind_a_proxy_takes_its_share_of_the_requests_and_no_more() {
    let server = Server::start(&[
        ("server.max_per_address", "2"),
        ("server.trusted_proxies", "127.0.0.1"),
    ]);
    let come = |client: &str| {
        let request = get("/health/ready").header("X-Forwarded-For", client);
        ask(&server, "127.0.0.1", &request).status
    };
    let held = hold_back(&server, 2, || come("192.0.2.1") == 503);
    assert_eq!(come("192.0.2.2"), 200);
    drop(held);
    assert!(eventually(|| come("192.0.2.1") == 200));
}

#[test]
fn streams_of_one_address_take_its_share_of_the_requests_and_no_more() {
    let server = Secure::start(&[("server.max_per_address", "20")]);
    let post = [
        head("POST", "/auth/login"),
        header("content-type", "application/json"),
    ]
    .concat();
    let mut connection = server.open_http2(&[]);
    for number in 0..25 {
        connection.send(&frame(HEADERS, END_HEADERS, number * 2 + 1, &post));
    }
    // Which of them come first is not settled.
    let answered = Cell::new(0);
    let frames = connection.frames_until(|frame| {
        answered
            .set(answered.get() + u32::from(frame.kind == DATA && frame.flags & END_STREAM != 0));
        answered.get() == 5
    });
    let bodies = frames.iter().filter(|frame| frame.kind == DATA);
    assert!(bodies.clone().count() >= 5, "{frames:?}");
    for body in bodies {
        let text = String::from_utf8_lossy(&body.payload);
        assert!(text.contains("\"overloaded\""), "{text}");
    }
}

#[test]
fn a_handshake_that_hangs_holds_a_spare_place_no_longer() {
    let server = Secure::start(&[
        ("server.max_connections", "1"),
        ("tls.handshake_timeout", "1m"),
        ("server.header_timeout", "1m"),
    ]);
    let held = server.connect();
    let hung: Vec<_> = (0..SPARE_EACH)
        .map(|_| connect(&server, "127.0.0.1"))
        .collect();
    pause(100);
    assert!(server.greet(Hello::default()).is_err());
    pause(3_500);
    assert_eq!(server.send(&get("/health/live")).status, 200);
    drop((held, hung));
}
