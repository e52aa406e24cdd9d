//! `relatch user` beside a running server.

use serde_json::json;

use crate::support::{Server, Tokens, account::PASSWORD, at_once, post};

const NEW: &str = "another horse, another staple";

#[test]
fn a_user_that_was_made_can_log_in_at_once() {
    let server = Server::start(&[]);
    let create = ["user", "create", "Ada", "--email", "ada@example.com"];
    let made = server.folder.run(&create, &format!("{PASSWORD}\n")).done();
    assert!(
        made.out.starts_with("Made ada with the id "),
        "{}",
        made.out
    );
    Tokens::of(&server.log_in("ada", PASSWORD));
    server
        .folder
        .run(&create, PASSWORD)
        .failed(1, "somebody has the name ada");
}

#[test]
fn a_password_is_read_as_one_line_and_checked_by_the_rules_of_registering() {
    let server = Server::start(&[]);
    let create = ["user", "create", "ada", "--email", "countess@example.com"];
    for (input, words) in [
        ("", "first line of standard input, and it is empty"),
        ("\nlong enough but below\n", "it is empty"),
        ("short\n", "At least 8 characters."),
        ("password1\n", "among the most used"),
        ("countess\n", "must not be the e-mail address"),
    ] {
        server.folder.run(&create, input).failed(1, words);
    }
    let bad = ["user", "create", "a b", "--email", "ada@example.com"];
    server
        .folder
        .run(&bad, PASSWORD)
        .failed(1, "the name \"a b\"");
    let bad = ["user", "create", "ada", "--email", "nowhere"];
    server.folder.run(&bad, PASSWORD).failed(1, "the address");
    assert_eq!(server.folder.rows()["user"], 0);
    let lines = format!("{PASSWORD}\r\nsomething else\n");
    server.folder.run(&create, &lines).done();
    Tokens::of(&server.log_in("ada", PASSWORD));
}

#[test]
fn a_password_is_never_an_argument() {
    let server = Server::start(&[]);
    for arguments in [
        &["user", "create", "ada", "--email", "a@example.com", NEW][..],
        &["user", "set-password", "ada", NEW],
        &["user", "set-password", "ada", "--password", NEW],
    ] {
        server.run(arguments).failed(2, "unexpected argument");
    }
}

#[test]
fn a_disabled_user_is_out_at_once_and_told_why() {
    let server = Server::start(&[]);
    let (phone, stranger) = (server.register("ada"), server.register("bob"));
    let laptop = Tokens::of(&server.log_in("ada", PASSWORD));
    let said = server.runs(&["user", "disable", "ada", "--json"]).json();
    assert_eq!(said["ended_sessions"], 2);
    for tokens in [&phone, &laptop] {
        server.refresh(&tokens.refresh).is_over("user_disabled");
        server.me(&tokens.access).is_over("user_disabled");
    }
    server.log_in("ada", PASSWORD).is(403, "user_disabled");
    server.is_unharmed(&stranger);
    let again = server.runs(&["user", "disable", "ada"]);
    assert_eq!(again.out, "ada was disabled before; nothing changed.\n");
    server.runs(&["user", "enable", "ada"]);
    Tokens::of(&server.log_in("ada", PASSWORD));
    server.refresh(&phone.refresh).is_over("user_disabled");
}

#[test]
fn a_disabling_beats_every_login_under_way() {
    let server = Server::start(&[]);
    server.register("ada");
    at_once(5, |number| {
        if number == 0 {
            server.runs(&["user", "disable", "ada"]);
        } else {
            for _ in 0..20 {
                server.log_in("ada", PASSWORD);
            }
        }
    });
    let sessions = server.runs(&["session", "list", "--user", "ada", "--json"]);
    assert_eq!(sessions.json()["sessions"], json!([]));
}

#[test]
fn a_new_password_ends_every_session() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    let set = ["user", "set-password", "ada"];
    let refused = server.folder.run(&set, "short\n");
    refused.failed(1, "At least 8 characters.");
    server.is_unharmed(&phone);
    let said = server.folder.run(&set, NEW).done();
    assert_eq!(said.out, "ada has a new password; 1 session ended.\n");
    server.refresh(&phone.refresh).is_over("password_changed");
    server
        .log_in("ada", PASSWORD)
        .is(401, "invalid_credentials");
    Tokens::of(&server.log_in("ada", NEW));
}

