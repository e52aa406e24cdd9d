//! The schema of the database changes by a start and by `db migrate`, and by no other command.

use rusqlite::Connection;

use crate::support::{Folder, Server};

/// A folder whose database is of Relatch and has no table yet, as the oldest one there can be.
fn oldest() -> Folder {
    let folder = Server::start(&[]).stop();
    std::fs::remove_file(folder.database()).unwrap();
    let database = Connection::open(folder.database()).unwrap();
    let sql = "PRAGMA application_id = 0x52454c41;
        CREATE TABLE migration (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum BLOB NOT NULL) STRICT;";
    database.execute_batch(sql).unwrap();
    folder
}

#[test]
fn no_command_changes_the_schema_under_an_older_server() {
    let folder = oldest();
    let before = std::fs::read(folder.database()).unwrap();
    for words in [
        &["user", "list"][..],
        &["session", "list"],
        &["role", "list"],
        &["key", "list"],
        &["key", "rotate"],
        &["db", "stats"],
    ] {
        let said = folder.run(words, "");
        let said = said.failed(1, "the database has schema 0, this binary has ");
        said.failed(1, "`relatch db migrate` brings it up to date");
    }
    let said = folder.run(&["db", "check"], "");
    assert!(said.out.contains("`relatch db migrate`"), "{said:?}");
    assert_eq!(std::fs::read(folder.database()).unwrap(), before);
}

#[test]
fn a_schema_is_brought_up_to_date_once_and_while_nobody_works_with_it() {
    let folder = oldest();
    let migrated = folder.run(&["db", "migrate", "--json"], "").done().json();
    assert_eq!(migrated["from"], 0);
    assert!(migrated["to"].as_u64().unwrap() >= 4);
    let again = folder.run(&["db", "migrate"], "").done();
    assert!(again.out.contains("nothing to do"), "{again:?}");
    let server = folder.start(&[]);
    server.runs(&["user", "list"]);
    let said = server.run(&["db", "migrate"]);
    said.failed(1, "it is in use: stop the server");
}
