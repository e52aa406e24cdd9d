//! A master key that is kept elsewhere: named by the configuration, or in the environment.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    support::{Folder, Server},
    tool::{Said, relatch_with},
};

/// Two keys as an operator makes them.
fn keys() -> [String; 2] {
    ["0a", "0b"].map(|byte| byte.repeat(32))
}

/// Where the key is: not in the data folder, and readable to all, as Docker brings it.
fn elsewhere(folder: &Folder, text: &str) -> PathBuf {
    let path = folder.data().with_file_name("secret");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    path
}

fn start(folder: Folder, path: &Path) -> Server {
    folder.start(&[("keys.master_key_file", path.to_str().unwrap())])
}

#[test]
fn a_named_key_is_used_and_never_made() {
    let folder = Folder::new();
    let path = folder.data().with_file_name("secret");
    let setting = ("keys.master_key_file", path.to_str().unwrap());
    let refusal = folder.refuses(&[setting]);
    assert_eq!(refusal.code, Some(1));
    assert!(
        refusal.said.contains("is never made by itself"),
        "{}",
        refusal.said
    );
    assert!(!path.exists() && !folder.master_key().exists());
    elsewhere(&folder, &keys()[0]);
    let server = start(folder, &path);
    let ada = server.register("ada");
    assert!(!server.folder.master_key().exists(), "nothing is made here");
    let said = server.runs(&["token", "inspect", &ada.access]);
    assert!(said.out.contains("would be accepted"), "{said:?}");
    let id = server.runs(&["key", "list", "--json"]).json()["keys"][2]["id"].clone();
    server.runs(&["key", "compromise", id.as_str().unwrap()]);
    let copy = path.with_file_name("copy");
    let copy = copy.to_str().unwrap();
    let taken = server.runs(&["db", "backup", copy]);
    assert!(
        taken
            .out
            .contains(&format!("keep {} somewhere", path.display())),
        "{taken:?}"
    );
    let shown = server.runs(&["config", "show"]).out;
    assert!(!shown.contains("0a0a"), "{shown}");
    let folder = server.stop();
    folder
        .run(&["db", "restore", copy, "--sessions", "keep"], "")
        .done();
    start(folder, &path).turn(&ada);
}

#[test]
fn a_named_key_gives_way_to_the_one_before_it_beside_a_running_server() {
    let [old, new] = keys();
    let folder = Folder::new();
    let path = elsewhere(&folder, &old);
    let server = start(folder, &path);
    let ada = server.register("ada");
    let said = server.run(&["key", "rewrap"]);
    said.failed(1, "put a new one (`openssl rand -hex 32`) before it");
    fs::remove_file(&path).unwrap();
    elsewhere(&server.folder, &format!("{new}\n{old}\n"));
    let said = server.runs(&["key", "rewrap"]);
    assert!(
        said.out.contains("sealed with the first master key in "),
        "{said:?}"
    );
    let ada = server.turn(&ada);
    // It makes keys with the new one, too.
    let id = server.runs(&["key", "list", "--json"]).json()["keys"][2]["id"].clone();
    server.runs(&["key", "compromise", id.as_str().unwrap()]);
    let ada = server.turn(&ada);
    let folder = server.stop();
    assert!(
        !folder.logged().contains("cannot be opened"),
        "{}",
        folder.logged()
    );
    fs::remove_file(&path).unwrap();
    elsewhere(&folder, &new);
    start(folder, &path).turn(&ada);
}

#[test]
fn a_key_in_the_environment_opens_and_is_shown_nowhere() {
    let folder = Server::start(&[]).stop();
    let own = fs::read_to_string(folder.master_key()).unwrap();
    fs::remove_file(folder.master_key()).unwrap();
    let with = |key: &str, words: &[&str]| -> Said {
        let data = folder.data();
        let words = [words, &["--data", data.to_str().unwrap()]].concat();
        let mut command = Command::new(env!("CARGO_BIN_EXE_relatch"));
        command.args(words).env_clear();
        relatch_with(command.env("RELATCH_KEYS_MASTER_KEY", key), "")
    };
    with(own.trim(), &["db", "check"]).done();
    let other = with(&keys()[0], &["db", "check"]);
    assert_eq!(other.code, 4);
    assert!(
        other.out.contains("were sealed under master key"),
        "{other:?}"
    );
    let shown = with(own.trim(), &["config", "show"]).done().out;
    assert!(
        shown.contains("(secret)") && !shown.contains(own.trim()),
        "{shown}"
    );
    let wrong = with(&own.trim()[1..], &["db", "check"]);
    assert!(!wrong.err.contains(&own[1..20]), "{wrong:?}");
    wrong.failed(
        1,
        "RELATCH_KEYS_MASTER_KEY: keys.master_key: must be 64 hexadecimal digits",
    );
    assert!(!folder.master_key().exists());
    let rewrapped = with(&format!("{} {}", keys()[1], own.trim()), &["key", "rewrap"]).done();
    assert!(
        rewrapped.out.contains("in RELATCH_KEYS_MASTER_KEY"),
        "{rewrapped:?}"
    );
    with(&keys()[1], &["db", "check"]).done();
}
