//! Attacks on the framing of HTTP/2. Each is cut off, and nobody else notices.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    account::PASSWORD,
    eventually, get as http1_get,
    http2::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, Frame, GOAWAY, HEADERS,
        PING, PRIORITY, REFUSED_STREAM, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, get, head,
        header, reset,
    },
    pause,
    tls::Secure,
};

/// SETTINGS_INITIAL_WINDOW_SIZE
const WINDOW: u16 = 4;

/// A server that soon closes a connection on which nothing happens.
fn impatient() -> Secure {
    Secure::start(&[
        ("server.header_timeout", "500ms"),
        ("server.request_timeout", "500ms"),
    ])
}

#[track_caller]
fn is_well(server: &Secure) {
    let reply = server.send(&http1_get("/health/ready"));
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[test]
fn a_request_is_judged_as_on_any_other_connection() {
    let server = Secure::start(&[]);
    let body = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    let post = [
        head("POST", "/auth/register"),
        header("content-type", "application/json"),
    ];
    let mut connection = server.open_http2(&[]);
    connection.send(&frame(HEADERS, END_HEADERS, 1, &post.concat()));
    connection.send(&frame(DATA, END_STREAM, 1, body.to_string().as_bytes()));
    let tokens: Value = serde_json::from_str(&connection.body_of(1)).unwrap();
    let access = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let me = [head("GET", "/auth/me"), header("authorization", &access)].concat();
    connection.send(&frame(HEADERS, END_HEADERS | END_STREAM, 3, &me));
    assert!(connection.body_of(3).contains("\"ada\""));
    connection.send(&get(5, "/auth/me"));
    assert!(connection.body_of(5).contains("\"invalid_token\""));
}

#[test]
fn a_rapid_reset_ends_the_connection() {
    let server = Secure::start(&[]);
    let mut connection = server.open_http2(&[]);
    let flood: Vec<u8> = (0..2_000)
        .flat_map(|number| {
            let stream = number * 2 + 1;
            [get(stream, "/auth/me"), reset(stream)].concat()
        })
        .collect();
    connection.send(&flood);
    let frames = connection.frames_until(|frame| frame.kind == GOAWAY);
    let last = frames.last().and_then(Frame::error);
    // A server that has closed by then has cut it off as well.
    assert!(matches!(last, Some(ENHANCE_YOUR_CALM) | None), "{last:?}");
    assert!(connection.ends_within(3_000));
    let answered = server.folder.logged().matches("\"request\"").count();
    assert!(answered < 200, "{answered} of 2,000 were run");
    is_well(&server);
}

#[test]
fn more_streams_than_allowed_are_refused() {
    let server = Secure::start(&[("server.max_streams", "10")]);
    let mut connection = server.open_http2(&[]);
    let post = [
        head("POST", "/auth/login"),
        header("content-type", "application/json"),
    ]
    .concat();
    for number in 0..15 {
        connection.send(&frame(HEADERS, END_HEADERS, number * 2 + 1, &post));
    }
    for number in 10..15 {
        let stream = number * 2 + 1;
        let frames = connection.frames_until(|frame| frame.stream == stream);
        let refused = frames.last().unwrap();
        assert_eq!(
            (refused.kind, refused.error()),
            (RST_STREAM, Some(REFUSED_STREAM))
        );
    }
    // The ones before are still there.
    connection.send(&frame(DATA, END_STREAM, 1, b"{}"));
    assert!(connection.body_of(1).contains("\"invalid_request\""));
    is_well(&server);
}

#[test]
fn a_head_without_an_end_is_cut_off() {
    let server = impatient();
    let mut flood = server.open_http2(&[]);
    flood.send(&frame(HEADERS, END_STREAM, 1, &head("GET", "/auth/me")));
    let more = header("x", &"y".repeat(1_000));
    let mut sent = 0;
    while flood.send(&frame(CONTINUATION, 0, 1, &more)) && sent < 10_000 {
        sent += 1;
    }
    assert!(sent < 10_000, "10 MB of a head were taken");
    let mut quiet = server.open_http2(&[]);
    quiet.send(&frame(HEADERS, END_STREAM, 1, &head("GET", "/auth/me")));
    assert!(quiet.ends_though_alive_within(4_000));
    is_well(&server);
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let server = impatient();
    let mut connection = server.open_http2(&[]);
    let large = [
        head("GET", "/auth/me"),
        header("x-large", &"y".repeat(9_000)),
    ]
    .concat();
    let larger = [&large[..], &header("x-larger", &"y".repeat(9_000))].concat();
    let (first, rest) = larger.split_at(16_000);
    connection.send(&frame(HEADERS, END_STREAM, 1, first));
    connection.send(&frame(CONTINUATION, END_HEADERS, 1, rest));
    let answer = connection
        .frames_until(|frame| frame.stream == 1)
        .pop()
        .unwrap();
    // `:status` with the value 431 in the code of Huffman (RFC 7541 §5.2).
    let is_431 = answer.payload.starts_with(&[0x48, 0x83, 0x69, 0x90, 0xff]);
    assert!(answer.kind == HEADERS && is_431, "{answer:?}");
    connection.send(&frame(HEADERS, END_STREAM | END_HEADERS, 3, &large));
    assert!(
        connection.body_of(3).contains("\"invalid_token\""),
        "under the limit it is read"
    );
    let run = || server.folder.logged().matches("/auth/me").count();
    assert!(eventually(|| run() == 1), "the other one was not run");
}

#[test]
fn a_connection_on_which_nothing_happens_is_closed() {
    let server = impatient();
    let mut silent = server.connect_http2();
    let mut idle = server.open_http2(&[]);
    for number in 0..3 {
        idle.send(&get(number * 2 + 1, "/health/live"));
        assert!(idle.body_of(number * 2 + 1).contains("ok"));
        pause(300);
    }
    assert!(idle.ends_though_alive_within(4_000));
    assert!(silent.ends_though_alive_within(4_000));
}

#[test]
fn pings_and_settings_keep_no_connection() {
    let server = impatient();
    for noise in [
        frame(PING, 0, 0, &[0; 8]),
        frame(SETTINGS, 0, 0, &[]),
        frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()),
        frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 16]),
        // Of a kind that nobody knows.
        frame(0xbb, 0, 0, &[7; 100]),
    ] {
        let mut connection = server.open_http2(&[]);
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(4) && connection.send(&noise) {
            pause(10);
        }
        assert!(connection.ends_within(100), "{noise:?}");
    }
    is_well(&server);
}

