//! Somebody was at the file while no server ran: the first row that is not the one that was sealed is named.

use std::path::Path;

use relatch_core::{
    Timestamp,
    event::{
        EventStore as _,
        chain::LINK,
        head::{Point, SignedHead},
        seal::Sealer,
        verify::{Break, Verified, verify},
    },
    key::{Algorithm, KeySet, Keyring},
    token::{SigningKey, TokenKey, TokenKeys},
};
use relatch_store::Sessions;
use tempfile::TempDir;

use crate::sqlite::{connect, event, open, options};

const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);

fn keys(seed: u8) -> Keyring {
    let signing = SigningKey::open("key", Algorithm::EdDsa, &[seed; 32]).expect("a key");
    Keyring {
        published: KeySet::new(vec![signing.jwk().expect("a key")]).expect("a set"),
        signing,
        tokens: TokenKeys::new(TokenKey::new(1, &[7; 32]), Vec::new()),
        version: 1,
    }
}

/// A record of 13 rows: the two that begin it are the sixth and the seventh; one head is over the first 7, one over the 5 after
/// it, one over the last alone.
async fn record() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&options(folder.path()));
    let mut sealer = Sealer::default();
    for rows in [5, 5, 1] {
        for size in 0..rows {
            assert_eq!(store.append_event(event(size)).await, Ok(()));
        }
        let sealed = sealer.catch_up(store.as_ref(), &keys(1), NOW).await;
        assert_eq!(sealed, Ok(None));
    }
    store.close();
    folder
}

fn tamper(folder: &Path, sql: &str) {
    let triggers = "DROP TRIGGER event_stays; DROP TRIGGER event_stays_as_it_is; \
                    DROP TRIGGER event_head_stays; DROP TRIGGER event_head_stays_as_it_is;";
    let connection = connect(folder);
    connection.execute_batch(triggers).expect("drops");
    connection.execute_batch(sql).expect(sql);
}

async fn found(folder: &Path) -> Verified {
    let store = open(&options(folder));
    let found = verify(store.as_ref(), &keys(1).published, Vec::new()).await;
    store.close();
    found.expect("reads")
}

#[tokio::test]
async fn an_untouched_record_is_good() {
    let folder = record().await;
    let found = found(folder.path()).await;
    let told = (found.sealed, found.unsealed, found.heads, found.broken);
    assert_eq!(told, (13, 0, 3, None));
}

async fn each(cases: &[(&str, Break)]) {
    for (sql, expected) in cases {
        let folder = record().await;
        tamper(folder.path(), sql);
        let found = found(folder.path()).await;
        assert_eq!(found.broken.as_ref(), Some(expected), "{sql}");
        assert!(found.sealed < expected.first().max(1), "{sql}");
    }
}

#[tokio::test]
async fn the_first_row_that_was_changed_is_named() {
    let change = [
        (3, "at = at + 1"),
        (1, "name = 'session.ended'"),
        (7, "user_id = randomblob(16)"),
        (2, "user_id = x'00'"),
        (8, "session_id = zeroblob(16)"),
        (10, "address = '192.0.2.9'"),
        (12, "agent = CAST(x'ff' AS TEXT)"),
        (13, "detail = 'null'"),
    ];
    for (row, set) in change {
        let sql = format!("UPDATE event SET {set} WHERE number = {row}");
        each(&[(&sql, Break::Changed(row))]).await;
    }
    let several = "UPDATE event SET agent = 'y' WHERE number IN (4, 11)";
    each(&[(several, Break::Changed(4))]).await;
}

