//! Requests that overtake each other: whoever verified something must still be right when it is committed.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use crate::support::{
    Folder, Reply, Server, Tokens,
    account::{PASSWORD, registration},
    at_once, delete, pause, post,
};

const NEW: &str = "another horse, another staple";

/// Hashing that takes long enough to be overtaken; one thread, so that logins wait behind each other.
const SLOW: [(&str, &str); 5] = [
    ("password.memory", "8MiB"),
    ("password.passes", "3"),
    ("password.threads", "1"),
    ("password.queue", "200"),
    ("session.max_per_user", "500"),
];

/// Logs in with the old password from eight threads while the password changes. Gives the answer to the change, and what
/// the logins got.
fn change_under_fire(server: &Server, name: &str, caller: &Tokens) -> (Reply, Vec<Reply>) {
    let over = AtomicBool::new(false);
    let mut outcomes = at_once(9, |number| {
        if number == 0 {
            pause(60);
            let changed = server.change_password(&caller.access, PASSWORD, NEW);
            over.store(true, Ordering::Relaxed);
            return vec![changed];
        }
        let mut replies = Vec::new();
        while !over.load(Ordering::Relaxed) && replies.len() < 50 {
            replies.push(server.log_in(name, PASSWORD));
        }
        replies
    });
    let changed = outcomes.remove(0).remove(0);
    (changed, outcomes.into_iter().flatten().collect())
}

/// Nobody who used the old password has a session any more, and only the new one opens another. Gives how many were
/// refused.
fn nobody_is_left(server: &Server, name: &str, logins: &[Reply]) -> usize {
    let (opened, refused): (Vec<_>, Vec<_>) = logins.iter().partition(|login| login.status == 200);
    for login in &opened {
        server
            .refresh(&Tokens::of(login).refresh)
            .is_over("password_changed");
    }
    for login in &refused {
        login.is(401, "invalid_credentials");
    }
    server.log_in(name, PASSWORD).is(401, "invalid_credentials");
    assert_eq!(server.log_in(name, NEW).status, 200);
    refused.len()
}

const NAMES: [&str; 3] = ["ada", "bob", "cleo"];

#[test]
fn a_login_with_the_old_password_does_not_survive_its_change() {
    let server = Server::start(&SLOW);
    let mut raced = 0;
    for name in NAMES {
        let caller = server.register(name);
        let (changed, logins) = change_under_fire(&server, name, &caller);
        let fresh = Tokens::of(&changed);
        raced += nobody_is_left(&server, name, &logins);
        server.turn(&fresh);
    }
    assert!(raced >= 3, "only {raced} logins met a change");
}

/// Hashing that takes a while, for many at once.
const OLD_COST: [(&str, &str); 3] = [
    ("password.memory", "8MiB"),
    ("password.passes", "8"),
    ("password.threads", "20"),
];

/// A quarter of that: a login verifies slowly and hashes anew, so that it ends later than a change that began before it.
const NEW_COST: [(&str, &str); 4] = [
    ("password.memory", "8MiB"),
    ("password.passes", "2"),
    ("password.threads", "20"),
    ("session.max_per_user", "500"),
];

#[test]
fn a_rehash_does_not_bring_the_old_password_back() {
    let server = Server::start(&OLD_COST);
    let callers = NAMES.map(|name| server.register(name));
    let server = server.stop().start(&NEW_COST);
    let mut raced = 0;
    for (name, caller) in NAMES.iter().zip(&callers) {
        let (changed, logins) = change_amid_rehashes(&server, name, caller);
        let fresh = Tokens::of(&changed);
        raced += nobody_is_left(&server, name, &logins);
        server.turn(&fresh);
    }
    assert!(raced >= 3, "only {raced} logins met a change");
}

/// Changes the password, and logs in with the old one at moments spread over the time that the change takes: each login
/// has read the old hash, and hashes it anew while the change is committed.
fn change_amid_rehashes(server: &Server, name: &str, caller: &Tokens) -> (Reply, Vec<Reply>) {
    let begin = Instant::now();
    server
        .log_in(name, "a wrong password")
        .is(401, "invalid_credentials");
    let verifying = begin.elapsed();
    let mut outcomes = at_once(13, |number| {
        if number == 0 {
            return server.change_password(&caller.access, PASSWORD, NEW);
        }
        std::thread::sleep(verifying * u32::try_from(number).unwrap() / 6);
        server.log_in(name, PASSWORD)
    });
    (outcomes.remove(0), outcomes)
}

