//! The database without the key, the key without the database, and files that others may read.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use relatch_core::{
    session::{Generation, SessionId, SessionSecret},
    token::TokenKey,
};
use uuid::Uuid;

use crate::support::{
    Folder, Server, Tokens,
    refresh_token::{decode, encode, generation, session},
};

/// A folder with a stopped server's database in it, the key beside it, and the tokens of one user.
fn stolen() -> (Folder, Tokens) {
    let server = Server::start(&[]);
    let tokens = server.register("ada");
    (server.stop(), tokens)
}

fn fresh() -> Folder {
    let folder = Folder::new();
    fs::create_dir(folder.data()).unwrap();
    fs::set_permissions(folder.data(), fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_stolen_database_without_its_key_serves_nobody() {
    let (theirs, _) = stolen();
    let thief = fresh();
    fs::copy(theirs.database(), thief.database()).unwrap();
    let refusal = thief.refuses(&[]);
    assert_eq!(refusal.code, Some(1));
    assert!(
        refusal
            .said
            .contains("the master key that opens them is missing"),
        "{}",
        refusal.said
    );
    assert!(
        refusal.said.contains("master.key is not there"),
        "{}",
        refusal.said
    );
    let left: Vec<_> = fs::read_dir(thief.data())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().contains("master")),
        "{left:?}"
    );
}

#[test]
fn a_stolen_database_does_not_open_under_another_key() {
    let (theirs, _) = stolen();
    let (thief, _) = stolen();
    let before = theirs.content();
    fs::copy(thief.master_key(), theirs.master_key()).unwrap();
    let refusal = theirs.refuses(&[]);
    assert_eq!(refusal.code, Some(1));
    assert!(
        refusal.said.contains("were sealed under master key"),
        "{}",
        refusal.said
    );
    assert_eq!(
        theirs.content(),
        before,
        "and nothing is put in the place of its keys"
    );
}

#[test]
fn a_stolen_key_without_the_database_makes_no_token_of_ours() {
    let (theirs, tokens) = stolen();
    let thief = fresh();
    fs::copy(theirs.master_key(), thief.master_key()).unwrap();
    let evil = thief.start(&[]);
    evil.refresh(&tokens.refresh).is(401, "invalid_token");
    evil.me(&tokens.access).is(401, "invalid_token");
    let forged = evil.register("ada");
    let ours = theirs.start(&[]);
    ours.refresh(&forged.refresh).is(401, "invalid_token");
    ours.me(&forged.access).is(401, "invalid_token");
    ours.turn(&tokens);
}

#[test]
fn a_reader_of_the_database_cannot_forge_a_refresh_token() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let id = session(&owner.refresh);
    let secret = SessionSecret::from_bytes(server.folder.session_secret(id));
    for guess in [[0; 32], [0xff; 32], server.folder.session_secret(id)] {
        for turn in 0..3 {
            let key = TokenKey::new(1, &guess);
            let forged = key.issue(SessionId(Uuid::from_bytes(id)), &secret, Generation(turn));
            server.refresh(forged.expose()).is(401, "invalid_token");
            server.log_out(forged.expose()).is(401, "invalid_token");
        }
    }
    assert_eq!(generation(&server.turn(&owner).refresh), 1);
}

#[test]
fn a_holder_of_the_token_key_cannot_forge_without_the_sessions_secret() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let id = SessionId(Uuid::from_bytes(session(&owner.refresh)));
    let keys = server.folder.open_keys();
    let right = SessionSecret::from_bytes(server.folder.session_secret(session(&owner.refresh)));
    let made = keys.tokens.newest().issue(id, &right, Generation(0));
    assert_eq!(made.expose(), owner.refresh, "the forger's tool works");
    for guess in [[0; 32], [0xff; 32]] {
        for turn in [0, 1, 7, u32::MAX] {
            let secret = SessionSecret::from_bytes(guess);
            let forged = keys.tokens.newest().issue(id, &secret, Generation(turn));
            let reply = server.refresh(forged.expose());
            reply.is(401, "invalid_token");
            assert!(reply.json().get("reason").is_none());
            server.log_out(forged.expose()).is(401, "invalid_token");
        }
    }
    assert_eq!(generation(&server.turn(&owner).refresh), 1);
}