#[tokio::test]
async fn the_first_row_that_is_missing_is_named() {
    let cut_off = |first| Break::CutOff { first, sealed: 13 };
    each(&[
        ("DELETE FROM event WHERE number = 1", Break::Removed(1)),
        (
            "DELETE FROM event WHERE number IN (5, 6)",
            Break::Removed(5),
        ),
        ("DELETE FROM event WHERE number = 7", Break::Removed(7)),
        (
            "DELETE FROM event WHERE number BETWEEN 6 AND 12",
            Break::Removed(6),
        ),
        ("DELETE FROM event WHERE number > 12", cut_off(13)),
        ("DELETE FROM event WHERE number > 9", cut_off(10)),
        ("DELETE FROM event", cut_off(1)),
    ])
    .await;
    let both = "DELETE FROM event WHERE number = 4; UPDATE event SET agent = 'y' WHERE number = 3";
    each(&[(both, Break::Changed(3))]).await;
}

/// With every number there, too.
#[tokio::test]
async fn the_first_row_that_is_in_a_wrong_place_is_named() {
    let closed_up = "DELETE FROM event WHERE number = 9; \
                     UPDATE event SET number = number - 1 WHERE number > 9";
    let swapped = "UPDATE event SET number = -number WHERE number IN (2, 4); \
                   UPDATE event SET number = 6 + number WHERE number < 0";
    let row = "INSERT INTO event (number, at, name, user_id) VALUES";
    let inserted = format!(
        "UPDATE event SET number = -number WHERE number > 4; \
         UPDATE event SET number = 1 - number WHERE number < 0; \
         {row} (5, 1, 'x', zeroblob(16))"
    );
    let first = format!("{row} (0, 1, 'x', zeroblob(16))");
    let before = format!("{row} (-5, 1, 'x', zeroblob(16))");
    each(&[
        (closed_up, Break::Changed(9)),
        (swapped, Break::Changed(2)),
        (&inserted, Break::Changed(5)),
        (&first, Break::Inserted(0)),
        (&before, Break::Inserted(-5)),
    ])
    .await;
}

#[tokio::test]
async fn a_head_that_was_removed_or_changed_is_named() {
    let removed = |first, head| Break::HeadRemoved { first, head };
    each(&[
        ("DELETE FROM event_head WHERE number = 12", removed(8, 12)),
        ("DELETE FROM event_head WHERE number < 13", removed(1, 12)),
    ])
    .await;
    let changes = [
        ("at = at + 1000", 1, 7),
        ("signature = zeroblob(64)", 8, 12),
        ("links = zeroblob(32)", 8, 12),
        ("hash = zeroblob(32)", 13, 13),
        ("key_id = 'other'", 13, 13),
        ("algorithm = 'ES256'", 1, 7),
    ];
    for (set, first, head) in changes {
        let sql = format!("UPDATE event_head SET {set} WHERE number = {head}");
        each(&[(&sql, Break::HeadForged { first, head })]).await;
    }
    let moved = "UPDATE event_head SET number = 14 WHERE number = 13";
    let (first, head) = (13, 14);
    each(&[(moved, Break::HeadForged { first, head })]).await;
}

/// Whoever changes a row and makes every hash fit it anew, but has no key.
#[tokio::test]
async fn hashes_that_were_made_to_fit_do_not_help() {
    let folder = record().await;
    tamper(
        folder.path(),
        "UPDATE event SET agent = 'nobody' WHERE number = 9",
    );
    let store = open(&options(folder.path()));
    let heads = store.heads(None, 9).await.expect("reads");
    let from = heads[0].point;
    let rows = store.records(Some(7), 5).await.expect("reads");
    let (mut hash, mut links) = (from.hash, Vec::new());
    for row in &rows {
        hash = hash.then(row);
        links.extend(hash.link());
    }
    links.truncate(links.len() - LINK);
    store.close();
    let change = |head: &SignedHead| {
        let sql = "UPDATE event_head SET hash = ?1, links = ?2, signature = ?3 WHERE number = 12";
        let connection = connect(folder.path());
        let row = rusqlite::params![head.point.hash.0, head.links, head.signature];
        connection.execute(sql, row).expect("changes");
    };
    let point = Point { number: 12, hash };
    let forged = SignedHead {
        point,
        links: links.clone(),
        ..heads[1].clone()
    };
    let as_another = SignedHead::sign(point, links.clone(), &keys(2).signing, NOW);
    for head in [&forged, &as_another] {
        change(head);
        let broken = Break::HeadForged { first: 8, head: 12 };
        assert_eq!(found(folder.path()).await.broken, Some(broken));
    }
    // With the heads left alone the row itself is named.
    change(&heads[1]);
    assert_eq!(found(folder.path()).await.broken, Some(Break::Changed(9)));
    // With the key, all of it up to the next head would fit: the key is what this stands on.
    change(&SignedHead::sign(point, links, &keys(1).signing, NOW));
    assert_eq!(found(folder.path()).await.broken, Some(Break::Changed(13)));
}

