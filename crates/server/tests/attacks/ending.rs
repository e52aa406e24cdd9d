//! Ending sessions: one's own, all of them, nobody else's; and sessions that end by themselves.

use serde_json::Value;

use crate::support::{
    Reply, Server, Tokens, account::PASSWORD, delete, get, pause, post, refresh_token,
};

const NEW: &str = "another horse, another staple";

fn sessions(server: &Server, access: &str) -> Vec<Value> {
    let reply = get("/auth/sessions").bearer(access).send(server.address);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["sessions"].as_array().unwrap().clone()
}

fn end(server: &Server, access: &str, what: &str) -> Reply {
    delete(&format!("/auth/sessions{what}"))
        .bearer(access)
        .send(server.address)
}

#[test]
fn a_token_of_before_the_logout_is_told_that_it_was_a_logout() {
    let server = Server::start(&[]);
    let tokens = server.register("ada");
    for _ in 0..2 {
        let reply = server.log_out(&tokens.refresh);
        assert_eq!(
            (reply.status, reply.string("session_id")),
            (200, tokens.session.clone())
        );
        assert_eq!(reply.json()["ended"], true);
    }
    server.refresh(&tokens.refresh).is_over("logout");
    server.me(&tokens.access).is_over("logout");
    server
        .reauthenticate(&tokens.access, PASSWORD)
        .is_over("logout");
    get("/auth/sessions")
        .bearer(&tokens.access)
        .send(server.address)
        .is_over("logout");
    end(&server, &tokens.access, "?keep=none").is_over("logout");
}

#[test]
fn a_spent_token_still_logs_out_and_is_no_reuse() {
    let server = Server::start(&[("session.retry_window", "0s")]);
    let first = server.register("ada");
    let newest = server.turn(&server.turn(&first));
    assert_eq!(server.log_out(&first.refresh).status, 200);
    server.refresh(&newest.refresh).is_over("logout");
    let later = end(&server, &newest.access, "");
    later.is_over("logout");
}

#[test]
fn a_forged_token_logs_nobody_out() {
    let server = Server::start(&[]);
    let tokens = server.register("ada");
    for place in 0..54 {
        let mut bytes = refresh_token::decode(&tokens.refresh);
        bytes[place] ^= 0x10;
        server
            .log_out(&refresh_token::encode(&bytes))
            .is(401, "invalid_token");
    }
    server.log_out(&tokens.access).is(401, "invalid_token");
    post("/auth/logout")
        .send(server.address)
        .is(400, "invalid_request");
    server.turn(&tokens);
}

#[test]
fn logging_out_everywhere_leaves_no_session_alive() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    let other = server.register("bob");
    let laptop = Tokens::of(&server.log_in("ada", PASSWORD));
    let reply = end(&server, &phone.access, "?keep=none");
    assert_eq!(
        (reply.status, reply.json()["ended"].as_u64()),
        (200, Some(2))
    );
    server.refresh(&phone.refresh).is_over("logout_everywhere");
    server.refresh(&laptop.refresh).is_over("logout_everywhere");
    server.me(&laptop.access).is_over("logout_everywhere");
    server.turn(&other);
}

#[test]
fn ending_the_others_keeps_the_caller() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    let laptop = Tokens::of(&server.log_in("ada", PASSWORD));
    let reply = end(&server, &phone.access, "");
    assert_eq!(
        (reply.status, reply.json()["ended"].as_u64()),
        (200, Some(1))
    );
    server.refresh(&laptop.refresh).is_over("logout_everywhere");
    server.turn(&phone);
    for query in ["?keep=all", "?keep=none&keep=current", "?keep", "?other=1"] {
        let reply = end(&server, &phone.access, query);
        assert_eq!(reply.faults(), ["keep: invalid_format"], "{query}");
    }
    assert_eq!(server.me(&phone.access).status, 200);
}

#[test]
fn somebody_elses_session_is_not_there_and_stays_unharmed() {
    let server = Server::start(&[]);
    let (ada, bob) = (server.register("ada"), server.register("bob"));
    end(&server, &ada.access, &format!("/{}", bob.session)).is(404, "not_found");
    let unknown = "/00000000-0000-4000-8000-000000000000";
    let (theirs, nobodys) = (
        end(&server, &ada.access, &format!("/{}", bob.session)),
        end(&server, &ada.access, unknown),
    );
    assert_eq!(
        without_id(&theirs),
        without_id(&nobodys),
        "nobody can tell which"
    );
    server.turn(&bob);
    let listed = sessions(&server, &ada.access);
    assert_eq!(
        (listed.len(), &listed[0]["id"]),
        (1, &Value::from(ada.session.clone()))
    );
}

fn without_id(reply: &Reply) -> Value {
    let mut json = reply.json();
    json["request_id"] = Value::Null;
    json
}

#[test]
fn a_device_that_was_lost_is_ended_from_another() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    let laptop = Tokens::of(&server.log_in("ada", PASSWORD));
    let one = format!("/{}", phone.session);
    assert_eq!(end(&server, &laptop.access, &one).status, 200);
    end(&server, &laptop.access, &one).is(404, "not_found");
    server.refresh(&phone.refresh).is_over("ended_by_user");
    server.me(&phone.access).is_over("ended_by_user");
    assert_eq!(sessions(&server, &laptop.access).len(), 1);
}

