//! Who says what he is: pages of other sites, and programs that say they are a page of ours.

use serde_json::json;

use crate::support::{Server, account::PASSWORD, get, post, target::FORM};

const PAGE: &str = "https://app.example.com";

fn start() -> Server {
    let server = Server::start(&[("browser.origins", PAGE)]);
    server.register("ada");
    server
}

/// What a form on any page can send without being asked: three types of bodies, and no other header.
#[test]
fn a_form_of_another_site_logs_nobody_in() {
    let server = start();
    let before = server.folder.content();
    let json = json!({ "username": "ada", "password": PASSWORD }).to_string();
    let form = "username=ada&password=correct+horse+battery+staple";
    for (kind, body) in [
        (FORM, form),
        ("text/plain", &json),
        ("text/plain;application/json", &json),
        ("multipart/form-data; boundary=x", &json),
    ] {
        for delivery in ["body", "cookie"] {
            let body = body.replacen('}', &format!(",\"delivery\":\"{delivery}\"}}"), 1);
            let request = post("/auth/login").body(kind, body);
            let request = request.header("Origin", "https://evil.test");
            let reply = request.send(server.address);
            reply.is(415, "unsupported_media_type");
            assert_eq!(reply.header("set-cookie"), None);
        }
    }
    assert_eq!(server.folder.content(), before);
}

#[test]
fn a_page_that_is_not_listed_cannot_use_the_cookie_of_one_that_is() {
    let server = start();
    let body = json!({ "username": "ada", "password": PASSWORD, "delivery": "cookie" });
    let login = post("/auth/login").json(&body).header("Origin", PAGE);
    let reply = login.send(server.address);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let cookie = reply
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let with_cookie =
        |path: &str, body: &serde_json::Value| post(path).json(body).header("Cookie", cookie);
    let before = server.folder.content();
    for path in ["/auth/refresh", "/auth/logout"] {
        for origin in ["https://evil.test", "https://evil.example.com", "null", ""] {
            let request = with_cookie(path, &json!({})).header("Origin", origin);
            request.send(server.address).is(403, "origin_not_allowed");
        }
        let silent = with_cookie(path, &json!({})).send(server.address);
        silent.is(403, "origin_not_allowed");
    }
    let planted = with_cookie("/auth/login", &body).header("Origin", "https://evil.test");
    planted.send(server.address).is(403, "origin_not_allowed");
    assert_eq!(server.folder.content(), before);
    let own = with_cookie("/auth/refresh", &json!({})).header("Origin", PAGE);
    assert_eq!(own.send(server.address).status, 200);
}

/// It is not hidden, and not pretended: whoever has the password is the user.
#[test]
fn a_program_with_the_right_password_is_let_in_whatever_it_says_it_is() {
    let server = start();
    let body = json!({ "username": "ada", "password": PASSWORD });
    for agent in ["curl/8.5.0", "python-requests/2.32", "Mozilla/5.0", ""] {
        let request = post("/auth/login").json(&body);
        let reply = request.header("User-Agent", agent).send(server.address);
        assert_eq!(reply.status, 200, "{agent}");
    }
}

/// What a header says of a page is worth what a browser makes of it: a program is let in by the password alone.
#[test]
fn a_program_that_claims_to_be_a_listed_page_gets_no_more_than_without() {
    let server = start();
    let wrong = json!({ "username": "ada", "password": "wrong pony", "delivery": "cookie" });
    let claimed = |request: crate::support::Request| {
        let request = request.header("Origin", PAGE);
        let request = request.header("Sec-Fetch-Site", "same-origin");
        request.header("Referer", PAGE).send(server.address)
    };
    let refused = claimed(post("/auth/login").json(&wrong));
    refused.is(401, "invalid_credentials");
    assert_eq!(refused.header("set-cookie"), None);
    claimed(post("/auth/refresh").json(&json!({}))).is(401, "no_session");
    claimed(get("/auth/me")).is(401, "invalid_token");
    claimed(get("/admin/v1/users")).is(401, "invalid_token");
}
