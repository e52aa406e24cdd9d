//! Good tokens in places where they do not belong, or two where one is wanted.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::support::{
    Server, Tokens, account::PASSWORD, get, post, protected, refresh_token::generation,
};

#[test]
fn a_token_in_the_query_string_is_never_read() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let tokens = format!(
        "access_token={}&refresh_token={}",
        owner.access, owner.refresh
    );
    get(&format!("/auth/me?{tokens}"))
        .send(server.address)
        .is(401, "invalid_token");
    let reply = post(&format!("/auth/refresh?{tokens}")).send(server.address);
    assert_eq!(reply.faults(), ["refresh_token: missing"]);
    let reply = post(&format!("/auth/logout?{tokens}")).send(server.address);
    assert_eq!(reply.faults(), ["refresh_token: missing"]);
    server.is_unharmed(&owner);
    assert!(
        !server.folder.said().contains(&owner.refresh),
        "and never logged"
    );
}

#[test]
fn a_token_in_a_cookie_is_never_read() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let cookies = format!(
        "__Host-relatch_refresh={0}; relatch_refresh_dev={0}",
        owner.refresh
    );
    let reply = post("/auth/refresh")
        .header("Cookie", &cookies)
        .send(server.address);
    assert_eq!(reply.faults(), ["refresh_token: missing"]);
}

#[test]
fn two_different_tokens_in_one_request_turn_neither() {
    let server = Server::start(&[]);
    let (ada, bob) = (server.register("ada"), server.register("bob"));
    for path in ["/auth/refresh", "/auth/logout"] {
        let body = json!({ "refresh_token": bob.refresh });
        let reply = post(path)
            .bearer(&ada.refresh)
            .json(&body)
            .send(server.address);
        assert_eq!(reply.faults(), ["refresh_token: conflicting"]);
        let form = format!("refresh_token={}", bob.refresh);
        let kind = "application/x-www-form-urlencoded";
        let reply = post(path)
            .bearer(&ada.refresh)
            .body(kind, form)
            .send(server.address);
        assert_eq!(reply.faults(), ["refresh_token: conflicting"]);
        let twice = format!(
            "refresh_token={}&refresh_token={}",
            ada.refresh, bob.refresh
        );
        let reply = post(path).body(kind, twice).send(server.address);
        assert_eq!(reply.faults(), ["refresh_token: duplicate"]);
    }
    server.is_unharmed(&ada);
    server.is_unharmed(&bob);
    let body = json!({ "refresh_token": ada.refresh });
    let same = post("/auth/refresh")
        .bearer(&ada.refresh)
        .json(&body)
        .send(server.address);
    assert_eq!(
        generation(&Tokens::of(&same).refresh),
        1,
        "the same twice is one"
    );
}

#[test]
fn two_authorization_headers_are_refused_even_if_they_agree() {
    let server = Server::start(&[]);
    let (ada, bob) = (server.register("ada"), server.register("bob"));
    for second in [&bob, &ada] {
        for path in ["/auth/refresh", "/auth/logout"] {
            let reply = post(path)
                .bearer(&ada.refresh)
                .bearer(&second.refresh)
                .send(server.address);
            assert_eq!(reply.faults(), ["Authorization: duplicate"]);
        }
        for request in protected() {
            let reply = request
                .bearer(&ada.access)
                .bearer(&second.access)
                .send(server.address);
            assert_eq!(reply.faults(), ["Authorization: duplicate"]);
        }
    }
    server.is_unharmed(&ada);
    server.is_unharmed(&bob);
}

#[test]
fn an_authorization_header_that_is_no_bearer_token_is_named() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let basic = format!(
        "Basic {}",
        URL_SAFE_NO_PAD.encode(format!("ada:{PASSWORD}"))
    );
    let bare = owner.access.clone();
    let both = format!("Bearer{}", owner.access);
    for value in [basic, bare, both, "Bearer".to_owned(), String::new()] {
        let reply = get("/auth/me")
            .header("Authorization", &value)
            .send(server.address);
        assert_eq!(reply.faults(), ["Authorization: malformed"], "{value}");
    }
    let wide = format!("Bearer  {}", owner.access);
    let reply = get("/auth/me")
        .header("Authorization", &wide)
        .send(server.address);
    reply.is(401, "invalid_token");
}