#[test]
fn a_stolen_access_token_of_an_old_login_ends_no_session() {
    let server = Server::start(&[("session.reauth_within", "1s")]);
    let ada = server.register("ada");
    let laptop = Tokens::of(&server.log_in("ada", PASSWORD));
    pause(2_100);
    let refreshed = server.turn(&ada);
    for access in [&ada.access, &refreshed.access] {
        for what in ["", "?keep=none", &format!("/{}", laptop.session)] {
            let reply = end(&server, access, what);
            reply.is(401, "reauthentication_required");
            let challenge = reply.header("www-authenticate").unwrap();
            assert!(
                challenge.contains("insufficient_user_authentication"),
                "{challenge}"
            );
        }
    }
    server.turn(&laptop);
    server
        .reauthenticate(&refreshed.access, "a wrong password")
        .is(401, "invalid_credentials");
    let again = server.reauthenticate(&refreshed.access, PASSWORD);
    assert_eq!(
        (again.status, again.string("session_id")),
        (200, ada.session)
    );
    assert_eq!(again.json().get("refresh_token"), None);
    assert_eq!(end(&server, &again.string("access_token"), "").status, 200);
}

#[test]
fn a_password_change_throws_everybody_else_out() {
    let server = Server::start(&[]);
    let caller = server.register("ada");
    let thief = Tokens::of(&server.log_in("ada", PASSWORD));
    server
        .change_password(&caller.access, "a wrong password", NEW)
        .is(401, "invalid_credentials");
    let fresh = Tokens::of(&server.change_password(&caller.access, PASSWORD, NEW));
    assert_ne!(fresh.session, caller.session);
    for old in [&thief, &caller] {
        server.refresh(&old.refresh).is_over("password_changed");
        server.me(&old.access).is_over("password_changed");
    }
    server
        .log_in("ada", PASSWORD)
        .is(401, "invalid_credentials");
    assert_eq!(server.log_in("ada", NEW).status, 200);
    assert_eq!(server.me(&fresh.access).status, 200);
    server.turn(&fresh);
}

#[test]
fn one_login_too_many_ends_the_longest_unused() {
    let server = Server::start(&[("session.max_per_user", "3")]);
    let mut first = server.register("ada");
    pause(5);
    let second = Tokens::of(&server.log_in("ada", PASSWORD));
    pause(5);
    let third = Tokens::of(&server.log_in("ada", PASSWORD));
    pause(5);
    first = server.turn(&first);
    let fourth = Tokens::of(&server.log_in("ada", PASSWORD));
    server.refresh(&second.refresh).is_over("session_limit");
    for tokens in [&first, &third, &fourth] {
        server.turn(tokens);
    }
    assert_eq!(sessions(&server, &fourth.access).len(), 3);
}

#[test]
fn a_flood_of_logins_at_once_stays_within_the_limit_of_sessions() {
    let server = Server::start(&[("session.max_per_user", "3"), ("password.queue", "100")]);
    server.register("ada");
    let replies = crate::support::at_once(24, |_| server.log_in("ada", PASSWORD));
    let all: Vec<_> = replies.iter().map(Tokens::of).collect();
    let live = all
        .iter()
        .filter(|tokens| server.me(&tokens.access).status == 200);
    assert_eq!(live.count(), 3);
}

#[test]
fn a_token_that_was_stolen_and_kept_ends_by_idleness() {
    let server = Server::start(&[
        ("session.access_lifetime", "1s"),
        ("session.idle_lifetime", "1s"),
        ("session.remember_idle_lifetime", "1h"),
    ]);
    let kept = server.register("ada");
    let body = serde_json::json!({ "username": "ada", "password": PASSWORD, "remember_me": true });
    let remembered = post("/auth/login").json(&body).send(server.address);
    assert_eq!(remembered.json()["refresh_expires_in"], 3_600);
    pause(1_150);
    server.refresh(&kept.refresh).is_over("idle");
    server.refresh(&kept.refresh).is_over("idle");
    server.me(&kept.access).is(401, "invalid_token");
    server.turn(&Tokens::of(&remembered));
}

#[test]
fn nobody_refreshes_past_the_absolute_end() {
    let server = Server::start(&[
        ("session.access_lifetime", "3s"),
        ("session.idle_lifetime", "3s"),
        ("session.absolute_lifetime", "3s"),
    ]);
    let mut tokens = server.register("ada");
    let end = claim(&tokens.access, "exp");
    for _ in 0..3 {
        pause(600);
        let reply = server.refresh(&tokens.refresh);
        tokens = Tokens::of(&reply);
        assert!(
            claim(&tokens.access, "exp") <= end,
            "no access token outlives the session"
        );
        assert!(reply.json()["refresh_expires_in"].as_i64().unwrap() <= 3);
    }
    pause(1_250);
    server.refresh(&tokens.refresh).is_over("expired");
    server.me(&tokens.access).is(401, "invalid_token");
    assert_eq!(server.log_out(&tokens.refresh).status, 200);
}

fn claim(access: &str, name: &str) -> i64 {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = URL_SAFE_NO_PAD
        .decode(access.split('.').nth(1).unwrap())
        .unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    claims[name].as_i64().unwrap()
}
