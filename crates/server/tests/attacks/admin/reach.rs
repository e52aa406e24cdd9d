//! Reaching for what is somebody else's: ids, cursors, states that nobody saw.

use relatch_core::key::to_hex;
use serde_json::{Value, json};

use super::{holder, look, orders, put, user_id, with};
use crate::support::{Reply, Server, at_once, get, request};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// What an answer tells, but for what differs from request to request.
fn told(reply: &Reply) -> (u16, String) {
    let id = reply.string("request_id");
    (reply.status, reply.text().replace(&id, ""))
}

#[test]
fn whoever_may_do_nothing_learns_not_even_what_is_there() {
    let server = Server::start(&[]);
    let root = holder(&server, "root", &["relatch:*"]);
    let eve = holder(&server, "eve", &["notes:*"]);
    let (theirs, before) = (user_id(&server, &root), server.folder.content());
    let ours = orders(&theirs, &root.session);
    for ((method, path, body), (_, nowhere, _)) in ours.into_iter().zip(orders(NOBODY, NOBODY)) {
        let [there, nothing] = [path, nowhere].map(|path| {
            let reply = with(&eve, request(method, &path), &body).send(server.address);
            reply.is(404, "not_found");
            told(&reply)
        });
        assert_eq!(there, nothing);
    }
    for path in ["users", "roles", "sessions", "keys"] {
        look(&server, &eve, &format!("/admin/v1/{path}")).is(404, "not_found");
    }
    for path in [
        format!("users/{theirs}"),
        format!("users/{theirs}/roles"),
        format!("users/{theirs}/sessions"),
        format!("sessions/{}", root.session),
        "roles/root".to_owned(),
    ] {
        look(&server, &eve, &format!("/admin/v1/{path}")).is(404, "not_found");
    }
    assert_eq!(server.folder.content(), before, "something was written");
}

#[test]
fn no_list_and_no_story_tells_a_secret() {
    let server = Server::start(&[]);
    let root = holder(&server, "root", &["relatch:*"]);
    let root = server.turn(&root);
    let mine = user_id(&server, &root);
    let secret = to_hex(&server.folder.session_secret(id_bytes(&root.session)));
    let hash: String = server
        .folder
        .open_database()
        .query_row("SELECT password_hash FROM user", [], |row| row.get(0))
        .unwrap();
    for path in [
        "users".to_owned(),
        "sessions?ended=true".to_owned(),
        "keys".to_owned(),
        format!("users/{mine}"),
        format!("users/{mine}/sessions"),
        format!("sessions/{}", root.session),
    ] {
        let text = look(&server, &root, &format!("/admin/v1/{path}")).text();
        assert!(!text.contains(&hash) && !text.contains(&secret), "{path}");
        for word in ["secret", "hash", "sealed", "relatch_rt_"] {
            assert!(!text.contains(word), "{path}: {text}");
        }
    }
}

fn id_bytes(id: &str) -> [u8; 16] {
    let digits: Vec<u8> = id.bytes().filter(|byte| *byte != b'-').collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let bytes: Vec<u8> = digits.chunks(2).map(byte).collect();
    bytes.try_into().unwrap()
}

#[test]
fn no_cursor_is_good_but_the_one_that_was_given() {
    let server = Server::start(&[]);
    let root = holder(&server, "root", &["relatch:*"]);
    for name in ["ada", "bob", "carl"] {
        server.register(name);
    }
    let cursor = look(&server, &root, "/admin/v1/users?limit=1").string("next");
    let is_refused = |query: String| {
        let reply = look(&server, &root, &format!("/admin/v1/{query}"));
        assert_eq!(reply.faults(), ["cursor: invalid_format"], "{query}");
    };
    for place in 0..cursor.len() {
        let mut bent = cursor.clone().into_bytes();
        bent[place] = if bent[place] == b'A' { b'Q' } else { b'A' };
        is_refused(format!("users?cursor={}", String::from_utf8(bent).unwrap()));
        is_refused(format!("users?cursor={}", &cursor[..place]));
    }
    is_refused(format!("users?search=a&cursor={cursor}"));
    is_refused(format!("sessions?cursor={cursor}"));
    is_refused(format!(
        "users/{}/sessions?cursor={cursor}",
        user_id(&server, &root)
    ));
    is_refused(format!("users?cursor={cursor}{cursor}"));
    let next = look(
        &server,
        &root,
        &format!("/admin/v1/users?limit=1&cursor={cursor}"),
    );
    assert_eq!(next.json()["users"][0]["username"], "bob");
    // Another server's keys are others.
    let other = Server::start(&[]);
    let theirs = holder(&other, "root", &["relatch:*"]);
    let reply = get(&format!("/admin/v1/users?cursor={cursor}"))
        .bearer(&theirs.access)
        .send(other.address);
    assert_eq!(reply.faults(), ["cursor: invalid_format"]);
}

#[test]
fn of_many_changes_of_one_state_one_is_carried_out() {
    let server = Server::start(&[]);
    let root = holder(&server, "root", &["relatch:*"]);
    let path = format!(
        "/admin/v1/users/{}/roles",
        user_id(&server, &server.register("ada"))
    );
    for number in 0..8 {
        let body = json!({ "permissions": [] });
        put(&server, &root, &format!("/admin/v1/roles/r{number}"), &body);
    }
    let seen = look(&server, &root, &path);
    let tag = seen.header("etag").unwrap();
    let replies = at_once(8, |number| {
        let body = json!({ "roles": [format!("r{number}")] });
        with(&root, request("PUT", &path), &body)
            .header("If-Match", tag)
            .send(server.address)
    });
    let done: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert_eq!(done.len(), 1);
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        reply.is(412, "changed_meanwhile");
    }
    let now: Value = look(&server, &root, &path).json();
    assert_eq!(now["roles"], done[0].json()["roles"]);
}
