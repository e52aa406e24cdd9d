//! Requests that a foreign page makes the browser of a visitor send, his cookie with them: as if no browser held it back.

use serde_json::{Value, json};

use crate::support::{
    Reply, Request, Server,
    account::PASSWORD,
    get,
    page::{self, APP, COOKIE, Visitor, fetched, listing},
    post, request,
    target::FORM,
};

/// A visitor of one listed page, and what was in the database when the attack began.
struct Victim {
    server: Server,
    visitor: Visitor,
    content: Vec<Vec<rusqlite::types::Value>>,
}

impl Victim {
    fn new() -> Self {
        let server = listing();
        let visitor = server.visit("ada");
        let content = server.folder.content();
        Self {
            server,
            visitor,
            content,
        }
    }

    /// Sends it with the cookie: it must not even be looked at.
    #[track_caller]
    fn is_refused(&self, request: &Request, outcome: (u16, &str)) {
        let reply = self.sent(request);
        assert_eq!(reply.outcome(), (outcome.0, outcome.1.to_owned()));
    }

    /// What comes of it, nothing of which sets a cookie or may be read by a page that is not listed.
    #[track_caller]
    fn sent(&self, request: &Request) -> Reply {
        let reply = request
            .clone()
            .cookie(&self.visitor.refresh)
            .send(self.server.address);
        assert_eq!(reply.cookies(), [""; 0], "{reply:?}");
        assert!(reply.status >= 400, "{reply:?}");
        reply
    }

    #[track_caller]
    fn stays_unharmed(&self) {
        let content = self.server.folder.content();
        assert!(content == self.content, "something was written");
        self.server.still_serves(&self.visitor);
    }
}

/// Every request that reads the cookie or would set it, as the page would send it but for the origin.
fn requests(visitor: &Visitor) -> Vec<Request> {
    let change = json!({ "old_password": PASSWORD, "new_password": "taken over by a thief" });
    let json = |path: &str, body: &Value| post(path).json(body);
    vec![
        json("/auth/refresh", &json!({})),
        json("/auth/logout", &json!({})),
        json("/auth/login", &page::login("ada")),
        json("/auth/register", &page::registration("eve")),
        json("/auth/password/change", &change).bearer(&visitor.access),
    ]
}

