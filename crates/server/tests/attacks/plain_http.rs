//! What comes over plain HTTP to the listener that leads to HTTPS: nothing of it is done, and what was exposed is ended.

use serde_json::json;

use crate::support::{
    Connection, Reply, Request, Tokens,
    account::{PASSWORD, registration},
    delete, get, post,
    refresh_token::generation,
    request,
    tls::Secure,
};

fn register(server: &Secure, name: &str) -> Tokens {
    Tokens::of(&server.send(&post("/auth/register").json(&registration(name))))
}

fn refresh(server: &Secure, token: &str) -> Reply {
    server.send(&post("/auth/refresh").bearer(token))
}

#[track_caller]
fn lives(server: &Secure, owner: &Tokens) -> Tokens {
    Tokens::of(&refresh(server, &owner.refresh))
}

#[track_caller]
fn is_refused(reply: &Reply) {
    reply.is(403, "https_required");
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(reply.header("location"), None);
}

#[test]
fn a_browser_is_led_to_the_issuer_and_to_nobody_else() {
    let server = Secure::start(&[]);
    for (method, path) in [
        ("GET", "/"),
        ("HEAD", "/docs"),
        ("GET", "/docs?x=1&y=%20"),
        ("GET", "//evil.test/x"),
        ("GET", "/@evil.test"),
        ("GET", "/\\evil.test"),
    ] {
        let reply = request(method, path)
            .header("X-Forwarded-Host", "evil.test")
            .header("X-Forwarded-Proto", "https")
            .header("Forwarded", "host=evil.test;proto=https")
            .send(server.redirect_address());
        if reply.status == 400 {
            continue;
        }
        assert_eq!(reply.status, 308, "{path}: {reply:?}");
        let expected = format!("https://relatch.test{path}");
        assert_eq!(reply.header("location"), Some(&*expected));
        assert_eq!(reply.body, b"");
    }
}

#[test]
fn a_foreign_host_is_never_reflected() {
    let server = Secure::start(&[]);
    for head in [
        "GET /x HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        "GET http://evil.test/x HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        "GET https://evil.test/x HTTP/1.1\r\nHost: relatch.test\r\n\r\n",
        "GET /x HTTP/1.0\r\n\r\n",
    ] {
        let mut connection = Connection::open(server.redirect_address());
        connection.send(head.as_bytes());
        let reply = connection.read().expect("an answer");
        assert_eq!(
            reply.header("location"),
            Some("https://relatch.test/x"),
            "{head}"
        );
    }
}

#[test]
fn everything_else_is_refused_and_nothing_is_done() {
    let server = Secure::start(&[]);
    let before = server.folder.content();
    let login = json!({ "username": "ada", "password": PASSWORD });
    for request in [
        post("/auth/register").json(&registration("ada")),
        post("/auth/login").json(&login),
        post("/auth/login"),
        post("/nowhere").body("text/plain", "x"),
        delete("/auth/sessions"),
        request("PUT", "/auth/me"),
        request("OPTIONS", "/auth/login"),
        request("BREW", "/"),
        get("/auth/me").bearer("x"),
        get("/auth/me").header("Authorization", "Basic YWRhOmFkYQ=="),
        get("/")
            .header("Content-Length", "2")
            .body("text/plain", "{}"),
    ] {
        is_refused(&request.send(server.redirect_address()));
    }
    assert!(server.folder.content() == before, "nothing was written");
}

#[test]
fn a_password_is_neither_checked_nor_kept() {
    let server = Secure::start(&[]);
    let owner = register(&server, "ada");
    let before = server.folder.content();
    for password in [PASSWORD, "another password"] {
        let body = json!({ "username": "ada", "password": password });
        let reply = post("/auth/login")
            .json(&body)
            .send(server.redirect_address());
        is_refused(&reply);
        assert_eq!(
            reply.string("detail"),
            "",
            "right or wrong, the answer is one"
        );
    }
    assert!(
        server.folder.content() == before,
        "no login and no failure is on record"
    );
    assert!(!server.folder.logged().contains("password"));
    lives(&server, &owner);
}

