//! Somebody with some rights wants more.

use serde_json::{Value, json};

use super::{delete, holder, log_in_for, look, order, orders, patch, put, user_id, with};
use crate::support::{Server, Tokens, account::PASSWORD, request};

const GRANTER: [&str; 1] = ["relatch:grant"];
const HELPDESK: [&str; 3] = ["relatch:read", "relatch:users", "relatch:sessions"];

#[test]
fn nobody_gives_himself_or_a_friend_what_he_does_not_hold() {
    let server = Server::start(&[]);
    holder(&server, "root", &["relatch:*"]);
    let (gil, eve) = (holder(&server, "gil", &GRANTER), server.register("eve"));
    holder(&server, "hal", &HELPDESK);
    let (mine, friend) = (user_id(&server, &gil), user_id(&server, &eve));
    let before = server.folder.content();
    for user in [&mine, &friend] {
        let path = format!("/admin/v1/users/{user}/roles");
        for role in ["root", "hal"] {
            let body = json!({ "roles": ["gil", role] });
            put(&server, &gil, &path, &body).is(403, "beyond_own_rights");
        }
    }
    for role in ["gil", "eve", "root"] {
        for more in ["relatch:keys", "relatch:users", "relatch:read"] {
            let body = json!({ "permissions": ["relatch:grant", more] });
            let path = format!("/admin/v1/roles/{role}");
            put(&server, &gil, &path, &body).is(403, "beyond_own_rights");
        }
    }
    for role in ["gil", "eve"] {
        let body = json!({ "permissions": ["relatch:*"] });
        let path = format!("/admin/v1/roles/{role}");
        put(&server, &gil, &path, &body).is(403, "beyond_own_rights");
    }
    delete(&server, &gil, "/admin/v1/roles/root").is(403, "beyond_own_rights");
    assert_eq!(server.folder.content(), before, "something was written");
}

#[test]
fn nobody_acts_on_an_account_that_may_do_more() {
    let server = Server::start(&[]);
    let root = holder(&server, "root", &["relatch:*"]);
    let high = [
        root,
        holder(&server, "gil", &GRANTER),
        holder(&server, "kay", &["relatch:keys"]),
    ];
    let hal = holder(&server, "hal", &[&HELPDESK[..], &["notes:*"]].concat());
    let before = server.folder.content();
    for tokens in &high {
        for (method, path, body) in orders(&user_id(&server, tokens), &tokens.session) {
            let reply = with(&hal, request(method, &path), &body).send(server.address);
            let code = if path.ends_with("/roles") {
                "permission_required"
            } else {
                "beyond_own_rights"
            };
            reply.is(403, code);
        }
    }
    assert_eq!(server.folder.content(), before, "something was written");
    for tokens in &high {
        server.turn(tokens);
    }
}

#[test]
fn a_right_that_was_taken_is_gone_whatever_the_token_says() {
    let server = Server::start(&[]);
    holder(&server, "root", &["relatch:*"]);
    let hal = server.turn(&holder(&server, "hal", &HELPDESK));
    let eve = server.register("eve");
    let path = format!("/admin/v1/users/{}", user_id(&server, &eve));
    let disabled = json!({ "state": "disabled" });
    assert_eq!(look(&server, &hal, &path).status, 200);
    server.folder.ask(&["role", "put", "hal", "relatch:read"]);
    patch(&server, &hal, &path, &disabled).is(403, "permission_required");
    server.folder.ask(&["user", "roles", "hal", "--set", ""]);
    look(&server, &hal, &path).is(404, "not_found");
    patch(&server, &hal, &path, &disabled).is(404, "not_found");
    server.turn(&eve);
}

#[test]
fn a_session_that_asked_for_less_gets_no_more_from_its_user() {
    let server = Server::start(&[]);
    holder(&server, "root", &["relatch:*"]);
    let nothing = log_in_for(&server, "root", "notes:read");
    look(&server, &nothing, "/admin/v1/users").is(404, "not_found");
    let reader = log_in_for(&server, "root", "relatch:read");
    let mine = user_id(&server, &reader);
    for (method, path, body) in orders(&mine, &reader.session) {
        let reply = with(&reader, request(method, &path), &body).send(server.address);
        reply.is(403, "permission_required");
    }
    // Neither may such a one act on its own user, who may do more.
    let narrow = log_in_for(
        &server,
        "root",
        "relatch:users relatch:grant relatch:sessions",
    );
    for (method, path, body) in orders(&mine, &narrow.session) {
        let reply = with(&narrow, request(method, &path), &body).send(server.address);
        reply.is(403, "beyond_own_rights");
    }
}

#[test]
fn a_stolen_access_token_alone_changes_nothing_for_long() {
    let server = Server::start(&[("session.reauth_within", "1s")]);
    let root = holder(&server, "root", &["relatch:*"]);
    let eve = server.register("eve");
    crate::support::pause(2_100);
    let before = server.folder.content();
    for (method, path, body) in orders(&user_id(&server, &eve), &eve.session) {
        let reply = with(&root, request(method, &path), &body).send(server.address);
        reply.is(401, "reauthentication_required");
    }
    for path in ["/admin/v1/users", "/admin/v1/keys/rotate"] {
        order(&server, &root, path, &json!({})).is(401, "reauthentication_required");
    }
    assert_eq!(server.folder.content(), before, "something was written");
    assert_eq!(look(&server, &root, "/admin/v1/users").status, 200);
    let fresh = Tokens {
        access: server
            .reauthenticate(&root.access, PASSWORD)
            .string("access_token"),
        ..root
    };
    let path = format!("/admin/v1/users/{}", user_id(&server, &eve));
    assert_eq!(delete(&server, &fresh, &path).status, 200);
}

#[test]
fn no_field_that_is_not_told_of_is_taken() {
    let server = Server::start(&[]);
    let root = holder(&server, "root", &["relatch:*"]);
    let user = user_id(&server, &server.register("ada"));
    let of_user = format!("/admin/v1/users/{user}");
    let roles = [
        (
            "POST",
            "/admin/v1/users".to_owned(),
            json!({ "username": "eve", "email": "e@example.com" }),
        ),
        ("PATCH", of_user.clone(), json!({ "state": "disabled" })),
        (
            "PATCH",
            of_user.clone(),
            json!({ "email": "x@example.org" }),
        ),
        ("POST", format!("{of_user}/password-reset"), json!({})),
        ("PUT", format!("{of_user}/roles"), json!({ "roles": [] })),
        (
            "PUT",
            "/admin/v1/roles/new".to_owned(),
            json!({ "permissions": [] }),
        ),
        ("POST", "/admin/v1/keys/rotate".to_owned(), json!({})),
        ("POST", "/admin/v1/keys/1/compromise".to_owned(), json!({})),
    ];
    let before = server.folder.content();
    for (method, path, body) in roles {
        for field in [
            "id",
            "password",
            "password_hash",
            "credential_version",
            "by",
            "version",
        ] {
            let mut body: Value = body.clone();
            body[field] = "1".into();
            let reply = with(&root, request(method, &path), &body).send(server.address);
            assert_eq!(
                reply.faults(),
                [format!("{field}: unknown")],
                "{method} {path}"
            );
        }
    }
    assert_eq!(server.folder.content(), before, "something was written");
}