#[test]
fn a_forged_token_of_an_ended_session_is_not_told_why_it_ended() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    assert_eq!(server.log_out(&owner.refresh).status, 200);
    let id = SessionId(Uuid::from_bytes(session(&owner.refresh)));
    let keys = server.folder.open_keys();
    let secret = SessionSecret::from_bytes([0; 32]);
    let forged = keys.tokens.newest().issue(id, &secret, Generation(0));
    server.refresh(forged.expose()).is(401, "invalid_token");
    server.refresh(&owner.refresh).is_over("logout");
}

#[test]
fn a_token_of_a_later_version_or_another_key_is_garbage() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    for (place, values) in [(0, [0, 2, 255]), (1, [0, 2, 255])] {
        for value in values {
            let mut bytes = decode(&owner.refresh);
            bytes[place] = value;
            server.refresh(&encode(&bytes)).is(401, "invalid_token");
        }
    }
    server.turn(&owner);
}

#[test]
fn nobody_else_on_the_machine_reads_our_files() {
    let server = Server::start(&[]);
    server.register("ada");
    let data = server.folder.data();
    assert_eq!(mode(&data), 0o700);
    let mut names = Vec::new();
    for file in fs::read_dir(&data).unwrap() {
        let file = file.unwrap();
        assert_eq!(mode(&file.path()), 0o600, "{:?}", file.path());
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "master.key",
            "relatch.db",
            "relatch.db-shm",
            "relatch.db-wal"
        ]
    );
}

#[test]
fn a_master_key_that_others_may_read_is_refused() {
    let (folder, _) = stolen();
    for open in [0o640, 0o604, 0o620, 0o644, 0o660] {
        fs::set_permissions(folder.master_key(), fs::Permissions::from_mode(open)).unwrap();
        let refusal = folder.refuses(&[]);
        assert_eq!(refusal.code, Some(1));
        let sentence = format!("may be read by others (mode {open:04o})");
        assert!(refusal.said.contains(&sentence), "{}", refusal.said);
    }
    fs::set_permissions(folder.master_key(), fs::Permissions::from_mode(0o600)).unwrap();
    folder.start(&[]).is_well();
}

#[test]
fn a_damaged_master_key_is_refused_and_left_as_it_is() {
    let (folder, tokens) = stolen();
    let good = fs::read_to_string(folder.master_key()).unwrap();
    let damaged = [
        "",
        "\n",
        "x",
        &good[..63],
        &good.replacen(&good[..1], "g", 1),
        &format!("{}{good}", good.trim()),
    ];
    for text in damaged {
        fs::write(folder.master_key(), text).unwrap();
        let refusal = folder.refuses(&[]);
        assert_eq!(refusal.code, Some(1));
        assert!(
            refusal.said.contains("is not 64 hexadecimal digits"),
            "{}",
            refusal.said
        );
        assert_eq!(fs::read_to_string(folder.master_key()).unwrap(), text);
        assert!(
            text.trim().len() < 16 || !refusal.said.contains(text.trim()),
            "it is never printed"
        );
    }
    fs::write(folder.master_key(), good).unwrap();
    folder.start(&[]).turn(&tokens);
}

#[test]
fn a_newer_database_is_refused_and_left_as_it_is() {
    let (folder, _) = stolen();
    let sql = "INSERT INTO migration (number, name, checksum) VALUES (99, 'later', x'00')";
    folder.open_database().execute(sql, []).unwrap();
    let before = folder.content();
    let refusal = folder.refuses(&[]);
    assert_eq!(refusal.code, Some(1));
    assert!(
        refusal
            .said
            .contains("the database has schema 99, this binary knows up to"),
        "{}",
        refusal.said
    );
    assert_eq!(folder.content(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = fresh();
    let bytes = "not a database, but somebody's letter ".repeat(200);
    fs::write(folder.database(), &bytes).unwrap();
    let refusal = folder.refuses(&[]);
    assert_eq!(refusal.code, Some(1));
    assert!(
        refusal.said.contains("relatch.db cannot be used"),
        "{}",
        refusal.said
    );
    assert_eq!(fs::read_to_string(folder.database()).unwrap(), bytes);
}

#[test]
fn keys_swapped_between_rows_or_edited_do_not_open() {
    let (folder, _) = stolen();
    let swap = "UPDATE key SET sealed = (SELECT other.sealed FROM key AS other WHERE other.purpose <> key.purpose)";
    folder.open_database().execute(swap, []).unwrap();
    let refusal = folder.refuses(&[]);
    assert_eq!(refusal.code, Some(1));
    assert!(refusal.said.contains("is damaged"), "{}", refusal.said);
}