/// Sends all of them from that origin.
#[track_caller]
fn all_are_refused_from(victim: &Victim, origin: &[&str]) {
    for request in requests(&victim.visitor) {
        let request = origin
            .iter()
            .fold(request, |request, origin| request.header("Origin", origin));
        let reply = victim.sent(&request);
        reply.is(403, "origin_not_allowed");
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

#[test]
fn a_form_of_a_foreign_page_changes_nothing() {
    let victim = Victim::new();
    let boundary = "multipart/form-data; boundary=x";
    let part = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n";
    // The value of a field whose name is the rest of it: a form can write JSON.
    let disguised = r#"{"delivery":"cookie","username":"ada","password":"x","a":"=b"}"#;
    for (kind, body) in [
        (FORM, ""),
        (FORM, "a=b"),
        (boundary, part),
        ("text/plain", ""),
        ("text/plain", "{}"),
        ("text/plain", disguised),
        ("text/plain; x=application/json", disguised),
    ] {
        for path in ["/auth/refresh", "/auth/logout"] {
            for (site, mode) in [("cross-site", "navigate"), ("same-site", "no-cors")] {
                let form = post(path)
                    .header("Origin", "https://evil.test")
                    .header("Sec-Fetch-Site", site)
                    .header("Sec-Fetch-Mode", mode)
                    .body(kind, body);
                let reply = victim.sent(&form);
                // Before it is known that there is no token, or when.
                assert!(matches!(reply.status, 400 | 403 | 415), "{reply:?}");
            }
        }
        // In a page that is listed, too: whoever can put a form there need not be able to run code.
        for path in ["/auth/refresh", "/auth/logout", "/auth/login"] {
            let form = post(path)
                .header("Origin", APP)
                .header("Sec-Fetch-Site", "same-site")
                .body(kind, body);
            let reply = victim.sent(&form);
            assert!(matches!(reply.status, 400 | 415), "{kind}: {reply:?}");
        }
    }
    victim.stays_unharmed();
}

#[test]
fn a_form_without_an_origin_changes_nothing() {
    let victim = Victim::new();
    for path in ["/auth/refresh", "/auth/logout"] {
        let form = post(path).body(FORM, "");
        victim.is_refused(&form, (403, "origin_not_allowed"));
        // A token of the attacker's in the body opens no way to the cookie.
        let form = post(path).body(FORM, "refresh_token=relatch_rt_x");
        victim.is_refused(&form, (403, "origin_not_allowed"));
    }
    all_are_refused_from(&victim, &[]);
    victim.stays_unharmed();
}

#[test]
fn what_a_foreign_page_fetches_changes_nothing_and_is_not_for_it_to_read() {
    let victim = Victim::new();
    all_are_refused_from(&victim, &["https://evil.test"]);
    let preflight = request("OPTIONS", "/auth/refresh")
        .header("Origin", "https://evil.test")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type");
    let reply = victim.sent(&preflight);
    let told = reply.headers.iter();
    let told = told.filter(|header| header.0.starts_with("access-control"));
    assert_eq!(told.count(), 0, "{reply:?}");
    victim.stays_unharmed();
}

#[test]
fn an_image_or_a_link_turns_nothing() {
    let victim = Victim::new();
    for path in ["/auth/refresh", "/auth/logout", "/auth/login"] {
        for origin in ["https://evil.test", APP] {
            let image = get(path)
                .header("Origin", origin)
                .header("Sec-Fetch-Site", "cross-site")
                .header("Sec-Fetch-Mode", "no-cors")
                .header("Sec-Fetch-Dest", "image");
            assert_eq!(victim.sent(&image).status, 405, "{path}");
        }
    }
    victim.stays_unharmed();
}

#[test]
fn the_cookie_alone_opens_no_route() {
    let victim = Victim::new();
    for request in crate::support::protected() {
        let reply = victim.sent(&request.header("Origin", APP));
        reply.is(401, "invalid_token");
    }
    let socket = get("/revocations")
        .header("Origin", APP)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "eG1sLXh4eHh4eHh4eHh4eA==");
    assert_eq!(victim.sent(&socket).status, 401);
    victim.stays_unharmed();
}

#[test]
fn a_sandboxed_frame_has_no_origin_and_no_way_in() {
    let victim = Victim::new();
    all_are_refused_from(&victim, &["null"]);
    victim.stays_unharmed();
}

#[test]
fn a_sibling_host_is_of_the_same_site_and_still_foreign() {
    let victim = Victim::new();
    for origin in [
        "https://evil.relatch.test",
        "https://relatch.test",
        "https://api.app.relatch.test",
    ] {
        for request in requests(&victim.visitor) {
            let request = request
                .header("Origin", origin)
                .header("Sec-Fetch-Site", "same-site")
                .header("Sec-Fetch-Mode", "cors");
            victim.is_refused(&request, (403, "origin_not_allowed"));
        }
    }
    victim.stays_unharmed();
}

#[test]
fn an_origin_that_only_looks_like_a_listed_one_is_foreign() {
    let victim = Victim::new();
    for origin in [
        "https://app.relatch.test.evil.test",
        "https://app.relatch.testevil.test",
        "https://evilapp.relatch.test",
        "https://app.relatch.test@evil.test",
        "https://evil.test/https://app.relatch.test",
        "https://evil.test#https://app.relatch.test",
        "https://app.relatch.test:444",
        "https://app.relatch.test:443",
        "http://app.relatch.test",
        "https://app.relatch.test/",
        "https://app.relatch.test.",
        "https://APP.relatch.test",
        "https://app.relatch.test https://evil.test",
        "https://app.relatch.test,https://evil.test",
        "https://app-relatch.test",
        "app.relatch.test",
        "",
        "*",
    ] {
        all_are_refused_from(&victim, &[origin]);
    }
    all_are_refused_from(&victim, &["https://evil.test", APP]);
    all_are_refused_from(&victim, &[APP, APP]);
    victim.stays_unharmed();
}

#[test]
fn a_browser_that_says_more_is_believed_against_the_origin() {
    let victim = Victim::new();
    for (name, value) in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "none"),
        ("Sec-Fetch-Site", "SAME-ORIGIN"),
        ("Sec-Fetch-Site", ""),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Mode", "no-cors"),
        ("Sec-Fetch-Mode", "websocket"),
    ] {
        for request in requests(&victim.visitor) {
            let request = request.header("Origin", APP).header(name, value);
            victim.is_refused(&request, (403, "origin_not_allowed"));
        }
        let twice = fetched("/auth/refresh", &json!({}))
            .header(
                name,
                if name.ends_with("Site") {
                    "same-site"
                } else {
                    "cors"
                },
            )
            .header(name, value);
        victim.is_refused(&twice, (403, "origin_not_allowed"));
    }
    victim.stays_unharmed();
}

/// The victim would enter what is his into the account of the attacker.
#[test]
fn a_foreign_page_logs_nobody_in_as_its_own_user() {
    let victim = Victim::new();
    let eve = victim.server.visit("eve");
    let content = victim.server.folder.content();
    let login = page::login("eve");
    let disguised = login.to_string().replace('}', r#","a":"="}"#);
    for origin in ["https://evil.test", "https://evil.relatch.test", "null"] {
        let from = |request: Request| request.header("Origin", origin);
        let fetch = from(post("/auth/login").json(&login));
        victim.is_refused(&fetch, (403, "origin_not_allowed"));
        for kind in ["text/plain", FORM, "multipart/form-data; boundary=x"] {
            let form = from(post("/auth/login").body(kind, &disguised));
            victim.is_refused(&form, (415, "unsupported_media_type"));
        }
        // Nor by a token of his own: the answer sets no cookie, for it came in the body.
        let token = json!({ "refresh_token": eve.refresh });
        let planted = from(post("/auth/refresh").json(&token));
        victim.is_refused(&planted, (403, "origin_not_allowed"));
    }
    let bare = format!("{COOKIE}={}", eve.refresh);
    let query = format!("/auth/refresh?{bare}");
    victim.is_refused(&post(&query), (403, "origin_not_allowed"));
    assert!(victim.server.folder.content() == content);
    victim.server.still_serves(&eve);
    victim.server.still_serves(&victim.visitor);
}