/// A sealer that comes after the deed does not make it good by going on.
#[tokio::test]
async fn what_was_changed_stays_found_when_the_sealing_goes_on() {
    let folder = record().await;
    tamper(
        folder.path(),
        "UPDATE event SET agent = 'nobody' WHERE number = 9",
    );
    let store = open(&options(folder.path()));
    assert_eq!(store.append_event(event(3)).await, Ok(()));
    let sealed = Sealer::default()
        .catch_up(store.as_ref(), &keys(1), NOW)
        .await;
    assert_eq!(sealed, Ok(None));
    store.close();
    assert_eq!(found(folder.path()).await.broken, Some(Break::Changed(9)));
}

/// All heads are gone: the record says when its sealing began anew, and how much was there by then.
#[tokio::test]
async fn a_record_without_heads_says_since_when_it_is_sealed() {
    let folder = record().await;
    tamper(folder.path(), "DELETE FROM event_head");
    let store = open(&options(folder.path()));
    let sealed = Sealer::default()
        .catch_up(store.as_ref(), &keys(1), NOW)
        .await;
    assert_eq!(sealed, Ok(None));
    let rows = store.records(Some(13), 1).await.expect("reads");
    assert_eq!(rows[0].name, b"audit.sealing_began");
    assert_eq!(
        rows[0].detail.as_deref(),
        Some(&br#"{"earlier_events":13}"#[..])
    );
    store.close();
}

#[tokio::test]
async fn the_program_itself_changes_no_row_and_removes_none() {
    let folder = record().await;
    let connection = connect(folder.path());
    for sql in [
        "UPDATE event SET at = 0 WHERE number = 1",
        "DELETE FROM event WHERE number = 1",
        "UPDATE event_head SET at = 0",
        "DELETE FROM event_head",
    ] {
        let error = connection.execute_batch(sql).expect_err(sql);
        assert!(error.to_string().contains("are not"), "{sql}: {error}");
    }
}

/// A restored backup goes on from the head that it has; what was sealed after it was taken is told by heads kept elsewhere.
#[tokio::test]
async fn the_chain_of_a_restored_backup_goes_on() {
    let folder = record().await;
    let copy = folder.path().join("copy");
    relatch_store::sqlite::backup(&options(folder.path()), &copy, NOW).expect("copies");
    let prepared = relatch_store::Restoration::prepare(&options(folder.path()), &copy, NOW);
    let aside = folder.path().join("aside");
    let prepared = prepared.expect("prepares");
    crate::sqlite_backup::finish(prepared, Sessions::Keep, &aside, NOW).expect("restores");
    let store = open(&options(folder.path()));
    let sealed = Sealer::default()
        .catch_up(store.as_ref(), &keys(1), NOW)
        .await;
    assert_eq!(sealed, Ok(None));
    let rows = store.records(Some(13), 9).await.expect("reads");
    assert_eq!(rows[0].name, b"store.backup_restored");
    store.close();
    let found = found(folder.path()).await;
    assert_eq!((found.sealed, found.unsealed, found.broken), (14, 0, None));
}
