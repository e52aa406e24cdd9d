//! What somebody has who copies a file.

use std::{path::Path, time::Duration};

use relatch_client::{Client, Error, FileStore};
use serde_json::{Value, json};

use crate::{
    scene::{Ahead, Mode, access, builder, client_of, generation, reason, register, server},
    support::{Server, post},
};

/// A client with its file, whose clock can be put ahead.
fn with_clock(server: &Server, mode: Mode, file: &Path) -> (Client, Ahead) {
    let ahead = Ahead::default();
    let client = builder(server.address, mode).clock(ahead.clock());
    let client = client.store(FileStore::new(file)).build().unwrap();
    (client, ahead)
}

fn copy(from: &Path, to: &Path) {
    // With its mode.
    std::fs::copy(from, to).unwrap();
}

/// Here and at the server: neither the client nor anything else gets a token for it, and the owner notices nothing.
#[tokio::test]
async fn a_copied_token_file_without_its_key_is_of_no_use() {
    let server = server(&[]);
    let folder = tempfile::tempdir().unwrap();
    let [file, stolen] = ["mine", "stolen"].map(|name| folder.path().join(name));
    let (owner, ahead) = with_clock(&server, Mode::Bound, &file);
    register(&owner, "ada").await;
    copy(&file, &stolen);
    let (thief, of_thief) = with_clock(&server, Mode::Bound, &stolen);
    assert!(matches!(thief.user().await, Err(Error::KeyMissing)));
    of_thief.by(Duration::from_mins(15));
    assert!(matches!(thief.user().await, Err(Error::KeyMissing)));

    let kept: Value = serde_json::from_slice(&std::fs::read(&stolen).unwrap()).unwrap();
    let body = json!({ "refresh_token": kept["session"]["refresh_token"] });
    for path in ["/auth/refresh", "/auth/logout"] {
        let reply = post(path).json(&body).send(server.address);
        assert_eq!(reply.status, 401, "{reply:?}");
    }
    // With a key of his own.
    let other = client_of(server.address, Mode::Bound, &folder.path().join("other"));
    register(&other, "mallory").await;
    let key = folder.path().join("stolen.key");
    copy(&folder.path().join("other.key"), &key);
    assert!(matches!(thief.user().await, Err(Error::KeyMissing)));

    ahead.by(Duration::from_mins(15));
    assert_eq!(generation(&access(&owner).await.unwrap()), 1);
    owner.user().await.unwrap();
    thief.logout().await.unwrap();
    owner.user().await.unwrap();
}

/// Half of a restored backup: the next login works, with a new key.
#[tokio::test]
async fn a_lost_key_is_made_good_by_a_login() {
    let server = server(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session");
    register(&client_of(server.address, Mode::Bound, &file), "ada").await;
    let key = folder.path().join("session.key");
    let first = std::fs::read(&key).unwrap();
    for broken in [None, Some("nonsense")] {
        match broken {
            None => std::fs::remove_file(&key).unwrap(),
            Some(text) => std::fs::write(&key, text).unwrap(),
        }
        let client = client_of(server.address, Mode::Bound, &file);
        let said = client.user().await;
        assert!(
            matches!(&said, Err(error) if error.wants_login()),
            "{said:?}"
        );
        let login = relatch_client::Login::new("ada", crate::scene::PASSWORD);
        client.login(login).await.unwrap();
        client.user().await.unwrap();
        assert_ne!(std::fs::read(&key).unwrap(), first);
    }
}

/// A bearer's copy works, until both have used what they hold: then it is over for both, and the owner is told.
#[tokio::test]
async fn a_copied_bearer_file_ends_the_session_and_the_owner_hears_of_it() {
    let server = server(&[("session.retry_window", "0s")]);
    let folder = tempfile::tempdir().unwrap();
    for thief_first in [true, false] {
        let name = format!("ada-{thief_first}");
        let [file, stolen] =
            ["mine", "stolen"].map(|part| folder.path().join(format!("{part}-{name}")));
        let (owner, of_owner) = with_clock(&server, Mode::Bearer, &file);
        register(&owner, &name).await;
        copy(&file, &stolen);
        let (thief, of_thief) = with_clock(&server, Mode::Bearer, &stolen);
        for ahead in [of_owner, of_thief] {
            ahead.by(Duration::from_mins(15));
        }
        let (first, second) = if thief_first {
            (&thief, &owner)
        } else {
            (&owner, &thief)
        };
        access(first).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert_eq!(reason(access(second).await), "reuse");
        let told = owner.user().await;
        assert_eq!(reason(told), "reuse");
    }
}

/// Not in what is written, and not in what is said.
#[tokio::test]
async fn no_password_is_kept_and_no_token_is_shown() {
    let server = server(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session");
    let client = client_of(server.address, Mode::Bound, &file);
    register(&client, "ada").await;
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(!kept.contains(crate::scene::PASSWORD));
    let token = access(&client).await.unwrap();
    let authorization = client
        .authorize("GET", "http://localhost/auth/me")
        .await
        .unwrap();
    let shown = format!("{client:?} {authorization:?} {:?}", client.state().await);
    assert!(
        !shown.contains(&token) && !shown.contains("relatch_rt_"),
        "{shown}"
    );
}
