//! `relatch session explain`, once for every way to end: what the person reads who was asked at night why a user was
//! logged out.

use std::fmt::Write as _;

use insta::assert_snapshot;
use relatch_core::session::{Generation, SessionId, SessionSecret};
use rusqlite::params;
use uuid::Uuid;

use crate::support::{
    Server, Tokens, account::PASSWORD, delete, post, refresh_token::session as id_of,
};

const NEW: &str = "another horse, another staple";

/// The story without its times and ids, which differ in each run.
fn told(server: &Server, tokens: &Tokens) -> String {
    let said = server.runs(&["session", "explain", &tokens.session, "--json"]);
    let (story, mut text) = (said.json(), String::new());
    let of = |name: &str| story[name].as_array().unwrap().clone();
    writeln!(text, "{}", story["headline"].as_str().unwrap()).unwrap();
    for line in of("timeline") {
        writeln!(text, "- {}", line["text"].as_str().unwrap()).unwrap();
    }
    for (title, paragraphs) in [("Why:", of("why")), ("What to do:", of("advice"))] {
        writeln!(text, "{title}").unwrap();
        for paragraph in paragraphs {
            writeln!(text, "- {}", paragraph.as_str().unwrap()).unwrap();
        }
    }
    let plain = server.runs(&["session", "explain", &tokens.session]).out;
    assert!(plain.lines().all(|line| line.len() <= 120), "{plain}");
    masked(&text)
}

/// `[when]` for a time and how far it is away, `[id]` for an id.
fn masked(text: &str) -> String {
    let mut words = Vec::new();
    let mut rest = text.split(' ').peekable();
    while let Some(word) = rest.next() {
        let is_date = word.len() == 10 && word.starts_with("20") && word.matches('-').count() == 2;
        if !is_date {
            words.push(without_ids(word));
            continue;
        }
        let mut word = word;
        while !word.contains("UTC") {
            word = rest.next().unwrap();
        }
        if rest.peek().is_some_and(|next| next.starts_with('(')) {
            while !word.contains(')') {
                word = rest.next().unwrap();
            }
            words.push(format!("[when]{}", word.split_once(')').unwrap().1));
        } else {
            words.push(word.replace("UTC", "[when]"));
        }
    }
    words.join(" ")
}

fn without_ids(word: &str) -> String {
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '-';
    let begin = word.find(|c: char| c.is_ascii_hexdigit()).unwrap_or(0);
    let length = word[begin..]
        .find(|c: char| !is_part(c))
        .unwrap_or(word.len() - begin);
    if length == 36 {
        return format!("{}[id]{}", &word[..begin], &word[begin + 36..]);
    }
    word.replace(env!("CARGO_PKG_VERSION"), "[version]")
}

/// Lets so many hours pass for a session and its events.
pub(crate) fn age(server: &Server, tokens: &Tokens, hours: i64) {
    let (id, span) = (id_of(&tokens.refresh), hours * 3_600_000);
    let database = server.folder.open_database();
    let sql = "DROP TRIGGER IF EXISTS event_stays_as_it_is";
    database.execute_batch(sql).unwrap();
    for sql in [
        "UPDATE session SET rotated_at = rotated_at - ?2, created_at = created_at - ?2, expires_at = expires_at - ?2 WHERE id = ?1",
        "UPDATE event SET at = at - ?2 WHERE session_id = ?1",
    ] {
        database.execute(sql, params![id, span]).unwrap();
    }
}

fn reauthenticated(server: &Server, tokens: &Tokens) -> String {
    server
        .reauthenticate(&tokens.access, PASSWORD)
        .string("access_token")
}

#[test]
fn a_live_session() {
    let server = Server::start(&[]);
    let fresh = server.register("ada");
    assert_snapshot!(told(&server, &fresh));
    let used = server.turn(&server.turn(&fresh));
    age(&server, &used, 3);
    assert_snapshot!(told(&server, &used));
}

#[test]
fn logout() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    server.log_out(&phone.refresh);
    assert_snapshot!(told(&server, &phone));
}

#[test]
fn logout_everywhere() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    let laptop = Tokens::of(&server.log_in("ada", PASSWORD));
    let access = reauthenticated(&server, &laptop);
    let reply = delete("/auth/sessions")
        .bearer(&access)
        .send(server.address);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_snapshot!(told(&server, &phone));
}

#[test]
fn ended_by_user() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    let laptop = Tokens::of(&server.log_in("ada", PASSWORD));
    let path = format!("/auth/sessions/{}", phone.session);
    let reply = delete(&path).bearer(&laptop.access).send(server.address);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_snapshot!(told(&server, &phone));
}