#[test]
fn a_refresh_token_ends_its_session_wherever_it_stands() {
    let server = Secure::start(&[]);
    let places: [fn(&str) -> Request; 6] = [
        |token| get("/").header("Authorization", &format!("bearer   {token} ")),
        |token| post("/auth/refresh").bearer(token),
        |token| get("/auth/me").bearer(token),
        |token| post("/nowhere").json(&json!({ "refresh_token": token })),
        |token| {
            let form = format!("refresh_token={token}");
            post("/auth/refresh").body("application/x-www-form-urlencoded", form)
        },
        |token| {
            let body = json!({ "refresh_token": token, "password": PASSWORD, "more": 1 });
            post("/auth/login").bearer("x").json(&body)
        },
    ];
    for (number, place) in places.into_iter().enumerate() {
        let owner = register(&server, &format!("user{number}"));
        let reply = place(&owner.refresh).send(server.redirect_address());
        is_refused(&reply);
        assert!(
            reply.string("detail").contains("has been ended"),
            "{number}"
        );
        refresh(&server, &owner.refresh).is_over("seen_in_the_clear");
    }
    let told = server
        .folder
        .logged()
        .matches("came over plain HTTP")
        .count();
    assert_eq!(told, 6);
}

#[test]
fn an_old_refresh_token_is_as_telling_as_the_newest() {
    let server = Secure::start(&[]);
    let first = register(&server, "ada");
    let second = lives(&server, &first);
    assert_eq!(generation(&second.refresh), 1);
    is_refused(
        &post("/auth/refresh")
            .bearer(&first.refresh)
            .send(server.redirect_address()),
    );
    refresh(&server, &second.refresh).is_over("seen_in_the_clear");
}

#[test]
fn an_access_token_ends_its_session_while_it_is_good() {
    let server = Secure::start(&[("session.access_lifetime", "3s")]);
    let [ada, bob] = ["ada", "bob"].map(|name| register(&server, name));
    is_refused(
        &get("/auth/me")
            .bearer(&ada.access)
            .send(server.redirect_address()),
    );
    refresh(&server, &ada.refresh).is_over("seen_in_the_clear");
    crate::support::pause(4_000);
    is_refused(
        &get("/auth/me")
            .bearer(&bob.access)
            .send(server.redirect_address()),
    );
    lives(&server, &bob);
}

#[test]
fn what_is_not_genuine_ends_nothing() {
    let server = Secure::start(&[]);
    let owner = register(&server, "ada");
    let mut other = owner.refresh.clone();
    let last = if other.pop() == Some('A') { 'B' } else { 'A' };
    other.insert(10, last);
    let unsigned = owner.access.rsplit_once('.').unwrap().0.to_owned() + ".";
    for token in [
        &other,
        &unsigned,
        &owner.session,
        &"x".repeat(8_000),
        &String::new(),
    ] {
        let reply = post("/auth/refresh")
            .bearer(token)
            .send(server.redirect_address());
        is_refused(&reply);
        assert_eq!(reply.string("detail"), "");
    }
    lives(&server, &owner);
}

#[test]
fn a_bound_session_stays_for_its_token_is_of_no_use_to_anybody() {
    let server = Secure::start(&[]);
    let owner = register(&server, "ada");
    let sql = "UPDATE session SET jkt = zeroblob(32)";
    server.folder.open_database().execute(sql, []).unwrap();
    for token in [&owner.refresh, &owner.access] {
        let reply = get("/auth/me")
            .bearer(token)
            .send(server.redirect_address());
        is_refused(&reply);
        assert_eq!(reply.string("detail"), "");
    }
    refresh(&server, &owner.refresh).is(401, "proof_required");
}

#[test]
fn a_header_that_says_plain_http_ends_nothing() {
    let trusting = ("server.trusted_proxies", "127.0.0.1");
    let server = Secure::start(&[trusting]);
    let owner = register(&server, "ada");
    let reply = server.send(
        &get("/auth/me")
            .bearer(&owner.access)
            .header("X-Forwarded-Proto", "http")
            .header("Forwarded", "proto=http;for=192.0.2.7"),
    );
    assert_eq!(reply.status, 200, "{reply:?}");
    lives(&server, &owner);
}

#[test]
fn whoever_is_slow_or_sends_too_much_is_cut_off_here_too() {
    let settings = [
        ("server.header_timeout", "300ms"),
        ("server.request_timeout", "400ms"),
    ];
    let server = Secure::start(&settings);
    let mut head = Connection::open(server.redirect_address());
    head.send(b"GET / HTTP/1.1\r\nHost:");
    assert!(head.ends_within(3_000));
    let mut body = Connection::open(server.redirect_address());
    body.send(b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
    is_refused(&body.read().expect("an answer"));
    let large = post("/auth/login").body("application/json", "x".repeat(20_000));
    is_refused(&large.send(server.redirect_address()));
}

#[test]
fn without_an_issuer_to_lead_to_there_is_no_such_listener() {
    let folder = crate::support::Folder::new();
    let refusal = folder.refuses(&[("server.redirect_listen", "127.0.0.1:0")]);
    assert!(
        refusal
            .said
            .contains("server.redirect_listen: needs an issuer.url")
    );
}
