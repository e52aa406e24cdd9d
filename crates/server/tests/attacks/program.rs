//! Programs that say what they are, and programs that say they are a page.

use serde_json::json;

use crate::support::{Request, Server, account::PASSWORD, get, post};

const PAGE: &str = "https://app.example.com";

fn start() -> Server {
    let server = Server::start(&[("browser.origins", PAGE)]);
    server.register("ada");
    server
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
    let claimed = |request: Request| {
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
