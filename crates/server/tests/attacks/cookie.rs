//! Cookies that others planted, copied or bent, and where ours must never go.

use serde_json::{Value, json};

use crate::support::{
    Connection, Reply, Request, Server, Tokens,
    account::{self, PASSWORD},
    delete, eventually, get,
    http2::{DATA, END_HEADERS, END_STREAM, HEADERS, frame, head, header},
    page::{self, APP, COOKIE, Visitor, fetched, listing},
    post,
    refresh_token::{self, PREFIX},
    request,
    tls::Secure,
};

const DEV: &str = "relatch_refresh_dev";

#[track_caller]
fn is_no_session(reply: &Reply) {
    reply.is(401, "no_session");
    assert_eq!(reply.cookies(), [""; 0]);
}

#[test]
fn a_second_cookie_of_the_name_makes_both_worthless() {
    let server = listing();
    let (ada, eve) = (server.visit("ada"), server.visit("eve"));
    let content = server.folder.content();
    let both = |first: &str, second: &str| format!("{COOKIE}={first}; {COOKIE}={second}");
    for (first, second) in [
        (&ada.refresh, &eve.refresh),
        (&eve.refresh, &ada.refresh),
        (&ada.refresh, &ada.refresh),
        (&ada.refresh, &String::new()),
        (&String::from("x"), &ada.refresh),
    ] {
        for path in ["/auth/refresh", "/auth/logout"] {
            let one = fetched(path, &json!({})).header("Cookie", &both(first, second));
            let two = fetched(path, &json!({})).cookie(first).cookie(second);
            for request in [one, two] {
                let reply = request.send(server.address);
                assert_eq!(reply.faults(), ["Cookie: duplicate"]);
                assert_eq!(reply.cookies(), [""; 0]);
            }
        }
        let login = fetched("/auth/login", &page::login("ada"));
        let reply = login
            .header("Cookie", &both(first, second))
            .send(server.address);
        assert_eq!(reply.faults(), ["Cookie: duplicate"]);
    }
    assert!(server.folder.content() == content);
    server.still_serves(&ada);
    server.still_serves(&eve);
}

