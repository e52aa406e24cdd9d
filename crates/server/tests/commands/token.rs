//! `relatch token inspect`: it says what presenting a token would do, and a server that is then shown the token agrees.

use relatch_core::session::{Generation, SessionId, SessionSecret};
use uuid::Uuid;

use crate::{
    support::{
        Server, Tokens,
        refresh_token::{decode, encode, session as id_of},
    },
    tool::Said,
};

fn inspect(server: &Server, token: &str) -> Said {
    let before = server.folder.content();
    let input = format!("{token}\n");
    let said = server.folder.run(&["token", "inspect"], &input);
    assert_eq!(server.folder.content(), before, "nothing is written");
    let json = server.folder.run(&["token", "inspect", "--json"], &input);
    assert_eq!(json.code, said.code, "{json:?}");
    let accepted = json.json()["accepted"].as_bool();
    let expected = [(0, Some(true)), (4, Some(false)), (1, None)];
    assert!(expected.contains(&(said.code, accepted)), "{json:?}");
    said
}

#[track_caller]
fn accepted(server: &Server, token: &str, words: &str) {
    let said = inspect(server, token).done();
    assert!(flat(&said.out).contains(words), "{}", said.out);
}

#[track_caller]
fn refused(server: &Server, token: &str, words: &str) {
    let said = inspect(server, token).failed(4, words);
    assert!(flat(&said.out).contains(words), "{}", said.out);
}

/// Without the ends of lines.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_newest_is_accepted_and_the_one_before_for_a_while() {
    let server = Server::start(&[]);
    let first = server.register("ada");
    accepted(
        &server,
        &first.refresh,
        "presenting it turns it into generation 1",
    );
    let second = server.turn(&first);
    accepted(
        &server,
        &second.refresh,
        "presenting it turns it into generation 2",
    );
    accepted(
        &server,
        &first.refresh,
        "within the retry window of 30 seconds",
    );
    accepted(
        &server,
        &format!("Bearer {}", first.refresh),
        "whoever presents it gets generation 1 again",
    );
    assert_eq!(server.turn(&first).refresh, second.refresh);
}

/// Looking at it does not end the session; presenting it does.
#[test]
fn a_spent_one_would_end_its_session() {
    let server = Server::start(&[("session.retry_window", "0s")]);
    let first = server.register("ada");
    let second = server.turn(&first);
    refused(
        &server,
        &first.refresh,
        "Presenting it would END the session",
    );
    let third = server.turn(&second);
    server.refresh(&first.refresh).is_over("reuse");
    refused(&server, &third.refresh, "(reuse); `relatch session explain");
}

#[test]
fn one_that_is_newer_than_its_row_moves_it_forward() {
    let server = Server::start(&[]);
    let newest = server.turn(&server.turn(&server.register("ada")));
    let lag = "UPDATE session SET generation = 0";
    server.folder.open_database().execute(lag, []).unwrap();
    accepted(&server, &newest.refresh, "newer than the session's row");
    server.turn(&newest);
}

#[test]
fn each_way_to_be_no_good_has_its_words() {
    let server = Server::start(&[]);
    let tokens = server.register("ada");
    let token = &tokens.refresh;
    let bytes = decode(token);
    let changed = |place: usize| {
        let mut bytes = bytes;
        bytes[place] ^= 1;
        encode(&bytes)
    };
    for (token, words) in [
        ("nonsense", "a refresh token begins with relatch_rt_"),
        ("{\"refresh_token\":\"x\"}", "it is JSON"),
        ("x.y.z", "it is not a JWT"),
        (&token[..40], "it was cut off or changed"),
        (&*changed(53), "the tag is wrong"),
        (&*changed(10), "the tag is wrong"),
        (&*changed(1), "there is no token key 0 here"),
        (&*format!("x{token}"), "it has a refresh token in it"),
    ] {
        refused(&server, token, words);
    }
    let other = Server::start(&[]).register("ada");
    refused(&server, &other.refresh, "made by another server");
    refused(&server, &other.access, "another server made it");
    server.is_unharmed(&tokens);
}

#[test]
fn one_made_with_a_stolen_key_is_told_apart() {
    let server = Server::start(&[]);
    let id = SessionId(Uuid::from_bytes(id_of(&server.register("ada").refresh)));
    let guess = SessionSecret::from_bytes([0; 32]);
    let keys = server.folder.open_keys();
    let forged = keys.tokens.newest().issue(id, &guess, Generation(0));
    refused(
        &server,
        forged.expose(),
        "somebody who has a token key made it",
    );
    let unknown = SessionId(Uuid::from_u128(7));
    let forged = keys.tokens.newest().issue(unknown, &guess, Generation(0));
    refused(&server, forged.expose(), "its session is not known here");
}

#[test]
fn a_bound_sessions_token_wants_a_proof() {
    let server = Server::start(&[]);
    let tokens = server.register("ada");
    let bind = "UPDATE session SET jkt = zeroblob(32)";
    server.folder.open_database().execute(bind, []).unwrap();
    refused(
        &server,
        &tokens.refresh,
        "With a proof of that key (DPoP): it is the newest",
    );
}

#[test]
fn an_access_token_is_as_good_as_its_session() {
    let server = Server::start(&[]);
    let tokens = server.register("ada");
    let said = inspect(&server, &tokens.access).done();
    for words in [
        "This is an access token.",
        "\"ada\"",
        &tokens.session,
        "http://relatch.test",
        "EdDSA",
    ] {
        let there = said.out.contains(words) || words == "\"ada\"" && said.out.contains("of ada");
        assert!(there, "{words}: {}", said.out);
    }
    server.log_out(&tokens.refresh);
    refused(
        &server,
        &tokens.access,
        "A resource server that checks the signature alone still accepts it",
    );
}

#[test]
fn an_access_token_that_expired_or_was_changed_is_refused() {
    let server = Server::start(&[("session.access_lifetime", "1s")]);
    let tokens = server.register("ada");
    let (head, signature) = tokens.access.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{head}.{other}{}", &signature[1..]);
    refused(&server, &forged, "the signature is wrong");
    let access = tokens.access.clone();
    assert!(crate::support::eventually(|| {
        server.me(&access).status == 401
    }));
    refused(&server, &access, "it expired 20");
}

#[test]
fn an_access_token_under_another_configuration_says_what_differs() {
    let server = Server::start(&[]);
    let Tokens { access, .. } = server.register("ada");
    let data = server.folder.data();
    let place = ["token", "inspect", "--data", data.to_str().unwrap()];
    let said = crate::tool::relatch(&place, &access);
    said.failed(
        4,
        "it says \"http://relatch.test\", and this server is \"http://127.0.0.1:8080\"",
    );
}

#[test]
fn without_the_master_key_what_cannot_be_told_is_said() {
    let server = Server::start(&[]);
    let tokens = server.register("ada");
    std::fs::remove_file(server.folder.master_key()).unwrap();
    for token in [&tokens.refresh, &tokens.access] {
        let said = inspect(&server, token).failed(1, "cannot be told");
        assert!(said.err.contains("master.key is not there"), "{said:?}");
        assert!(said.out.contains(&tokens.session), "{said:?}");
    }
    server.log_out(&tokens.refresh);
    refused(
        &server,
        &tokens.refresh,
        "genuine or not, its session ended",
    );
}