/// CVE-2025-8671: the client has the server do the resetting, of which it counts less.
#[test]
fn resets_that_the_server_is_made_to_do_end_the_connection() {
    let server = Secure::start(&[]);
    let mut connection = server.open_http2(&[]);
    let flood: Vec<u8> = (0..4_000)
        .flat_map(|number| {
            let stream = number * 2 + 1;
            let too_much = 0x7fff_ffff_u32.to_be_bytes();
            let wrong = frame(WINDOW_UPDATE, 0, stream, &too_much);
            [get(stream, "/auth/me"), wrong].concat()
        })
        .collect();
    connection.send(&flood);
    assert!(connection.ends_though_alive_within(5_000));
    let run = server.folder.logged().matches("\"request\"").count();
    assert!(run < 1_500, "{run} of 4,000 were run");
    is_well(&server);
}

/// What the server holds in memory, in KiB.
fn memory(server: &Secure) -> u64 {
    let status = format!("/proc/{}/status", server.process());
    let status = std::fs::read_to_string(status).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let size = line.and_then(|line| line.split_whitespace().nth(1));
    size.unwrap().parse().unwrap()
}

/// Each of these wants an answer, and none of the answers is read.
#[test]
fn floods_whose_answers_nobody_reads_take_no_memory() {
    let server = Secure::start(&[("server.request_timeout", "1s")]);
    let before = memory(&server);
    for noise in [
        frame(PING, 0, 0, &[0; 8]),
        frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]),
        get(1, "/auth/me"),
    ] {
        let mut connection = server.open_http2(&[]);
        let socket = connection.stream();
        let short = Some(Duration::from_millis(300));
        socket.set_write_timeout(short).unwrap();
        let flood = noise.repeat(2_000);
        let taken = (0..2_000).take_while(|_| connection.send(&flood)).count();
        assert!(
            taken < 2_000,
            "{} MB were taken",
            (taken * flood.len()) >> 20
        );
        let grown = memory(&server).saturating_sub(before);
        assert!(grown < 24 * 1024, "{grown} KiB");
    }
    is_well(&server);
}

#[test]
fn frames_without_content_keep_no_request_busy() {
    let server = Secure::start(&[]);
    let mut connection = server.open_http2(&[]);
    let post = [
        head("POST", "/auth/login"),
        header("content-type", "application/json"),
    ];
    connection.send(&frame(HEADERS, END_HEADERS, 1, &post.concat()));
    let flood = frame(DATA, 0, 1, &[]).repeat(1_000);
    let sent = (0..100).take_while(|_| connection.send(&flood)).count();
    assert!(connection.ends_though_alive_within(5_000), "{sent}");
    is_well(&server);
}

#[test]
fn answers_that_nobody_reads_are_not_kept() {
    let server = impatient();
    let mut connection = server.open_http2(&[(WINDOW, 0)]);
    for number in 0..50 {
        connection.send(&get(number * 2 + 1, "/openapi.json"));
    }
    assert!(connection.ends_though_alive_within(5_000));
    is_well(&server);
}

#[test]
fn a_request_that_runs_is_answered_though_the_server_is_told_to_stop() {
    let heavy = [("password.memory", "64MiB"), ("password.passes", "6")];
    let server = Secure::start(&heavy);
    let login = [
        head("POST", "/auth/login"),
        header("content-type", "application/json"),
    ];
    let mut connection = server.open_http2(&[]);
    connection.send(&frame(HEADERS, END_HEADERS, 1, &login.concat()));
    let body = json!({ "username": "nobody", "password": PASSWORD }).to_string();
    connection.send(&frame(DATA, END_STREAM, 1, body.as_bytes()));
    pause(100);
    server.terminate();
    assert!(eventually(|| server.folder.logged().contains("stopping")));
    let frames = connection.frames_until(|frame| frame.stream == 1 && frame.kind == DATA);
    let answer = frames.last().map(|frame| frame.payload.clone()).unwrap();
    assert!(
        String::from_utf8(answer)
            .unwrap()
            .contains("invalid_credentials")
    );
    assert!(
        frames.iter().any(|frame| frame.kind == GOAWAY),
        "{frames:?}"
    );
    assert!(connection.ends_though_alive_within(5_000));
}
