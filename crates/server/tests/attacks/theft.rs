//! Stolen refresh tokens, and what looks like theft and is none: many tabs, lost answers.

use std::collections::BTreeSet;

use crate::support::{
    Server, Tokens, at_once, get, pause, post,
    refresh_token::{self, encode, generation},
};

const WINDOW: (&str, &str) = ("session.retry_window", "400ms");
const PAST_THE_WINDOW: u64 = 500;

#[test]
fn sixty_four_requests_at_once_with_one_token_do_not_fork_the_session() {
    let server = Server::start(&[("session.retry_window", "30s")]);
    let first = server.register("ada");
    let replies = at_once(64, |_| server.refresh(&first.refresh));
    let successors: BTreeSet<_> = replies
        .iter()
        .map(|reply| Tokens::of(reply).refresh)
        .collect();
    assert_eq!(successors.len(), 1, "one and the same successor");
    let successor = successors.first().unwrap();
    assert_eq!(
        refresh_token::session(successor),
        refresh_token::session(&first.refresh)
    );
    assert_eq!(generation(successor), generation(&first.refresh) + 1);
    let next = Tokens::of(&server.refresh(successor));
    assert_eq!(generation(&next.refresh), 2, "the session lives");
    assert_eq!(server.me(&next.access).status, 200);
}

#[test]
fn sixty_four_threads_that_each_follow_what_they_get_stay_one_chain() {
    let server = Server::start(&[("session.retry_window", "30s")]);
    let first = server.register("ada");
    let mut newest = first.refresh;
    for round in 1..=5 {
        let replies = at_once(16, |_| server.refresh(&newest));
        let successors: BTreeSet<_> = replies
            .iter()
            .map(|reply| Tokens::of(reply).refresh)
            .collect();
        assert_eq!(successors.len(), 1);
        newest.clone_from(successors.first().unwrap());
        assert_eq!(generation(&newest), round);
    }
    assert_eq!(server.folder.rows()["session"], 1);
}

#[test]
fn a_stolen_token_used_after_the_window_ends_the_session() {
    let server = Server::start(&[WINDOW]);
    let stolen = server.register("ada");
    let owner = server.turn(&stolen);
    pause(PAST_THE_WINDOW);
    server.refresh(&stolen.refresh).is_over("reuse");
    server.refresh(&owner.refresh).is_over("reuse");
    server.me(&owner.access).is_over("reuse");
    server
        .change_password(&owner.access, "whatever it is", "something else")
        .is_over("reuse");
}

#[test]
fn a_thief_who_was_first_loses_the_session_when_the_owner_comes() {
    let server = Server::start(&[WINDOW]);
    let owner = server.register("ada");
    let thief = server.turn(&owner);
    let thief = server.turn(&thief);
    server.refresh(&owner.refresh).is_over("reuse");
    server.refresh(&thief.refresh).is_over("reuse");
    server.me(&thief.access).is_over("reuse");
}

#[test]
fn garbage_learns_nothing_of_an_ended_session() {
    let server = Server::start(&[WINDOW]);
    let stolen = server.register("ada");
    server.turn(&stolen);
    pause(PAST_THE_WINDOW);
    server.refresh(&stolen.refresh).is_over("reuse");
    let mut bytes = refresh_token::decode(&stolen.refresh);
    bytes[40] ^= 1;
    for garbage in [encode(&bytes), "relatch_rt_x".to_owned(), "x".to_owned()] {
        let reply = server.refresh(&garbage);
        reply.is(401, "invalid_token");
        let json = reply.json();
        assert!(json.get("reason").is_none() && json.get("ended_at").is_none());
    }
}

#[test]
fn by_choice_reuse_ends_every_session_of_the_user_and_of_nobody_else() {
    let server = Server::start(&[WINDOW, ("session.on_reuse", "user")]);
    let (stolen, other) = (server.register("ada"), server.register("bob"));
    let laptop = Tokens::of(&server.log_in("ada", crate::support::account::PASSWORD));
    server.turn(&stolen);
    pause(PAST_THE_WINDOW);
    server.refresh(&stolen.refresh).is_over("reuse");
    server.refresh(&laptop.refresh).is_over("reuse");
    server.me(&laptop.access).is_over("reuse");
    server.turn(&other);
}