#[test]
fn an_honest_login_at_another_cost_is_hashed_anew() {
    let server = Server::start(&[]);
    server.register("ada");
    let before = hashes(&server.folder);
    let server = server.stop().start(&[("password.memory", "128KiB")]);
    server
        .log_in("ada", "a wrong password")
        .is(401, "invalid_credentials");
    assert_eq!(hashes(&server.folder), before);
    assert_eq!(server.log_in("ada", PASSWORD).status, 200);
    assert!(hashes(&server.folder)[0].contains("m=128,t=1"));
    assert_eq!(server.log_in("ada", PASSWORD).status, 200);
}

fn hashes(folder: &Folder) -> Vec<String> {
    let database = folder.open_database();
    let mut statement = database.prepare("SELECT password_hash FROM user").unwrap();
    let hashes = statement.query_map([], |row| row.get(0)).unwrap();
    hashes.map(Result::unwrap).collect()
}

#[test]
fn of_many_password_changes_at_once_one_wins_and_the_rest_change_nothing() {
    let server = Server::start(&SLOW);
    let caller = server.register("ada");
    let replies = at_once(6, |number| {
        server.change_password(
            &caller.access,
            PASSWORD,
            &format!("the new password {number}"),
        )
    });
    let (won, lost): (Vec<_>, Vec<_>) = (0..)
        .zip(&replies)
        .partition(|(_, reply)| reply.status == 200);
    assert_eq!(won.len(), 1);
    for (_, reply) in lost {
        assert_eq!(reply.status, 401, "{}", reply.text());
    }
    for number in 0..6 {
        let login = server.log_in("ada", &format!("the new password {number}"));
        assert_eq!(login.status == 200, number == won[0].0, "{number}");
    }
}

#[test]
fn a_password_change_of_a_session_that_was_ended_meanwhile_is_refused() {
    let server = Server::start(&SLOW);
    let thief = server.register("ada");
    let owner = Tokens::of(&server.log_in("ada", PASSWORD));
    let replies = at_once(2, |number| {
        if number == 0 {
            return server.change_password(&thief.access, PASSWORD, NEW);
        }
        pause(15);
        delete("/auth/sessions")
            .bearer(&owner.access)
            .send(server.address)
    });
    // Whichever came first: the thief's session is over, and a refused change changed nothing.
    let changed = replies[0].status == 200;
    // A change that came first ended the owner's session, too.
    let ended = replies[1].status == 200;
    assert!(ended || changed, "{}", replies[1].text());
    assert_eq!(server.log_in("ada", NEW).status == 200, changed);
    assert_eq!(server.log_in("ada", PASSWORD).status == 200, !changed);
    assert_eq!(server.refresh(&thief.refresh).status, 401);
}

#[test]
fn one_name_is_registered_once_however_many_ask_at_once() {
    let server = Server::start(&[("password.queue", "100")]);
    let names = ["ada", "Ada", "ADA", "aDa"];
    let replies = at_once(24, |number| {
        post("/auth/register")
            .json(&registration(names[number % 4]))
            .send(server.address)
    });
    let registered = replies.iter().filter(|reply| reply.status == 201).count();
    let taken = replies
        .iter()
        .filter(|reply| reply.outcome() == (409, "username_taken".to_owned()));
    assert_eq!((registered, taken.count()), (1, 23));
    assert_eq!(
        (
            server.folder.rows()["user"],
            server.folder.rows()["session"]
        ),
        (1, 1)
    );
}

#[test]
fn a_refresh_that_races_a_logout_leaves_no_live_session() {
    let server = Server::start(&[("session.retry_window", "30s")]);
    for round in 0..10 {
        let tokens = server.register(&format!("ada{round}"));
        let replies = at_once(8, |number| match number {
            7 => server.log_out(&tokens.refresh),
            _ => server.refresh(&tokens.refresh),
        });
        assert_eq!(replies[7].status, 200);
        for reply in &replies[..7] {
            match reply.status {
                200 => server.refresh(&Tokens::of(reply).refresh).is_over("logout"),
                _ => reply.is_over("logout"),
            }
        }
    }
}

#[test]
fn a_password_proved_again_opens_nothing_once_the_session_has_ended() {
    let server = Server::start(&SLOW);
    let tokens = server.register("ada");
    let replies = at_once(2, |number| {
        if number == 0 {
            return server.reauthenticate(&tokens.access, PASSWORD);
        }
        pause(5);
        server.log_out(&tokens.refresh)
    });
    assert_eq!(replies[1].status, 200);
    // The proof may have come first; then its token must be as dead as the session.
    if replies[0].status == 200 {
        server
            .me(&replies[0].string("access_token"))
            .is_over("logout");
    }
}
