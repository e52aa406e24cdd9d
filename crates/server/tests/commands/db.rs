//! `relatch db`.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::support::{Folder, Server, Tokens, account::PASSWORD, at_once};

const NEW: &str = "another long enough password";

/// What is in the data folder, sorted.
fn names(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.data()).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[track_caller]
fn ended(server: &Server, tokens: &Tokens, reason: &str) {
    let reply = server.refresh(&tokens.refresh);
    assert_eq!(reply.status, 401, "{}", reply.text());
    let told = (reply.string("code"), reply.string("reason"));
    assert_eq!(told, ("session_ended".to_owned(), reason.to_owned()));
}

/// A folder with a backup in it, and what three users have done since: one turned his token and turned it again, one
/// logged out, one changed his password.
struct Since {
    folder: Folder,
    turned: Tokens,
    logged_out: Tokens,
    changed: Tokens,
}

impl Since {
    fn backup() -> Self {
        let server = Server::start(&[]);
        let [ada, bob, eve] = ["ada", "bob", "eve"].map(|name| server.register(name));
        let taken = server.folder.ask(&["db", "backup", "copy"]);
        assert_eq!(taken["master_key_included"], false);
        let turned = server.turn(&server.turn(&ada));
        assert_eq!(server.log_out(&bob.refresh).status, 200);
        let changed = server.change_password(&eve.access, PASSWORD, NEW);
        Self {
            turned,
            logged_out: bob,
            changed: Tokens::of(&changed),
            folder: server.stop(),
        }
    }
}

#[test]
fn a_backup_is_private_and_says_where_the_master_key_belongs() {
    let server = Server::start(&[]);
    server.register("ada");
    let taken = server.folder.run(&["db", "backup", "copy"], "");
    assert_eq!(taken.code, 0, "{}", taken.err);
    assert!(
        taken.out.contains("The master key is not in it"),
        "{}",
        taken.out
    );
    assert!(
        taken.out.contains("master.key somewhere else"),
        "{}",
        taken.out
    );
    let copy = server.folder.data().parent().unwrap().join("copy");
    let mode = fs::metadata(&copy).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let key = fs::read_to_string(server.folder.master_key()).unwrap();
    let bytes = fs::read(&copy).unwrap();
    let holds = |what: &[u8]| bytes.windows(what.len()).any(|part| part == what);
    let raw: Vec<u8> = (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(&key[at..at + 2], 16).unwrap())
        .collect();
    assert!(!holds(key.trim().as_bytes()) && !holds(&raw));
    let again = server.folder.run(&["db", "backup", "copy"], "");
    again.refused(1, "is not overwritten");
    assert_eq!(fs::read(&copy).unwrap(), bytes);
    server.is_well();
}

#[test]
fn a_backup_under_load_is_whole_and_stops_nobody() {
    let server = Server::start(&[]);
    let users: Vec<_> = (0..4)
        .map(|n| server.register(&format!("user{n}")))
        .collect();
    let turned = at_once(5, |number| {
        let Some(mut tokens) = users.get(number).cloned() else {
            let folder = &server.folder;
            let names = ["one", "two", "three"];
            let taken = names.map(|name| folder.run(&["db", "backup", name], "").code);
            assert_eq!(taken, [0; 3]);
            return None;
        };
        for _ in 0..100 {
            tokens = server.turn(&tokens);
        }
        Some(tokens)
    });
    for tokens in turned.iter().flatten() {
        server.turn(tokens);
    }
    let folder = server.stop();
    for name in ["one", "two", "three"] {
        let restored = folder.ask(&["db", "restore", name, "--sessions", "keep"]);
        assert_eq!(restored["sessions_touched"], 4);
    }
    let server = folder.start(&[]);
    for tokens in turned.iter().flatten() {
        server.turn(tokens);
    }
}

#[test]
fn kept_sessions_go_on_with_the_tokens_that_clients_hold_and_what_ended_is_live_again() {
    let since = Since::backup();
    let restored = since
        .folder
        .ask(&["db", "restore", "copy", "--sessions", "keep"]);
    assert_eq!(restored["sessions"], "keep");
    assert_eq!(restored["sessions_touched"], 3);
    let kept = restored["kept"].as_str().unwrap();
    assert!(kept.contains("relatch.db.before-restore-"), "{kept}");
    let kept = kept.rsplit('/').next().unwrap();
    assert_eq!(names(&since.folder), ["master.key", "relatch.db", kept]);
    let server = since.folder.start(&[]);
    server.turn(&since.turned);
    server.turn(&since.logged_out);
    assert_eq!(
        server.refresh(&since.changed.refresh).string("code"),
        "session_unknown"
    );
    assert_eq!(server.log_in("eve", PASSWORD).status, 200);
    assert_eq!(server.log_in("eve", NEW).status, 401);
}

#[test]
fn sessions_that_all_end_are_told_why() {
    let since = Since::backup();
    let restored = since
        .folder
        .run(&["db", "restore", "copy", "--sessions", "end-all"], "");
    assert_eq!(restored.code, 0, "{}", restored.err);
    assert!(
        restored.out.contains("3 sessions were ended"),
        "{}",
        restored.out
    );
    let server = since.folder.start(&[]);
    ended(&server, &since.turned, "backup_restored");
    ended(&server, &since.logged_out, "backup_restored");
    Tokens::of(&server.log_in("ada", PASSWORD));
}