#[test]
fn reuse_ends_that_session_alone_by_default() {
    let server = Server::start(&[WINDOW]);
    let stolen = server.register("ada");
    let laptop = Tokens::of(&server.log_in("ada", crate::support::account::PASSWORD));
    server.turn(&stolen);
    pause(PAST_THE_WINDOW);
    server.refresh(&stolen.refresh).is_over("reuse");
    server.turn(&laptop);
}

#[test]
fn a_lost_answer_is_given_again_and_the_chain_goes_on() {
    let server = Server::start(&[("session.retry_window", "30s")]);
    let mut tokens = server.register("ada");
    for lost in 0..20 {
        for _ in 0..lost % 3 {
            server.refresh(&tokens.refresh);
        }
        let again = server.turn(&tokens);
        assert_eq!(generation(&again.refresh), lost + 1);
        tokens = again;
    }
    assert_eq!(server.folder.rows()["session"], 1);
}

#[test]
fn an_answer_that_was_never_read_is_given_again() {
    let server = Server::start(&[("session.retry_window", "30s")]);
    let first = server.register("ada");
    for _ in 0..10 {
        let mut connection = crate::support::Connection::open(server.address);
        connection.send(&post("/auth/refresh").bearer(&first.refresh).bytes());
    }
    let second = server.turn(&first);
    assert_eq!(generation(&second.refresh), 1);
    server.turn(&second);
}

#[test]
fn without_a_window_every_spent_token_is_reuse() {
    let server = Server::start(&[("session.retry_window", "0s")]);
    let first = server.register("ada");
    let second = server.turn(&first);
    server.refresh(&first.refresh).is_over("reuse");
    server.refresh(&second.refresh).is_over("reuse");
}

#[test]
fn a_retry_inside_the_window_does_not_make_the_window_longer() {
    let server = Server::start(&[("session.retry_window", "800ms")]);
    let first = server.register("ada");
    server.turn(&first);
    pause(300);
    server.turn(&first);
    pause(600);
    server.refresh(&first.refresh).is_over("reuse");
}

#[test]
fn a_database_that_forgot_rotations_logs_nobody_out() {
    let server = Server::start(&[]);
    let mut tokens = server.register("ada");
    for _ in 0..5 {
        tokens = server.turn(&tokens);
    }
    let folder = server.crash();
    let forget = "UPDATE session SET generation = 2";
    folder.open_database().execute(forget, []).unwrap();
    let server = folder.start(&[]);
    let next = server.turn(&tokens);
    assert_eq!(generation(&next.refresh), 6);
    assert_eq!(
        server.turn(&tokens).refresh,
        next.refresh,
        "and its retry is the same"
    );
}

#[test]
fn a_thousand_refreshes_leave_as_many_rows_as_before() {
    let server = Server::start(&[]);
    let mut tokens = server.register("ada");
    let before = server.folder.rows();
    let mut connection = crate::support::Connection::open(server.address);
    for _ in 0..1_000 {
        connection.send(&post("/auth/refresh").bearer(&tokens.refresh).bytes());
        tokens = Tokens::of(&connection.read().unwrap());
    }
    assert_eq!(generation(&tokens.refresh), 1_000);
    assert_eq!(server.folder.rows(), before);
    let reply = get("/auth/sessions")
        .bearer(&tokens.access)
        .send(server.address);
    assert_eq!(reply.json()["sessions"].as_array().unwrap().len(), 1);
}

#[test]
fn reuse_is_on_record_with_address_and_device() {
    let server = Server::start(&[WINDOW]);
    let stolen = server.register("ada");
    server.turn(&stolen);
    pause(PAST_THE_WINDOW);
    let thief = post("/auth/refresh")
        .bearer(&stolen.refresh)
        .header("User-Agent", "Thief/1.0");
    thief.send(server.address).is_over("reuse");
    let database = server.folder.open_database();
    let sql = "SELECT address, agent FROM event WHERE name LIKE '%reuse%' OR detail LIKE '%reuse%'";
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let found: Vec<(String, String)> = rows.unwrap().map(Result::unwrap).collect();
    assert!(
        found.contains(&("127.0.0.1".to_owned(), "Thief/1.0".to_owned())),
        "{found:?}"
    );
}
