//! What a database knows that a backup, restored in its place, has forgotten.

use std::path::Path;

use relatch_store::{
    OpenError, Sessions,
    sqlite::{Named, Replaced, Since},
};

use crate::{
    sqlite::connect,
    sqlite_backup::{Scene, TAKEN, finish},
};

/// What the database knows that the backup has forgotten, after this has happened in it.
fn since(scene: &Scene, file: &Path, sql: &str) -> Since {
    connect(scene.folder.path())
        .execute_batch(sql)
        .expect("happens");
    let prepared = scene.prepare(file, TAKEN).expect("prepares");
    let Replaced::Known(since) = prepared.replaced() else {
        unreachable!("{:?}", prepared.replaced())
    };
    since.clone()
}

const EVENTS: &str =
    "INSERT INTO event (number, at, name, user_id) VALUES (1, 1, 'a', x'01'), (2, 2, 'b', x'02');
    INSERT INTO user SELECT unhex(format('%032x', column1)), column2, '', 'hash', 0, 0, 0, NULL
    FROM (VALUES (2, 'bob'), (3, 'eve'), (4, 'mallory'));
    INSERT INTO role VALUES ('editor', 'notes:*', 1), ('reader', 'notes:read', 2);
    INSERT INTO user_role SELECT id, name FROM user, role WHERE username IN ('bob', 'eve');
    INSERT INTO key SELECT 'signing', column1, 'EdDSA', column2, 0, NULL, zeroblob(8), x'00'
    FROM (VALUES ('s1', 'active'), ('s2', 'compromised'));
    INSERT INTO key VALUES ('refresh_tag', '1', NULL, 'active', 0, NULL, zeroblob(8), x'00');
    INSERT INTO resource_server VALUES ('billing', zeroblob(32), 0), ('notes', randomblob(32), 0), ('tags', randomblob(32), 0);";

fn known(since: &Since) -> Vec<String> {
    let names = |kind: &str, users: &[Named]| {
        let names = users.iter().map(|user| format!("{kind} {}", user.name));
        names.collect::<Vec<_>>()
    };
    let mut all: Vec<_> = since
        .withdrawn
        .iter()
        .map(|key| format!("key {}", key.id))
        .collect();
    all.extend(names("disabled", &since.disabled));
    all.extend(names("deleted", &since.deleted));
    all.extend(
        since
            .demoted
            .iter()
            .map(|(user, left)| format!("demoted {} to {left:?}", user.name)),
    );
    let removed = since.removed.iter();
    all.extend(removed.map(|name| format!("removed {}", name.as_str())));
    all.extend(names("password", &since.passwords));
    all.extend(since.roles.iter().map(|role| format!("role {role}")));
    all
}

#[tokio::test]
async fn what_a_backup_would_undo_is_known_from_the_database_that_it_replaces() {
    let scene = Scene::set();
    connect(scene.folder.path())
        .execute_batch(EVENTS)
        .expect("fills");
    let file = scene.backup("copy");
    assert_eq!(known(&since(&scene, &file, "")), [""; 0]);
    let happened = "
        UPDATE key SET state = 'compromised' WHERE id IN ('s1', '1');
        INSERT INTO key VALUES ('refresh_tag', '2', NULL, 'compromised', 0, NULL, zeroblob(8), x'00');
        UPDATE user SET disabled = 1, credential_version = 1 WHERE username = 'ada';
        DELETE FROM user_role WHERE user_id = unhex(format('%032x', 3));
        DELETE FROM user WHERE username = 'eve';
        UPDATE user SET deleted_at = 5, username = 'deleted:4', credential_version = 1 WHERE username = 'mallory';
        DELETE FROM user_role WHERE role = 'editor';
        UPDATE role SET permissions = '' WHERE name = 'reader';
        DELETE FROM role WHERE name = 'editor';
        DELETE FROM resource_server WHERE name = 'tags';
        UPDATE resource_server SET hash = randomblob(32) WHERE name = 'notes';
        INSERT INTO event (number, at, name, user_id) VALUES (3, 3, 'c', x'03');";
    let expected = [
        "key 1",
        "key 2",
        "key s1",
        "disabled ada",
        "deleted mallory",
        "deleted eve",
        "demoted bob to [RoleName(\"reader\")]",
        "removed notes",
        "removed tags",
        "password ada",
        "role editor",
        "role reader",
    ];
    assert_eq!(known(&since(&scene, &file, happened)), expected);
}

/// It was restored from an older backup itself, and went another way: who is not in it may never have been.
#[tokio::test]
async fn of_a_database_that_went_another_way_only_what_is_in_it_counts() {
    let scene = Scene::set();
    connect(scene.folder.path())
        .execute_batch(EVENTS)
        .expect("fills");
    let file = scene.backup("copy");
    let happened = "
        DROP TRIGGER event_stays_as_it_is;
        UPDATE event SET at = 7 WHERE number = 2;
        DELETE FROM user_role;
        DELETE FROM user WHERE username = 'eve';
        DELETE FROM resource_server;
        UPDATE user SET disabled = 1 WHERE username = 'bob';
        UPDATE key SET state = 'compromised'";
    let found = since(&scene, &file, happened);
    assert_eq!(known(&found), ["key 1", "key s1", "disabled bob"]);
    // Nor is the token key 1 of another installation ours.
    let found = since(&scene, &file, "UPDATE event SET at = 7");
    assert_eq!(known(&found), ["key s1", "disabled bob"]);
}

#[tokio::test]
async fn a_database_of_an_older_schema_is_not_looked_into_and_restored_over_all_the_same() {
    let scene = Scene::set();
    let file = scene.backup("copy");
    connect(scene.folder.path())
        .execute_batch("DELETE FROM migration WHERE number = (SELECT max(number) FROM migration)")
        .expect("goes back");
    let prepared = scene.prepare(&file, TAKEN).expect("prepares");
    let unread = matches!(
        prepared.replaced(),
        Replaced::Unreadable(OpenError::Older { .. })
    );
    assert!(unread, "{:?}", prepared.replaced());
    finish(prepared, Sessions::Keep, &scene.path("aside"), TAKEN).expect("restores");
}