#[test]
fn without_a_word_on_sessions_nothing_is_restored() {
    let since = Since::backup();
    let before = since.folder.content();
    let refused = since.folder.run(&["db", "restore", "copy"], "");
    refused
        .refused(2, "--sessions end-all   Every session ends")
        .refused(2, "--sessions keep      Every client goes on")
        .refused(2, "logged in again");
    assert_eq!(since.folder.content(), before);
    assert_eq!(names(&since.folder), ["master.key", "relatch.db"]);
}

#[test]
fn the_database_of_a_running_server_is_not_replaced() {
    let server = Server::start(&[]);
    let ada = server.register("ada");
    let words = ["db", "backup", "copy"];
    assert_eq!(server.folder.run(&words, "").code, 0);
    let ada = server.turn(&ada);
    let restore = ["db", "restore", "copy", "--sessions", "keep"];
    server
        .folder
        .run(&restore, "")
        .refused(1, "is in use: stop the server");
    server.is_unharmed(&ada);
    // Nor is one that does nothing at the moment.
    server.signal("STOP");
    server
        .folder
        .run(&restore, "")
        .refused(1, "is in use: stop the server");
    server.signal("CONT");
    let folder = server.crash();
    assert_eq!(folder.run(&restore, "").code, 0);
    folder.start(&[]).turn(&ada);
}

#[test]
fn a_backup_without_its_master_key_is_told_before_anything_changes() {
    let since = Since::backup();
    let restore = ["db", "restore", "copy", "--sessions", "keep"];
    let before = since.folder.content();
    let key = since.folder.master_key();
    let aside = key.with_extension("aside");
    fs::rename(&key, &aside).unwrap();
    let missing = since.folder.run(&restore, "");
    missing
        .refused(1, "the master key that opens them is missing")
        .refused(1, "Nothing has been changed");
    let other = Server::start(&[]).stop();
    fs::copy(other.master_key(), &key).unwrap();
    since
        .folder
        .run(&restore, "")
        .refused(1, "were sealed under master key");
    assert_eq!(since.folder.content(), before);
    assert_eq!(
        names(&since.folder),
        ["master.aside", "master.key", "relatch.db"]
    );
}

#[test]
fn a_backup_is_restored_on_a_new_machine() {
    let since = Since::backup();
    let machine = Folder::new();
    let copy = since.folder.data().parent().unwrap().join("copy");
    let copy = copy.to_str().unwrap();
    let restore = ["db", "restore", copy, "--sessions", "keep"];
    machine.run(&restore, "").refused(3, "there is no folder");
    fs::create_dir(machine.data()).unwrap();
    fs::copy(since.folder.master_key(), machine.master_key()).unwrap();
    assert_eq!(machine.ask(&restore)["kept"], serde_json::Value::Null);
    machine.start(&[]).turn(&since.turned);
}

#[test]
fn there_must_be_something_to_copy_or_restore() {
    let folder = Folder::new();
    for words in [
        &["db", "backup", "copy"][..],
        &["db", "check"],
        &["db", "stats"],
    ] {
        folder.run(words, "").refused(3, "there is no database at");
    }
    let restore = ["db", "restore", "copy", "--sessions", "keep"];
    folder.run(&restore, "").refused(3, "there is no file copy");
    assert!(!folder.data().exists());
}

#[test]
fn a_check_beside_a_server_finds_what_is_wrong() {
    let server = Server::start(&[]);
    server.register("ada");
    let whole = server.folder.ask(&["db", "check"]);
    assert_eq!(
        (&whole["whole"], &whole["sessions"]),
        (&true.into(), &1.into())
    );
    let database = server.folder.open_database();
    database
        .execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM user")
        .unwrap();
    let other = Server::start(&[]).stop();
    fs::copy(other.master_key(), server.folder.master_key()).unwrap();
    let found = server.folder.run(&["db", "check", "--json"], "");
    assert_eq!(found.code, 4);
    let faults = found.json()["faults"].to_string();
    assert!(
        faults.contains("1 rows of table session name a user"),
        "{faults}"
    );
    assert!(faults.contains("were sealed under master key"), "{faults}");
    assert!(found.err.contains("has 2 faults"), "{}", found.err);
    let text = server.folder.run(&["db", "check"], "");
    assert_eq!(text.out.lines().count(), 2);
    fs::write(server.stop().database(), "no database").unwrap();
}

#[test]
fn a_deleted_user_is_no_fault() {
    let server = Server::start(&[]);
    server.register("ada");
    server.runs(&["user", "delete", "ada", "--yes"]);
    server.runs(&["db", "check"]);
}

#[test]
fn a_check_of_rubbish_says_no() {
    let folder = Server::start(&[]).stop();
    fs::write(folder.database(), "no database, ".repeat(1_000)).unwrap();
    let found = folder.run(&["db", "check"], "");
    assert_eq!(found.code, 4);
    assert!(found.out.contains("not a database"), "{}", found.out);
}

#[test]
fn stats_beside_a_server_count_what_it_knows() {
    let server = Server::start(&[]);
    let ada = server.register("ada");
    server.register("bob");
    server.log_out(&ada.refresh);
    let stats = server.folder.ask(&["db", "stats"]);
    assert_eq!(stats["users"], 2);
    assert_eq!(stats["sessions"]["live"], 1);
    assert_eq!(stats["sessions"]["ended"], 1);
    assert_eq!(stats["sessions"]["live_by_age"]["day"], 1);
    assert_eq!(stats["keys"], 4);
    assert!(stats["log_bytes"].as_u64().unwrap() > 0);
    let text = server.folder.run(&["db", "stats"], "");
    assert!(text.out.contains("live sessions"), "{}", text.out);
}
