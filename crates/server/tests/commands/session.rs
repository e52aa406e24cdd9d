//! `relatch session` beside a running server.

use crate::{
    explain::age,
    support::{
        Server, Tokens,
        account::PASSWORD,
        page::{self, Visitor, fetched, listing},
    },
};

fn ids(server: &Server, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["session", "list", "--json"], arguments].concat();
    let said = server.runs(&arguments).json();
    let sessions = said["sessions"].as_array().unwrap();
    let id = |session: &serde_json::Value| session["id"].as_str().unwrap().to_owned();
    sessions.iter().map(id).collect()
}

#[test]
fn one_session_ends_and_its_device_is_told() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    let laptop = Tokens::of(&server.log_in("ada", PASSWORD));
    let said = server.runs(&["session", "end", &phone.session]);
    assert!(said.out.contains("is over"), "{}", said.out);
    server
        .refresh(&phone.refresh)
        .is_over("ended_by_administrator");
    server.me(&phone.access).is_over("ended_by_administrator");
    server.is_unharmed(&laptop);
    let again = server.runs(&["session", "end", &phone.session]);
    assert!(again.out.contains("was over before"), "{}", again.out);
    Tokens::of(&server.log_in("ada", PASSWORD));
}

#[test]
fn all_of_a_user_end_and_nobody_elses() {
    let server = Server::start(&[]);
    let (ada, bob) = (server.register("ada"), server.register("bob"));
    Tokens::of(&server.log_in("ada", PASSWORD));
    let said = server.runs(&["session", "end", "--user", "ada"]);
    assert!(
        said.out.starts_with("2 sessions of ada ended."),
        "{}",
        said.out
    );
    server
        .refresh(&ada.refresh)
        .is_over("ended_by_administrator");
    server.is_unharmed(&bob);
    server
        .run(&["session", "end", &ada.session, "--user", "ada"])
        .failed(2, "cannot be used with");
    server.run(&["session", "end"]).failed(2, "required");
}

#[test]
fn sessions_are_listed_newest_first_and_in_pages() {
    let server = Server::start(&[]);
    let first = server.register("ada");
    server.register("bob");
    let second = Tokens::of(&server.log_in("ada", PASSWORD));
    let user = ["--user", "ada"];
    assert_eq!(ids(&server, &user), [&*second.session, &*first.session]);
    server.log_out(&second.refresh);
    assert_eq!(ids(&server, &user), [&*first.session]);
    let all = ["--user", "ada", "--ended"];
    assert_eq!(ids(&server, &all).len(), 2);
    let page = ["--user", "ada", "--ended", "--limit", "1", "--after"];
    let page = [&page[..], &[second.session.as_str()]].concat();
    assert_eq!(ids(&server, &page), [&*first.session]);
    assert_eq!(ids(&server, &[]).len(), 2, "of everybody, live");
}

#[test]
fn one_that_ran_out_is_over_though_nobody_ended_it() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    age(&server, &phone, 6 * 24);
    assert_eq!(ids(&server, &["--user", "ada"]), [""; 0]);
    let all = server.runs(&["session", "list", "--ended"]).out;
    assert!(all.contains("ended: idle"), "{all}");
    let said = server.runs(&["session", "end", &phone.session]).out;
    assert!(said.contains("was over before"), "{said}");
}

#[test]
fn one_session_is_shown() {
    let server = Server::start(&[]);
    let phone = server.turn(&server.register("ada"));
    let shown = server.runs(&["session", "show", &phone.session, "--json"]);
    let shown = shown.json();
    assert_eq!(shown["state"], "live");
    assert_eq!(shown["generation"], 1);
    let text = server.runs(&["session", "show", &phone.session]).out;
    assert!(text.contains("user        ada\n"), "{text}");
}

#[test]
fn what_is_not_there_says_where_to_look() {
    let server = Server::start(&[]);
    let id = "00000000-0000-4000-8000-000000000000";
    for verb in ["show", "end"] {
        server
            .run(&["session", verb, id])
            .failed(3, "`relatch session explain");
    }
    server
        .run(&["session", "explain", id])
        .failed(3, "neither a row nor an event has that id");
    server
        .run(&["session", "show", "ada"])
        .failed(3, "`relatch session list --user NAME` lists them");
    server
        .run(&["session", "list", "--user", "nobody"])
        .failed(3, "there is no user nobody");
}

#[test]
fn the_log_names_the_session_of_whoever_comes_and_goes() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    let laptop = Tokens::of(&server.log_in("ada", PASSWORD));
    server.log_out(&laptop.refresh);
    let new = "another long enough password";
    let fresh = Tokens::of(&server.change_password(&phone.access, PASSWORD, new));
    let log = server.stop().logged();
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let named: Vec<_> = lines
        .filter(|line| line["message"] == "request")
        .map(|line| (line["path"].clone(), line["session"].clone()))
        .collect();
    let expected = [
        ("/auth/register", &phone),
        ("/auth/login", &laptop),
        ("/auth/logout", &laptop),
        ("/auth/password/change", &fresh),
    ];
    let expected = expected.map(|(path, tokens)| (path.into(), tokens.session.clone().into()));
    assert_eq!(named, expected);
}

#[test]
fn a_session_in_a_cookie_is_told_apart_and_why_it_was_replaced() {
    let server = listing();
    let (ada, phone) = (server.visit("ada"), server.log_in("ada", PASSWORD));
    let phone = Tokens::of(&phone);
    for (session, delivery, words) in [
        (&ada.session, "cookie", "kind        in a cookie"),
        (&phone.session, "body", "kind        ordinary"),
    ] {
        let said = server.runs(&["session", "show", session, "--json"]).json();
        assert_eq!(said["delivery"], delivery);
        let said = server.runs(&["session", "show", session]).out;
        assert!(said.contains(words), "{said}");
    }
    let said = server.folder.run(&["token", "inspect"], &ada.refresh).out;
    assert!(said.contains("taken from its cookie alone"), "{said}");
    let login = fetched("/auth/login", &page::login("ada")).cookie(&ada.refresh);
    Visitor::of(&login.send(server.address));
    let said = server.runs(&["session", "explain", &ada.session]).out;
    assert!(said.contains("logged in with the same browser"), "{said}");
    assert!(said.contains("a browser has one of these"), "{said}");
}
