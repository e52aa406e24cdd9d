//! `relatch passwords build-filter`, and the commands that choose passwords.

use std::fs;

use crate::support::{Folder, Server};

/// A folder with a list in it and the filter of that, made with these further arguments.
fn filter(list: &str, arguments: &[&str]) -> (Folder, serde_json::Value) {
    let folder = Folder::new();
    let (from, to) = (folder.file("list"), folder.file("filter"));
    fs::write(&from, list).unwrap();
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    let words = [
        "passwords",
        "build-filter",
        "--json",
        "--from",
        from,
        "--to",
        to,
    ];
    let said = crate::support::tool::relatch(&[&words, arguments].concat(), "");
    let made = said.done().json();
    (folder, made)
}

#[test]
fn a_filter_is_made_of_words_or_of_hashes() {
    let words = "correct horse battery\nanother horse battery\n";
    let (_folder, made) = filter(words, &[]);
    assert_eq!(made["entries"], 2);
    let hashes =
        "0000000000000000000000000000000000000001:7\n00000000FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\n";
    let (folder, made) = filter(hashes, &["--false-positives", "1-in-256"]);
    assert_eq!(made["entries"], 2);
    let length = fs::metadata(folder.file("filter")).unwrap().len();
    assert_eq!(made["bytes"], length);
}

#[test]
fn what_is_wrong_with_a_list_is_said_and_leaves_nothing() {
    let folder = Folder::new();
    let (list, to) = (folder.file("list"), folder.file("filter"));
    let (from, into) = (list.to_str().unwrap(), to.to_str().unwrap());
    let build = || {
        let words = ["passwords", "build-filter", "--from", from, "--to", into];
        crate::support::tool::relatch(&words, "")
    };
    build().refused(3, "the list");
    for (text, words) in [
        ("", "the list is empty"),
        (
            "0000000000000000000000000000000000000002\n0000000000000000000000000000000000000001\n",
            "",
        ),
        (
            "FF00000000000000000000000000000000000000\n0000000000000000000000000000000000000001\n",
            "line 2 of the list is out of order",
        ),
        (
            "0000000000000000000000000000000000000001\nhello\n",
            "line 2 of the list is no SHA-1",
        ),
    ] {
        fs::write(&list, text).unwrap();
        if words.is_empty() {
            // Out of order behind what is looked up by: no harm.
            build().done();
            fs::remove_file(&to).unwrap();
            continue;
        }
        build().refused(1, words);
        assert!(!to.exists(), "{words}");
    }
}

#[test]
fn nobody_is_given_a_breached_password_on_the_command_line_either() {
    let (folder, _) = filter("correct horse battery\n", &[]);
    let path = folder.file("filter").to_str().unwrap().to_owned();
    let server = Server::start(&[("password.breached_filter", &path)]);
    server.register("ada");
    let said = "has been in a breach";
    for arguments in [
        &["user", "set-password", "ada"][..],
        &["user", "create", "bob", "--email", "bob@example.com"],
        &["admin", "create", "eve", "--email", "eve@example.com"],
    ] {
        let refused = server.folder.run(arguments, "correct horse battery\n");
        refused.failed(1, said);
    }
}

#[test]
fn a_filter_that_is_not_there_or_none_stops_the_start() {
    let folder = Folder::new();
    let path = folder.file("filter").to_str().unwrap().to_owned();
    let refusal = folder.refuses(&[("password.breached_filter", &path)]);
    assert_eq!(refusal.code, Some(1));
    assert!(refusal.said.contains("cannot be read"), "{}", refusal.said);
    fs::write(&path, "correct horse battery\n").unwrap();
    let refusal = folder.refuses(&[("password.breached_filter", &path)]);
    assert!(
        refusal.said.contains("is no filter of breached passwords"),
        "{}",
        refusal.said
    );
}