/// A sibling host can set all of these for the whole domain, and over plain HTTP; none of them is ours.
#[test]
fn a_cookie_that_a_sibling_could_plant_is_never_read() {
    let server = listing();
    let eve = server.visit("eve");
    for name in [
        DEV,
        "relatch_refresh",
        "__Secure-relatch_refresh",
        "__host-relatch_refresh",
        "__HOST-relatch_refresh",
        "__Host-relatch_refresh2",
        "__Host-relatch_refres",
        "x__Host-relatch_refresh",
        "__Host-Relatch_refresh",
        "\u{b}__Host-relatch_refresh",
    ] {
        let planted = format!("{name}={}", eve.refresh);
        let reply = fetched("/auth/refresh", &json!({}))
            .header("Cookie", &planted)
            .send(server.address);
        if name.starts_with('\u{b}') {
            assert_eq!(reply.faults(), ["head: malformed"]);
        } else {
            is_no_session(&reply);
        }
    }
    // Beside the right one they do no harm.
    let planted = format!("{DEV}=x; {COOKIE}={}; __Secure-{COOKIE}=y", eve.refresh);
    let reply = fetched("/auth/refresh", &json!({}))
        .header("Cookie", &planted)
        .send(server.address);
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[test]
fn a_value_that_is_no_token_is_refused_and_costs_nothing() {
    let server = listing();
    let ada = server.visit("ada");
    let content = server.folder.content();
    let percent = ada.refresh.replace('_', "%5F");
    let mut bent = ada.refresh.clone();
    bent.replace_range(20..21, if &bent[20..21] == "A" { "B" } else { "A" });
    for value in [
        "",
        " ",
        "\"\"",
        "null",
        "undefined",
        "../../etc/passwd",
        "' OR 1=1 --",
        "=",
        &format!("\"{}\"", ada.refresh),
        &format!("{} x", ada.refresh),
        &format!("{}=", ada.refresh),
        &format!("{0},{0}", ada.refresh),
        &ada.refresh[..82],
        &ada.refresh.to_uppercase(),
        &percent,
        &bent,
        &ada.access,
        &"a".repeat(12_000),
        "\u{e9}\u{1f36a}",
    ] {
        for path in ["/auth/refresh", "/auth/logout"] {
            let reply = fetched(path, &json!({})).cookie(value).send(server.address);
            reply.is(401, "invalid_token");
            assert_eq!(reply.cookies(), [""; 0], "a refusal never clears it");
        }
    }
    let huge = fetched("/auth/refresh", &json!({})).cookie(&"a".repeat(20_000));
    assert_eq!(huge.send(server.address).status, 431);
    let mut bytes = fetched("/auth/refresh", &json!({})).cookie("MARK").bytes();
    let place = bytes.windows(4).position(|four| four == b"MARK").unwrap();
    bytes.splice(place..place + 4, [0xff, 0xfe, 0x80]);
    let mut connection = Connection::open(server.address);
    connection.send(&bytes);
    connection.read().unwrap().is(401, "invalid_token");
    assert!(server.folder.content() == content);
    server.still_serves(&ada);
    assert!(!server.folder.said().contains(PREFIX));
}

#[test]
fn a_session_that_was_planted_ends_when_its_victim_logs_in() {
    let server = listing();
    server.visit("ada");
    let eve = server.visit("eve");
    let login = fetched("/auth/login", &page::login("ada"));
    let ada = Visitor::of(&login.cookie(&eve.refresh).send(server.address));
    assert_ne!(
        ada.session, eve.session,
        "the victim gets a session of his own"
    );
    assert_ne!(
        refresh_token::session(&ada.refresh),
        refresh_token::session(&eve.refresh)
    );
    server.fetch_tokens(&eve.refresh).is_over("replaced");
    server.me(&eve.access).is_over("replaced");
    server.still_serves(&ada);
    let grace = fetched("/auth/register", &page::registration("grace"));
    let grace = Visitor::of(&grace.cookie(&ada.refresh).send(server.address));
    assert_eq!(server.fetch_tokens(&ada.refresh).reason(), "replaced");
    server.still_serves(&grace);
}

/// Whoever reads the one place must not have it sent to the other.
#[test]
fn a_token_goes_no_other_way_than_its_session_has_it() {
    let server = listing();
    let (ada, bob) = (server.visit("ada"), server.register("bob"));
    let content = server.folder.content();
    for path in ["/auth/refresh", "/auth/logout"] {
        let body = json!({ "refresh_token": ada.refresh });
        let form = format!("refresh_token={}", ada.refresh);
        for request in [
            post(path).bearer(&ada.refresh),
            post(path).json(&body),
            post(path).body("application/x-www-form-urlencoded", form),
            fetched(path, &body),
            fetched(path, &body).cookie(&ada.refresh),
            fetched(path, &json!({})).cookie(&bob.refresh),
        ] {
            let reply = request.send(server.address);
            reply.is(400, "wrong_delivery");
            assert_eq!(reply.cookies(), [""; 0]);
            assert!(!reply.text().contains(PREFIX));
        }
    }
    assert!(server.folder.content() == content);
    server.still_serves(&ada);
    server.is_unharmed(&bob);
}

/// How a token of ours begins: the examples in the documentation go on in another way.
const TOKEN: &str = "relatch_rt_AQ";

/// Every route, with all that a thief of access token and cookie could send, by somebody who may do everything.
#[test]
fn no_route_answers_a_token_of_a_cookie_in_its_body() {
    let server = listing();
    let mut ada = server.visit("ada");
    server.folder.ask(&["role", "put", "root", "relatch:*"]);
    server
        .folder
        .ask(&["user", "roles", "ada", "--set", "root"]);
    let document = get("/openapi.json").send(server.address).json();
    let (mut walked, mut good) = (0, 0);
    for route in document["x-routes"].as_array().unwrap() {
        let (method, path) = route.as_str().unwrap().split_once(' ').unwrap();
        if method == "DELETE" {
            continue;
        }
        let operation = &document["paths"][path][method.to_lowercase()];
        let reply = request(method, &filled(path, &ada))
            .header("Origin", APP)
            .bearer(&ada.access)
            .cookie(&ada.refresh)
            .json(&filled_body(operation))
            .send(server.address);
        has_no_token(&reply, path);
        walked += 1;
        good += usize::from(reply.status < 300);
        let refreshed = server.fetch_tokens(&ada.refresh);
        has_no_token(&refreshed, path);
        let log_in = || fetched("/auth/login", &page::login("ada")).send(server.address);
        let entered = if refreshed.status == 200 {
            refreshed
        } else {
            log_in()
        };
        ada = Visitor::of(&entered);
    }
    assert!(
        walked > 30 && good > 15,
        "{walked} routes, {good} of them good"
    );
    let out = fetched("/auth/logout", &json!({})).cookie(&ada.refresh);
    has_no_token(&out.send(server.address), "/auth/logout");
    assert!(!server.folder.said().contains(TOKEN), "nor does the log");
}

fn filled(path: &str, visitor: &Visitor) -> String {
    path.replace("{id}", &visitor.session)
        .replace("{name}", "root")
        .replace("{file}", "app.js")
}

/// The example of the documentation, with what is right for this user.
fn filled_body(operation: &Value) -> Value {
    let content = &operation["requestBody"]["content"]["application/json"];
    let mut body = content["example"].clone();
    if let Some(members) = body.as_object_mut() {
        members.remove("refresh_token");
        for password in ["password", "old_password", "new_password"] {
            if let Some(member) = members.get_mut(password) {
                *member = PASSWORD.into();
            }
        }
        if members.contains_key("device_name") {
            members.insert("delivery".to_owned(), "cookie".into());
        }
        return body;
    }
    json!({})
}

#[track_caller]
fn has_no_token(reply: &Reply, path: &str) {
    assert!(!reply.text().contains(TOKEN), "{path}: {reply:?}");
    let mut headers = reply.headers.iter();
    let found = headers.find(|header| header.0 != "set-cookie" && header.1.contains(TOKEN));
    assert_eq!(found, None, "{path}");
}

#[test]
fn nothing_that_a_client_says_ends_up_in_a_header() {
    let server = listing();
    let forged = "\r\nSet-Cookie: __Host-relatch_refresh=x";
    for (field, value) in [
        ("device_name", format!("Phone{forged}")),
        ("device_name", "Phone\nX: y".to_owned()),
        ("username", format!("ada{forged}")),
        ("email", format!("ada@example.com{forged}")),
        ("delivery", format!("cookie{forged}")),
        ("remember_me", format!("true{forged}")),
    ] {
        let mut body = page::registration("ada");
        body[field] = value.into();
        let reply = fetched("/auth/register", &body).send(server.address);
        assert_eq!(reply.status, 400, "{field}");
        assert_eq!(reply.cookies(), [""; 0]);
    }
    // What an encoder that cuts characters to bytes would make a line's end of.
    let mut body = page::registration("ada");
    body["device_name"] = "Phone\u{560d}\u{560a}Set-Cookie: x=y".into();
    let reply = fetched("/auth/register", &body)
        .header("User-Agent", "a; Set-Cookie: x=y")
        .send(server.address);
    assert_eq!(reply.status, 201);
    assert_eq!(reply.cookies().len(), 2);
    assert!(reply.cookies()[0].starts_with(COOKIE));
    assert!(reply.cookies()[1].starts_with("__Host-relatch_device=relatch_dt_"));
    let origin = format!("{APP}\u{560a}Set-Cookie: x=y");
    let reply = post("/auth/login")
        .header("Origin", &origin)
        .json(&page::login("ada"))
        .send(server.address);
    reply.is(403, "origin_not_allowed");
}

#[test]
fn a_token_in_the_address_is_neither_read_nor_logged() {
    let server = listing();
    let ada = server.visit("ada");
    for path in ["/auth/refresh", "/auth/logout"] {
        for name in ["refresh_token", COOKIE, DEV] {
            let address = format!("{path}?{name}={}", ada.refresh);
            is_no_session(&fetched(&address, &json!({})).send(server.address));
        }
    }
    server.still_serves(&ada);
    assert!(!server.folder.said().contains(&ada.refresh));
}

#[test]
fn a_page_of_the_server_is_in_no_frame_not_even_of_a_listed_page() {
    let server = listing();
    for path in ["/docs", "/docs/app.js"] {
        let page = get(path).header("Origin", APP).send(server.address);
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(page.header("x-frame-options"), Some("DENY"));
    }
}

/// What a login in cookie mode sets, asked from that page with these headers.
fn set_by(server: &Server, origin: &str, headers: &[(&str, &str)]) -> String {
    let login = post("/auth/login")
        .header("Origin", origin)
        .json(&page::login("ada"));
    let login = headers
        .iter()
        .fold(login, |login, (name, value)| login.header(name, value));
    let reply = login.send(server.address);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.cookies()[0].to_owned()
}

const LOCAL: &str = "http://localhost:5173";
const ORIGINS: (&str, &str) = (
    "browser.origins",
    "http://localhost:5173, https://localhost:5173, https://app.relatch.test",
);

#[test]
fn a_cookie_goes_without_secure_on_plain_loopback_and_nowhere_else() {
    let plain = [ORIGINS, ("server.trusted_proxies", "127.0.0.1")];
    let server = Server::start(&plain);
    server.register("ada");
    for headers in [
        &[][..],
        &[("X-Forwarded-Proto", "http")],
        &[("X-Forwarded-For", "127.0.0.1")],
        &[("X-Forwarded-For", "::1")],
    ] {
        let cookie = set_by(&server, LOCAL, headers);
        assert!(cookie.starts_with(DEV) && !cookie.contains("Secure"));
        assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    }
    for (origin, headers) in [
        (LOCAL, &[("X-Forwarded-Proto", "https")][..]),
        (LOCAL, &[("X-Forwarded-Proto", "https, http")]),
        (LOCAL, &[("Forwarded", "for=127.0.0.1;proto=https")]),
        (LOCAL, &[("X-Forwarded-For", "192.0.2.7")]),
        ("https://localhost:5173", &[]),
        (APP, &[]),
    ] {
        is_secure(&set_by(&server, origin, headers));
    }
    for settings in [
        ("server.behind_tls_proxy", "true"),
        ("issuer.url", "https://relatch.test"),
    ] {
        let server = Server::start(&[ORIGINS, settings]);
        server.register("ada");
        is_secure(&set_by(&server, LOCAL, &[]));
    }
}

#[track_caller]
fn is_secure(cookie: &str) {
    assert!(cookie.starts_with("__Host-relatch_refresh="), "{cookie}");
    assert!(cookie.contains("; Path=/; Secure; HttpOnly; SameSite=Strict"));
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[test]
fn on_plain_loopback_the_other_name_means_nothing() {
    let server = Server::start(&[ORIGINS]);
    let fetched = |path: &str, body: &Value| post(path).header("Origin", LOCAL).json(body);
    let reply = fetched("/auth/register", &page::registration("ada")).send(server.address);
    let ada = Visitor::of(&reply);
    let refresh = |cookie: &str| {
        fetched("/auth/refresh", &json!({}))
            .header("Cookie", cookie)
            .send(server.address)
    };
    is_no_session(&refresh(&format!("{COOKIE}={}", ada.refresh)));
    // The rule is no other one here.
    for origin in [None, Some("null"), Some("http://localhost:5174")] {
        let own = format!("{DEV}={}", ada.refresh);
        let foreign = post("/auth/refresh")
            .header("Cookie", &own)
            .json(&json!({}));
        let foreign = match origin {
            Some(origin) => foreign.header("Origin", origin),
            None => foreign,
        };
        foreign.send(server.address).is(403, "origin_not_allowed");
    }
    let reply = refresh(&format!("{DEV}={}; {COOKIE}=x", ada.refresh));
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[test]
fn over_tls_the_cookie_is_secure_and_comes_back_in_pieces() {
    let server = Secure::start(&[ORIGINS]);
    let login = post("/auth/register")
        .header("Origin", LOCAL)
        .json(&page::registration("ada"));
    let reply = server.send(&login);
    is_secure(reply.cookies()[0]);
    let ada = Visitor::of(&reply);
    // HTTP/2 brings each pair in a field of its own (RFC 9113 §8.2.3).
    let refresh = |cookies: &[String]| {
        let mut connection = server.open_http2(&[]);
        let mut fields = head("POST", "/auth/refresh");
        fields.extend(header("origin", LOCAL));
        fields.extend(header("content-type", "application/json"));
        for cookie in cookies {
            fields.extend(header("cookie", cookie));
        }
        connection.send(&frame(HEADERS, END_HEADERS, 1, &fields));
        connection.send(&frame(DATA, END_STREAM, 1, b"{}"));
        connection.body_of(1)
    };
    let ours = format!("{COOKIE}={}", ada.refresh);
    let other = "theme=dark".to_owned();
    let body = refresh(&[other.clone(), ours.clone(), other]);
    assert!(body.contains("access_token"), "{body}");
    let body = refresh(&[ours.clone(), format!("{COOKIE}=x")]);
    assert!(body.contains("duplicate"), "{body}");
}

#[test]
fn a_cookie_that_comes_over_plain_http_ends_its_session() {
    let server = Secure::start(&[("browser.origins", APP)]);
    let plain = server.redirect_address();
    let places: [fn(Request) -> Request; 2] = [
        |request| request,
        |request| request.header("Cookie", "theme=dark"),
    ];
    for (name, place) in ["ada", "eve"].into_iter().zip(places) {
        let login = fetched("/auth/register", &page::registration(name));
        let visitor = Visitor::of(&server.send(&login));
        // A page may not even ask there, so that no browser sends it more.
        let asks = request("OPTIONS", "/auth/refresh")
            .header("Origin", APP)
            .header("Access-Control-Request-Method", "POST");
        asks.send(plain).is(403, "https_required");
        let reply = place(get("/").cookie(&visitor.refresh)).send(plain);
        reply.is(403, "https_required");
        let refresh = fetched("/auth/refresh", &json!({})).cookie(&visitor.refresh);
        server.send(&refresh).is_over("seen_in_the_clear");
    }
    // Any other cookie is no secret of ours.
    let reply = get("/").header("Cookie", "theme=dark").send(plain);
    assert_eq!(reply.status, 308);
}

#[test]
fn an_order_with_an_access_token_needs_no_cookie_and_clears_it_for_listed_pages_alone() {
    let server = listing();
    let ada = server.visit("ada");
    let end = |origin: Option<&str>| {
        let path = "/auth/sessions?keep=none";
        let order = delete(path).bearer(&ada.access).cookie(&ada.refresh);
        let order = match origin {
            Some(origin) => order.header("Origin", origin),
            None => order,
        };
        order.send(server.address)
    };
    for origin in [None, Some("https://evil.test")] {
        let reply = end(origin);
        assert_eq!(reply.cookies(), [""; 0], "{reply:?}");
    }
    let tokens = Tokens::of(&server.log_in("ada", PASSWORD));
    assert_eq!(server.me(&tokens.access).status, 200);
    server
        .fetch_tokens(&ada.refresh)
        .is_over("logout_everywhere");
}

#[test]
fn a_page_that_is_not_logged_in_is_told_so_and_fills_no_log() {
    let server = listing();
    let body = account::registration("ada");
    post("/auth/register").json(&body).send(server.address);
    for _ in 0..10 {
        let reply = fetched("/auth/refresh", &json!({})).send(server.address);
        is_no_session(&reply);
        assert_eq!(reply.header("access-control-allow-origin"), Some(APP));
    }
    post("/auth/login").send(server.address);
    let is_logged = || server.folder.logged().contains("/auth/login");
    assert!(eventually(is_logged));
    let logged = server.folder.logged();
    assert!(!logged.contains("no_session"), "{logged}");
}