#[test]
fn password_changed() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    let laptop = Tokens::of(&server.log_in("ada", PASSWORD));
    let fresh = Tokens::of(&server.change_password(&laptop.access, PASSWORD, NEW));
    assert_snapshot!(told(&server, &phone));
    assert_snapshot!(told(&server, &fresh));
    let set = ["user", "set-password", "ada"];
    server.folder.run(&set, PASSWORD).done();
    assert_snapshot!(told(&server, &fresh));
}

#[test]
fn reuse_by_a_client_that_lost_an_answer() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    server.turn(&phone);
    age(&server, &phone, 3);
    server.refresh(&phone.refresh).is_over("reuse");
    assert_snapshot!(told(&server, &phone));
}

#[test]
fn reuse_of_an_old_copy() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    server.turn(&server.turn(&phone));
    age(&server, &phone, 3);
    server.refresh(&phone.refresh).is_over("reuse");
    let story = told(&server, &phone);
    assert!(story.contains("its client keeps an old copy"), "{story}");
}

#[test]
fn reuse_by_another_program() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    server.turn(&phone);
    age(&server, &phone, 3);
    let thief = post("/auth/refresh").bearer(&phone.refresh);
    let thief = thief.header("User-Agent", "thief/1.0");
    thief.send(server.address).is_over("reuse");
    assert_snapshot!(told(&server, &phone));
}

#[test]
fn reuse_of_another_sessions_token() {
    let server = Server::start(&[("session.on_reuse", "user")]);
    let phone = server.register("ada");
    let laptop = Tokens::of(&server.log_in("ada", PASSWORD));
    server.turn(&laptop);
    age(&server, &laptop, 3);
    server.refresh(&laptop.refresh).is_over("reuse");
    assert_snapshot!(told(&server, &phone));
}

#[test]
fn session_limit() {
    let server = Server::start(&[("session.max_per_user", "1")]);
    let phone = server.register("ada");
    Tokens::of(&server.log_in("ada", PASSWORD));
    assert_snapshot!(told(&server, &phone));
}

#[test]
fn idle() {
    let server = Server::start(&[]);
    let phone = server.turn(&server.register("ada"));
    age(&server, &phone, 6 * 24);
    server.refresh(&phone.refresh).is_over("idle");
    assert_snapshot!(told(&server, &phone));
}

#[test]
fn expired() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    age(&server, &phone, 90 * 24);
    let now = "UPDATE session SET rotated_at = expires_at - 1000";
    server.folder.open_database().execute(now, []).unwrap();
    server.refresh(&phone.refresh).is_over("expired");
    assert_snapshot!(told(&server, &phone));
}

#[test]
fn user_disabled() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    server.runs(&["user", "disable", "ada"]);
    assert_snapshot!(told(&server, &phone));
}

#[test]
fn user_deleted() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    server.runs(&["user", "delete", "ada", "--yes"]);
    assert_snapshot!(told(&server, &phone));
}

#[test]
fn generation_exhausted() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    let id = id_of(&phone.refresh);
    let last = "UPDATE session SET generation = 4294967295";
    server.folder.open_database().execute(last, []).unwrap();
    let secret = SessionSecret::from_bytes(server.folder.session_secret(id));
    let keys = server.folder.open_keys();
    let session = SessionId(Uuid::from_bytes(id));
    let token = keys.tokens.newest();
    let token = token.issue(session, &secret, Generation(u32::MAX));
    server
        .refresh(token.expose())
        .is_over("generation_exhausted");
    assert_snapshot!(told(&server, &phone));
}

#[test]
fn ended_by_administrator() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    server.runs(&["session", "end", &phone.session]);
    assert_snapshot!(told(&server, &phone));
}

/// All sessions end with the password, those too that nobody could have used any more.
#[test]
fn one_that_had_run_out_before() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    age(&server, &phone, 6 * 24);
    server.runs(&["user", "disable", "ada"]);
    let story = told(&server, &phone);
    assert!(
        story.contains("It had run out by then: it was not used for too long at [when]."),
        "{story}"
    );
}

#[test]
fn one_whose_row_is_gone() {
    let server = Server::start(&[]);
    let (phone, laptop) = (server.register("ada"), server.register("bob"));
    server.log_out(&phone.refresh);
    let database = server.folder.open_database();
    database.execute("DELETE FROM session", []).unwrap();
    assert_snapshot!(told(&server, &phone));
    assert_snapshot!(told(&server, &laptop));
}
