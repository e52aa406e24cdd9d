//! Bytes that are not quite HTTP: each gets a 4xx or a closed connection, and a second request is never smuggled in.

use crate::support::{
    Connection, Tokens, delete, get,
    refresh_token::generation,
    request,
    wire::{impatient, only_refusals, raw},
};

#[test]
fn bytes_that_are_no_http_are_refused() {
    let server = impatient();
    let garbage: [&[u8]; 14] = [
        b"GET /auth/me\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /auth/me HTTP/3.0\r\nHost: x\r\n\r\n",
        b"GET /auth/me HTTP/1.1 \r\nHost: x\r\n\r\n",
        b"GET  /auth/me HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /auth/\0me HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /auth/me HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /auth/me HTTP/1.1\r\n Host: x\r\n\r\n",
        b"GET /auth/me HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
        b"GET /auth/me HTTP/1.1\r\nHost: x\r\nNo colon here\r\n\r\n",
        b"GET /auth/me HTTP/1.1\r\nHost: x\r\n: empty name\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
    ];
    for bytes in garbage {
        let text = String::from_utf8_lossy(bytes).into_owned();
        only_refusals(&raw(&server, bytes), &text);
    }
    server.is_well();
}

#[test]
fn a_header_folded_over_two_lines_is_refused() {
    let server = impatient();
    let owner = server.register("ada");
    let half = owner.access.len() / 2;
    let (head, tail) = owner.access.split_at(half);
    let folded = format!(
        "GET /auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {head}\r\n {tail}\r\n\r\n"
    );
    only_refusals(&raw(&server, folded.as_bytes()), "obs-fold");
}

/// The last header line and the body of a request whose length two parties may read differently.
const AMBIGUOUS: [(&str, &str); 14] = [
    ("Content-Length: 2\r\nContent-Length: 0", "{}"),
    ("Content-Length: 2, 3", "{}"),
    ("Content-Length: +2", "{}"),
    ("Content-Length: -1", ""),
    ("Content-Length: 0x2", "{}"),
    ("Content-Length: 18446744073709551618", "{}"),
    ("Transfer-Encoding: chunked, identity", "0\r\n\r\n"),
    ("Transfer-Encoding: xchunked", "0\r\n\r\n"),
    ("Transfer-Encoding: \x0bchunked", "0\r\n\r\n"),
    ("Transfer-Encoding : chunked", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked", "0x0\r\n\r\n"),
    ("Transfer-Encoding: chunked", "-1\r\n\r\n"),
    ("Transfer-Encoding: chunked", "fffffffffffffffff\r\n\r\n"),
    ("Transfer-Encoding: chunked", "2\r\n{}XX0\r\n\r\n"),
];

const HEAD: &str = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

/// What follows in one packet must never be answered as a request of its own, or a proxy in front has sent us somebody
/// else's.
#[test]
fn a_second_request_is_not_smuggled_behind_an_ambiguous_length() {
    let server = impatient();
    let owner = server.register("ada");
    let smuggled = get("/auth/me").bearer(&owner.access).bytes();
    for (lengths, body) in AMBIGUOUS {
        let first = format!("{HEAD}{lengths}\r\n\r\n{body}").into_bytes();
        only_refusals(&raw(&server, &[&first, &smuggled[..]].concat()), lengths);
    }
    let old = HEAD.replace("1.1", "1.0") + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    only_refusals(
        &raw(&server, &[old.as_bytes(), &smuggled].concat()),
        "chunks in HTTP/1.0",
    );
    server.turn(&owner);
}

/// RFC 9112 §6.1: whoever answers such a request must close the connection behind it.
#[test]
fn a_request_with_both_length_and_chunks_is_the_last_of_its_connection() {
    let server = impatient();
    let smuggled = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ] {
        let bytes = format!("{HEAD}{lengths}\r\n0\r\n\r\n{smuggled}");
        only_refusals(&raw(&server, bytes.as_bytes()), lengths);
    }
}

#[test]
fn lines_that_end_in_a_bare_line_feed_hide_nothing() {
    let server = impatient();
    let bytes = b"GET /health/live HTTP/1.1\nHost: x\n\nGET /auth/me HTTP/1.1\r\nHost: x\r\n\r\n";
    let replies = raw(&server, bytes);
    // RFC 9112 §2.2 lets a server take a line feed for a line's end; then the second request is one.
    let statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    assert!(
        matches!(statuses[..], [] | [400] | [200, 401]),
        "{statuses:?}"
    );
    let bare = b"GET /auth/me HTTP/1.1\rHost: x\r\rGET /health/live HTTP/1.1\r\n\r\n";
    only_refusals(&raw(&server, bare), "bare carriage returns");
}

#[test]
fn endless_chunk_extensions_and_trailers_are_cut_off() {
    let server = impatient();
    let head = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let extension = format!(
        "{head}1;{}\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n",
        "x".repeat(100_000)
    );
    let many = format!(
        "{head}{}0\r\n\r\n",
        "1;abcdefghijklmnopqrstuvwxyz\r\n \r\n".repeat(10_000)
    );
    let trailers = format!(
        "{head}0\r\n{}\r\n",
        "X-Trailer: abcdefgh\r\n".repeat(10_000)
    );
    for bytes in [extension, many, trailers] {
        let mut connection = Connection::open(server.address);
        connection.send(bytes.as_bytes());
        let reply = connection.read();
        assert!(
            reply
                .as_ref()
                .is_none_or(|reply| (400..500).contains(&reply.status)),
            "{reply:?}"
        );
    }
    server.is_well();
}

#[test]
fn a_body_in_small_chunks_is_read_and_a_large_one_is_cut_off() {
    let server = impatient();
    let owner = server.register("ada");
    let head = "POST /auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let body = format!("{{\"refresh_token\":\"{}\"}}", owner.refresh);
    let chunks: Vec<_> = body
        .chars()
        .map(|letter| format!("1\r\n{letter}\r\n"))
        .collect();
    let chunks = chunks.concat();
    let replies = raw(&server, format!("{head}{chunks}0\r\n\r\n").as_bytes());
    assert_eq!(generation(&Tokens::of(&replies[0]).refresh), 1);
    let large = format!(
        "{head}{}0\r\n\r\n",
        format!("400\r\n{}\r\n", " ".repeat(1_024)).repeat(17)
    );
    raw(&server, large.as_bytes())[0].is(413, "payload_too_large");
}

#[test]
fn many_requests_in_one_packet_are_answered_in_their_order() {
    let server = impatient();
    let owner = server.register("ada");
    let one = [
        get("/auth/me").bearer(&owner.access).bytes(),
        get("/health/live").bytes(),
    ]
    .concat();
    let mut connection = Connection::open(server.address);
    connection.send(&one.repeat(50));
    for number in 0..50 {
        assert_eq!(
            connection.read().unwrap().string("username"),
            "ada",
            "{number}"
        );
        assert_eq!(
            connection.read().unwrap().string("status"),
            "ok",
            "{number}"
        );
    }
}

#[test]
fn a_body_where_none_is_wanted_is_no_second_request() {
    let server = impatient();
    let owner = server.register("ada");
    let hidden = get("/auth/me").bearer(&owner.access).bytes();
    let outer = request("GET", "/health/live").body("text/plain", &hidden);
    let replies = raw(&server, &outer.bytes());
    assert_eq!(replies.len(), 1, "{replies:?}");
    let replies = raw(
        &server,
        &delete("/auth/sessions").body("text/plain", &hidden).bytes(),
    );
    assert_eq!(replies.len(), 1, "{replies:?}");
    replies[0].is(401, "invalid_token");
}
