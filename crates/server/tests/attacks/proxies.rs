//! Headers of proxies that nobody sent, or that a client sent in the place of its proxy.

use serde_json::json;

use crate::support::{Connection, Server, account::PASSWORD, get, post, tls::Secure};

const TRUSTED: (&str, &str) = ("server.trusted_proxies", "127.0.0.1, 10.0.0.0/8");

/// A login with these headers, and the address that is on record for it.
fn recorded(server: &Server, headers: &[(&str, &str)]) -> String {
    let body = json!({ "username": "ada", "password": PASSWORD });
    let login = headers
        .iter()
        .fold(post("/auth/login").json(&body), |request, (name, value)| {
            request.header(name, value)
        });
    let reply = login.send(server.address);
    assert_eq!(reply.status, 200, "{}", reply.text());
    newest(server, "session.opened")
}

/// The address of the newest event of that name.
fn newest(server: &Server, name: &str) -> String {
    let sql = "SELECT address FROM event WHERE name = ?1 ORDER BY number DESC LIMIT 1";
    let database = server.folder.open_database();
    database.query_row(sql, [name], |row| row.get(0)).unwrap()
}

fn start(settings: &[(&str, &str)]) -> Server {
    let server = Server::start(settings);
    server.register("ada");
    server
}

#[test]
fn nobody_is_believed_who_is_not_listed() {
    for settings in [&[][..], &[("server.trusted_proxies", "10.0.0.0/8, ::1")]] {
        let server = start(settings);
        let headers = [
            ("X-Forwarded-For", "192.0.2.7"),
            ("Forwarded", "for=192.0.2.7"),
            ("X-Real-IP", "192.0.2.7"),
        ];
        assert_eq!(recorded(&server, &headers), "127.0.0.1");
    }
}

#[test]
fn what_a_client_wrote_before_its_proxy_counts_for_nothing() {
    let server = start(&[TRUSTED]);
    for value in [
        "192.0.2.7",
        "203.0.113.1, 192.0.2.7",
        "10.0.0.1, 192.0.2.7, 10.0.0.2",
        "\"; DROP TABLE, 192.0.2.7",
    ] {
        let found = recorded(&server, &[("X-Forwarded-For", value)]);
        assert_eq!(found, "192.0.2.7", "{value}");
    }
    let twice = [
        ("X-Forwarded-For", "203.0.113.1"),
        ("X-Forwarded-For", "192.0.2.7"),
    ];
    assert_eq!(recorded(&server, &twice), "192.0.2.7");
}

#[test]
fn the_header_that_the_proxy_does_not_write_counts_for_nothing() {
    let invented = [
        ("Forwarded", "for=203.0.113.1"),
        ("X-Forwarded-For", "192.0.2.7"),
    ];
    assert_eq!(recorded(&start(&[TRUSTED]), &invented), "192.0.2.7");
    let standard = ("server.forwarded_header", "Forwarded");
    let invented = [
        ("X-Forwarded-For", "203.0.113.1"),
        ("Forwarded", "for=192.0.2.7"),
    ];
    assert_eq!(
        recorded(&start(&[TRUSTED, standard]), &invented),
        "192.0.2.7"
    );
}

#[test]
fn what_is_no_address_leaves_that_of_the_proxy() {
    let server = start(&[TRUSTED]);
    for value in [
        "",
        "unknown",
        "evil.test",
        "192.0.2.7.8",
        "192.0.2.7, ",
        &"9".repeat(5_000),
    ] {
        let found = recorded(&server, &[("X-Forwarded-For", value)]);
        assert_eq!(found, "127.0.0.1", "{value}");
    }
}

#[test]
fn the_address_goes_on_record_behind_tls_and_in_plain_too() {
    let server = Secure::start(&[TRUSTED]);
    let spoken = |request: crate::support::Request| request.header("X-Forwarded-For", "192.0.2.7");
    let body = crate::support::account::registration("ada");
    let reply = server.send(&spoken(post("/auth/register").json(&body)));
    assert_eq!(newest(&server, "user.registered"), "192.0.2.7");
    let token = reply.string("refresh_token");
    spoken(post("/auth/logout").bearer(&token)).send(server.redirect_address());
    assert_eq!(newest(&server, "session.ended"), "192.0.2.7");
}

#[test]
fn a_list_that_cannot_be_read_is_refused() {
    let folder = crate::support::Folder::new();
    for wrong in [
        "proxy.example.com",
        "10.0.0.0/33",
        "10.1.2.3/8",
        "*",
        "10.0.0.1,",
    ] {
        let refusal = folder.refuses(&[("server.trusted_proxies", wrong)]);
        assert_eq!(refusal.code, Some(1), "{wrong}");
        assert!(
            refusal.said.contains("server.trusted_proxies"),
            "{}",
            refusal.said
        );
    }
}

/// A header of the PROXY protocol that names a client.
fn spoken_for(client: [u8; 4]) -> Vec<u8> {
    let head = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
    [&head[..], &client, &[127, 0, 0, 1, 1, 2, 3, 4]].concat()
}

const PROXIED: (&str, &str) = ("server.proxy_protocol", "true");

#[test]
fn a_proxy_that_passes_bytes_on_says_whose_they_are() {
    let server = Server::start(&[TRUSTED, PROXIED]);
    let body = crate::support::account::registration("ada");
    let request = post("/auth/register").json(&body);
    let mut connection = Connection::open(server.address);
    connection.send(&spoken_for([192, 0, 2, 7]));
    connection.send(&request.bytes());
    assert_eq!(connection.read().expect("an answer").status, 201);
    assert_eq!(newest(&server, "user.registered"), "192.0.2.7");
}

#[test]
fn whoever_does_not_speak_as_a_proxy_is_cut_off() {
    let impatient = ("server.header_timeout", "300ms");
    let server = Server::start(&[TRUSTED, PROXIED, impatient]);
    let request = get("/health/live").bytes();
    let half = &spoken_for([192, 0, 2, 7])[..20];
    for bytes in [
        &request[..],
        b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n",
        half,
        b"",
    ] {
        let mut connection = Connection::open(server.address);
        connection.send(bytes);
        assert!(connection.is_closed_within(3_000));
    }
    let stranger = ("server.trusted_proxies", "10.0.0.0/8");
    let server = Server::start(&[stranger, PROXIED]);
    let mut connection = Connection::open(server.address);
    connection.send(&[&spoken_for([192, 0, 2, 7]), &request[..]].concat());
    assert!(connection.is_closed_within(3_000), "it is not on the list");
}

#[test]
fn that_header_means_nothing_where_no_proxy_is_expected() {
    let server = Server::start(&[TRUSTED]);
    let mut connection = Connection::open(server.address);
    let request = get("/health/live").bytes();
    connection.send(&[&spoken_for([192, 0, 2, 7]), &request[..]].concat());
    assert!(connection.read().is_none_or(|reply| reply.status == 400));
}