#[test]
fn another_address_logs_nobody_out_and_voids_a_code() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    let set = |email| server.run(&["user", "set-email", "ada", email]);
    set("nowhere").failed(1, "the address \"nowhere\": Expected an address like");
    assert_eq!(
        set("countess@example.org").done().out,
        "ada has the address countess@example.org, in place of ada@example.com.\n"
    );
    let again = set("countess@example.org").done();
    let same = "ada had the address countess@example.org before; nothing changed.\n";
    assert_eq!(again.out, same);
    server.is_unharmed(&phone);
    let code = server.runs(&["user", "reset-code", "ada", "--json"]).json();
    let said = set("ada@example.net").done();
    assert!(
        said.out.contains("code that was out is void"),
        "{}",
        said.out
    );
    let body = json!({ "username": "ada", "code": code["code"], "new_password": NEW });
    post("/auth/password/reset")
        .json(&body)
        .send(server.address)
        .is(401, "invalid_reset_code");
    let shown = server.runs(&["user", "show", "ada", "--json"]).json();
    assert_eq!(shown["user"]["email"], "ada@example.net");
    server
        .run(&["user", "set-email", "nobody", "x@example.org"])
        .failed(3, "there is no user nobody");
}

#[test]
fn a_deleted_user_is_gone_and_the_name_is_free() {
    let server = Server::start(&[]);
    let phone = server.register("ada");
    server.run(&["user", "delete", "ada"]).failed(
        1,
        "ada was not deleted: that wants the name typed on a terminal, or --yes",
    );
    let phone = server.turn(&phone);
    let id = server.runs(&["user", "show", "ada", "--json"]).json();
    let id = id["user"]["id"].as_str().unwrap().to_owned();
    let said = server.runs(&["user", "delete", "ada", "--yes"]);
    assert_eq!(
        said.out,
        "ada is deleted and the name is free; 1 session ended.\n"
    );
    server.refresh(&phone.refresh).is_over("user_deleted");
    server
        .log_in("ada", PASSWORD)
        .is(401, "invalid_credentials");
    server
        .run(&["user", "show", "ada"])
        .failed(3, "there is no user ada");
    server
        .run(&["user", "show", &id])
        .failed(3, "was deleted at 20");
    let heir = server.register("ada");
    server.is_unharmed(&heir);
    server.refresh(&phone.refresh).is_over("user_deleted");
}

#[test]
fn users_are_found_by_name_by_id_and_by_parts() {
    let server = Server::start(&[]);
    for name in ["ada", "bob", "carl"] {
        server.register(name);
    }
    let page = ["user", "list", "--limit", "2", "--json"];
    let first = server.runs(&page).json();
    assert_eq!(first["next"], "bob");
    let second = [&page[..], &["--after", "bob"]].concat();
    let second = server.runs(&second).json();
    let names = |page: &serde_json::Value| -> Vec<String> {
        let users = page["users"].as_array().unwrap();
        let name = |user: &serde_json::Value| user["username"].as_str().unwrap().to_owned();
        users.iter().map(name).collect()
    };
    assert_eq!(
        (names(&first), names(&second)),
        (vec!["ada".into(), "bob".into()], vec!["carl".into()])
    );
    let found = server.runs(&["user", "list", "--search", "ARL@example", "--json"]);
    assert_eq!(names(&found.json()), ["carl"]);
    let id = first["users"][0]["id"].as_str().unwrap();
    let shown = server.runs(&["user", "show", id, "--json"]).json();
    assert_eq!(shown["user"]["username"], "ada");
    assert_eq!(shown["live_sessions"], 1);
    server
        .run(&["user", "show", "nobody"])
        .failed(3, "`relatch user list --search nobody` looks");
    server
        .run(&["user", "show", "a b"])
        .failed(3, "neither a username nor an id");
}

/// Somebody who takes another's id for a name is not disabled or deleted in his place, and does not hide him.
#[test]
fn a_name_that_looks_like_an_id_stands_for_nobody_else() {
    let server = Server::start(&[]);
    let victim = server.register("ada");
    let shown = server.runs(&["user", "show", "ada", "--json"]).json();
    let id = shown["user"]["id"].as_str().unwrap();
    let impostor = server.register(id);
    server.runs(&["user", "disable", id]);
    server.refresh(&victim.refresh).is_over("user_disabled");
    server.is_unharmed(&impostor);
}

#[test]
fn a_folder_without_a_database_is_a_sentence_and_stays_empty() {
    let folder = crate::support::Folder::new();
    std::fs::write(folder.config(), "").unwrap();
    let said = folder.run(&["user", "list"], "");
    said.failed(3, "there is no database at");
    assert!(!folder.data().exists());
}

/// Not even in what SQLite calls free.
#[test]
fn nothing_of_a_deleted_user_is_left_in_the_file() {
    let server = Server::start(&[]);
    let long = "x".repeat(60);
    let needle = |number: usize| format!("gone{number}@{long}.{long}.example.com");
    for number in 0..20 {
        let body = json!({ "username": format!("gone{number}"), "email": needle(number), "password": PASSWORD });
        Tokens::of(&post("/auth/register").json(&body).send(server.address));
    }
    for number in 0..20 {
        server.runs(&["user", "delete", &format!("gone{number}"), "--yes"]);
    }
    let bytes = std::fs::read(server.stop().database()).unwrap();
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(holds("deleted:"), "their rows are there");
    for left in ["gone1", &long[..40], "$argon2id$"] {
        assert!(!holds(left), "{left}");
    }
}
