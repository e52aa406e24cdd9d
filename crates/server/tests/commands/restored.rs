//! What a restore does not undo, where the database that it replaces can be read.

use serde_json::{Value, json};

use crate::support::{Folder, Server, Tokens, account::PASSWORD, get};

/// A backup of what `before` made, and a stopped server on which `after` happened since.
fn since(before: impl Fn(&Server), after: impl Fn(&Server)) -> Folder {
    let server = Server::start(&[]);
    before(&server);
    server.runs(&["db", "backup", &copy(&server.folder)]);
    after(&server);
    server.stop()
}

fn copy(folder: &Folder) -> String {
    let copy = folder.data().with_file_name("copy");
    copy.to_str().unwrap().to_owned()
}

/// What `db restore` prints for scripts, and for people on the same state.
fn restore(folder: &Folder, sessions: &str) -> (Value, String) {
    let copy = copy(folder);
    let words = ["db", "restore", &copy, "--sessions", sessions];
    let database = std::fs::read(folder.database()).unwrap();
    let text = folder.run(&words, "").done().out;
    std::fs::write(folder.database(), database).unwrap();
    (folder.ask(&words), text)
}

fn keys(folder: &Folder) -> Vec<Value> {
    let keys = folder.ask(&["key", "list"]);
    keys["keys"].as_array().unwrap().clone()
}

