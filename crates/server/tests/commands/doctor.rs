//! `relatch doctor`: an installation that is well, and each way in which one is not.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use crate::{
    support::{Folder, Server, tls::Secure},
    tool::Said,
};

/// What was found, each as `severity name`.
fn found(said: &Said) -> Vec<String> {
    let value = said.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let findings = value["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| {
            assert!(text(&finding["mend"]).ends_with('.'), "{finding}");
            format!("{} {}", text(&finding["severity"]), text(&finding["name"]))
        })
        .collect()
}

/// Asks beside the server of this folder, whose passwords are hashed cheaply on purpose.
fn ask(folder: &Folder) -> (i32, Vec<String>) {
    let said = folder.run(&["doctor", "--json"], "");
    let mut found = found(&said);
    found.retain(|found| !found.ends_with("weak_passwords") && !found.ends_with("not_durable"));
    (said.code, found)
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A folder with the server's defaults, in which one has run.
fn used() -> Folder {
    let folder = Server::start(&[]).stop();
    std::fs::write(folder.config(), "[issuer]\nurl = \"http://relatch.test\"\n").unwrap();
    folder
}

#[test]
fn nothing_is_wrong_with_the_defaults() {
    let folder = used();
    let said = folder.run(&["doctor"], "").done();
    assert_eq!(said.out, "Nothing is wrong.\n");
    let said = folder.run(&["doctor", "--json"], "").done();
    assert!(said.json()["worst"].is_null());
}

#[test]
fn before_the_first_start_there_is_nothing_to_mend() {
    let folder = Folder::new();
    std::fs::write(folder.config(), "").unwrap();
    let said = folder.run(&["doctor", "--json"], "").done();
    assert_eq!(found(&said), ["note database.absent"]);
    assert!(!folder.data().exists(), "nothing is made");
}

#[test]
fn each_problem_of_the_configuration_is_a_fault() {
    let folder = Folder::new();
    std::fs::write(
        folder.config(),
        "[session]\nretry_windw = \"1s\"\n[sesion]\nx = 1\n",
    )
    .unwrap();
    let said = folder
        .run(&["doctor", "--json"], "")
        .failed(4, "2 to be mended");
    assert_eq!(found(&said), ["fault configuration.wrong"; 2]);
}

#[test]
fn a_warning_has_a_code_of_its_own_and_is_told_in_sentences() {
    let folder = used();
    let config = "session.access_lifetime = \"2h\"\nissuer.url = \"http://relatch.test\"\n";
    std::fs::write(folder.config(), config).unwrap();
    let said = folder.run(&["doctor"], "").failed(5, "1 to be seen to");
    let first = said.out.lines().next();
    assert_eq!(first, Some("warning: settings.long_access"), "{}", said.out);
    assert!(said.out.contains("Lower session.access_lifetime"));
}

#[test]
fn files_that_others_may_read_or_write_are_faults() {
    let folder = used();
    set_mode(&folder.database(), 0o644);
    set_mode(&folder.data(), 0o755);
    set_mode(&folder.config(), 0o666);
    let (code, found) = ask(&folder);
    assert_eq!(code, 4);
    assert_eq!(
        found,
        [
            "fault files.readable",
            "fault files.writable",
            "warning files.open_folder"
        ]
    );
    set_mode(&folder.master_key(), 0o640);
    let found = ask(&folder).1;
    let readable = found
        .iter()
        .filter(|found| found.ends_with("files.readable"));
    assert_eq!(readable.count(), 2, "{found:?}");
    assert!(found.contains(&"fault keys.locked".to_owned()), "{found:?}");
}

#[test]
fn a_master_key_of_another_database_is_a_fault() {
    let folder = used();
    std::fs::write(folder.master_key(), "ab".repeat(32)).unwrap();
    assert_eq!(ask(&folder), (4, vec!["fault keys.locked".to_owned()]));
}

#[test]
fn a_clock_that_was_set_back_is_a_fault() {
    let folder = used();
    let database = folder.open_database();
    let sql = "INSERT INTO event (number, at, name, user_id) \
               SELECT max(number) + 1, max(at) + 600000, 'key.rotated', zeroblob(16) FROM event";
    database.execute(sql, []).unwrap();
    drop(database);
    assert_eq!(ask(&folder), (4, vec!["fault clock.back".to_owned()]));
}

#[test]
fn keys_that_should_have_turned_are_a_warning() {
    let folder = used();
    let database = folder.open_database();
    let aged = database.execute("UPDATE key SET since = since - 8640000000", []);
    assert!(aged.unwrap() > 0);
    drop(database);
    let (code, found) = ask(&folder);
    assert_eq!(code, 5);
    assert_eq!(found, ["warning keys.overdue"; 2]);
}

#[test]
fn another_schema_and_damage_are_faults() {
    let folder = used();
    let database = folder.open_database();
    database.execute_batch("DROP INDEX event_user").unwrap();
    drop(database);
    assert_eq!(ask(&folder), (4, vec!["fault database.schema".to_owned()]));
    let mut bytes = std::fs::read(folder.database()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    std::fs::write(folder.database(), bytes).unwrap();
    let (code, found) = ask(&folder);
    assert_eq!(code, 4);
    assert!(found[0].starts_with("fault database."), "{found:?}");
}

#[test]
fn certificates_are_held_against_the_issuers_name_and_their_keys() {
    let server = Secure::start(&[]);
    // Its certificate is for localhost, and its issuer another host.
    let (code, found) = ask(&server.folder);
    assert_eq!(code, 4);
    assert_eq!(
        found,
        ["fault certificates.names", "note certificates.chain"]
    );
    let key = server.folder.file("pair-0").join("tls-dev/certificate.key");
    set_mode(&key, 0o644);
    assert!(
        ask(&server.folder)
            .1
            .contains(&"fault files.readable".to_owned())
    );
    std::fs::write(&key, "no key").unwrap();
    let found = ask(&server.folder).1;
    assert!(
        found.contains(&"fault certificates.unusable".to_owned()),
        "{found:?}"
    );
}

#[test]
fn it_changes_nothing_beside_a_running_server() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let before = server.folder.content();
    ask(&server.folder);
    assert_eq!(server.folder.content(), before);
    server.turn(&owner);
}