fn in_state(keys: &[Value], state: &str) -> Vec<String> {
    let found = keys.iter().filter(|key| key["state"] == state);
    found
        .map(|key| key["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_key_that_was_withdrawn_since_the_backup_stays_withdrawn() {
    let withdrawn = std::cell::RefCell::new(Vec::new());
    let folder = since(
        |server| drop(server.register("ada")),
        |server| {
            // Both kinds, the standbys too: the backup has no other keys than these.
            for key in keys(&server.folder) {
                let id = key["id"].as_str().unwrap();
                server.runs(&["key", "compromise", id, "--yes"]);
                withdrawn.borrow_mut().push(id.to_owned());
            }
        },
    );
    let withdrawn = withdrawn.into_inner();
    assert_eq!(withdrawn.len(), 4);
    let (json, text) = restore(&folder, "keep");
    let mut told: Vec<String> =
        serde_json::from_value(json["carried_over"]["keys_withdrawn"].clone()).unwrap();
    told.sort();
    assert_eq!(told, {
        let mut all = withdrawn.clone();
        all.sort();
        all
    });
    assert!(text.contains("stay withdrawn: "), "{text}");
    assert!(text.contains("token key 1"), "{text}");
    let after = keys(&folder);
    let mut gone = in_state(&after, "compromised");
    gone.sort();
    assert_eq!(gone, told);
    assert_eq!(in_state(&after, "active").len(), 2, "there are new ones");
    assert_eq!(in_state(&after, "announced").len(), 2);
    let server = folder.start(&[]);
    server.turn(&Tokens::of(&server.log_in("ada", PASSWORD)));
}

#[test]
fn a_refresh_token_of_a_withdrawn_key_is_refused_after_the_restore_too() {
    let tokens = std::cell::RefCell::new(None);
    let folder = since(
        |server| drop(tokens.replace(Some(server.register("ada")))),
        |server| drop(server.runs(&["key", "compromise", "1", "--yes"])),
    );
    restore(&folder, "keep");
    let server = folder.start(&[]);
    let ada = tokens.into_inner().unwrap();
    assert_eq!(server.refresh(&ada.refresh).status, 401);
    assert_eq!(server.me(&ada.access).status, 200, "its session lives");
}

#[test]
fn who_was_shut_out_stays_so_and_lost_roles_stay_lost() {
    let folder = since(
        |server| {
            for name in ["ada", "bob", "eve", "mallory"] {
                server.register(name);
            }
            server.runs(&["role", "put", "admin", "relatch:*"]);
            server.runs(&["role", "put", "editor", "notes:*"]);
            server.runs(&["user", "roles", "bob", "--set", "admin,editor"]);
        },
        |server| {
            server.runs(&["user", "disable", "mallory"]);
            server.runs(&["user", "delete", "eve", "--yes"]);
            server.runs(&["user", "roles", "bob", "--set", "editor"]);
            server.runs(&["role", "put", "editor", "notes:read"]);
            let changed = server.log_in("ada", PASSWORD).string("access_token");
            server.change_password(&changed, PASSWORD, "another long enough password");
        },
    );
    let eve = folder.run(&["user", "show", "eve", "--json"], "");
    assert_eq!(eve.code, 3, "{eve:?}");
    let (json, text) = restore(&folder, "keep");
    let carried = json["carried_over"].clone();
    assert_eq!(carried["users_disabled"], json!(["mallory"]));
    assert_eq!(carried["users_deleted"].as_array().unwrap().len(), 1);
    let demoted = json!([{ "user": "bob", "roles": ["editor"] }]);
    assert_eq!(carried["roles_taken"], demoted);
    let forgotten = json!({ "passwords_changed": ["ada"], "roles_changed": ["editor"] });
    assert_eq!(json["forgotten"], forgotten);
    for told in [
        "Users disabled since stay disabled: mallory.",
        "Users deleted since stay deleted: ",
        "Roles taken since stay taken, from: bob.",
        "OLD ONES AGAIN, of: ada.",
        "were deleted, are the old ones again: editor.",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    // What it knows now is known to the next restore, too.
    let (again, _) = restore(&folder, "end-all");
    assert_eq!(again["carried_over"], carried);
    let roles = folder.ask(&["user", "roles", "bob"]);
    assert_eq!(roles["roles"], json!(["editor"]));
    assert_eq!(folder.run(&["user", "show", "eve"], "").code, 3);
    assert_eq!(folder.run(&["db", "check"], "").code, 0);
    let server = folder.start(&[]);
    assert_eq!(server.log_in("eve", PASSWORD).status, 401);
    assert_eq!(server.log_in("mallory", PASSWORD).status, 403);
    assert_eq!(server.log_in("ada", PASSWORD).status, 200);
}

#[test]
fn a_credential_that_was_taken_from_a_resource_server_stays_taken() {
    let credentials = std::cell::RefCell::new(Vec::new());
    let add = |server: &Server, name: &str| {
        let said = server.folder.ask(&["resource-server", "add", name]);
        let credential = said["credential"].as_str().unwrap().to_owned();
        credentials.borrow_mut().push(credential);
    };
    let folder = since(
        |server| {
            for name in ["leaked", "changed", "kept"] {
                add(server, name);
            }
        },
        |server| {
            server.runs(&["resource-server", "remove", "leaked"]);
            server.runs(&["resource-server", "remove", "changed"]);
            add(server, "changed");
        },
    );
    let (json, text) = restore(&folder, "keep");
    let removed = json!(["changed", "leaked"]);
    assert_eq!(json["carried_over"]["resource_servers_removed"], removed);
    assert!(text.contains("removed: changed, leaked.\n"), "{text}");
    let server = folder.start(&[]);
    let credentials = credentials.into_inner();
    let statuses = credentials.iter().map(|credential| {
        let request = get("/revocations/snapshot").bearer(credential);
        request.send(server.address).status
    });
    // The one that came after the backup is forgotten with everything else.
    assert_eq!(statuses.collect::<Vec<_>>(), [401, 401, 200, 401]);
}

#[test]
fn a_database_that_cannot_be_read_is_told_and_the_backup_restored_as_it_was() {
    let folder = since(
        |server| drop(server.register("ada")),
        |server| drop(server.runs(&["user", "disable", "ada"])),
    );
    std::fs::write(folder.database(), "no database, ".repeat(1_000)).unwrap();
    let copy = copy(&folder);
    let json = folder.ask(&["db", "restore", &copy, "--sessions", "keep"]);
    assert_eq!(json["carried_over"], Value::Null);
    let why = json["unread_because"].as_str().unwrap();
    assert!(why.contains("not a database"), "{why}");
    assert_eq!(folder.start(&[]).log_in("ada", PASSWORD).status, 200);
}
