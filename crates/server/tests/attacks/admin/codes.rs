//! One-time codes: replayed, guessed, kept for later, read out of the database.

use std::time::Instant;

use serde_json::json;

use super::{holder, order, user_id};
use crate::support::{Reply, Server, Tokens, account::PASSWORD, at_once, get, post};

const NEW: &str = "another horse, another staple";

const WRONG: &str = "00000-00000-00000-00000";

struct Scene {
    server: Server,
    root: Tokens,
    ada: Tokens,
}

impl Scene {
    fn set(settings: &[(&str, &str)]) -> Self {
        let server = Server::start(settings);
        let root = holder(&server, "root", &["relatch:*"]);
        let ada = server.register("ada");
        Self { server, root, ada }
    }

    fn issue(&self) -> String {
        let id = user_id(&self.server, &self.ada);
        let path = format!("/admin/v1/users/{id}/password-reset");
        let reply = order(&self.server, &self.root, &path, &serde_json::Value::Null);
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.string("code")
    }

    fn redeem(&self, username: &str, code: &str, password: &str) -> Reply {
        let body = json!({ "username": username, "code": code, "new_password": password });
        post("/auth/password/reset")
            .json(&body)
            .send(self.server.address)
    }
}

#[test]
fn a_code_is_spent_once_however_many_send_it() {
    let scene = Scene::set(&[]);
    let code = scene.issue();
    let replies = at_once(8, |number| {
        scene.redeem("ada", &code, &format!("{NEW} {number}"))
    });
    let done: Vec<_> = (0..8).filter(|n| replies[*n].status == 200).collect();
    assert_eq!(done.len(), 1, "{replies:?}");
    let password = format!("{NEW} {}", done[0]);
    assert_eq!(scene.server.log_in("ada", &password).status, 200);
    scene
        .redeem("ada", &code, PASSWORD)
        .is(401, "invalid_reset_code");
    scene
        .server
        .refresh(&scene.ada.refresh)
        .is_over("password_changed");
}

#[test]
fn guesses_at_once_are_no_more_than_guesses_in_turn() {
    let scene = Scene::set(&[("password.queue", "200")]);
    let code = scene.issue();
    for _ in 0..10 {
        for reply in at_once(100, |_| scene.redeem("ada", WRONG, NEW)) {
            reply.is(401, "invalid_reset_code");
        }
    }
    scene
        .redeem("ada", &code, NEW)
        .is(401, "invalid_reset_code");
    assert_eq!(scene.server.log_in("ada", PASSWORD).status, 200);
    scene.server.turn(&scene.ada);
}

#[test]
fn a_code_that_was_kept_is_worth_nothing_once_the_password_changed() {
    let scene = Scene::set(&[]);
    let code = scene.issue();
    let changed = scene
        .server
        .change_password(&scene.ada.access, PASSWORD, NEW);
    let fresh = Tokens::of(&changed);
    scene
        .redeem("ada", &code, PASSWORD)
        .is(401, "invalid_reset_code");
    scene.server.is_unharmed(&fresh);
    let first = scene_code_after(&scene, &fresh);
    scene
        .redeem("ada", &first, PASSWORD)
        .is(401, "invalid_reset_code");
}

/// A code in whose place another one has come.
fn scene_code_after(scene: &Scene, ada: &Tokens) -> String {
    let path = format!(
        "/admin/v1/users/{}/password-reset",
        user_id(&scene.server, ada)
    );
    let issue = || order(&scene.server, &scene.root, &path, &serde_json::Value::Null);
    let first = issue().string("code");
    assert_ne!(issue().string("code"), first);
    first
}

#[test]
fn a_code_of_one_user_is_none_of_anothers() {
    let scene = Scene::set(&[]);
    scene.server.register("bob");
    let code = scene.issue();
    for name in ["bob", "root"] {
        scene.redeem(name, &code, NEW).is(401, "invalid_reset_code");
    }
    assert_eq!(scene.redeem("ada", &code, NEW).status, 200);
}

#[test]
fn whoever_has_the_database_or_the_log_has_no_code() {
    let scene = Scene::set(&[]);
    let code = scene.issue();
    let id = user_id(&scene.server, &scene.ada);
    scene.redeem("ada", WRONG, NEW);
    get(&format!("/auth/password/reset?code={code}")).send(scene.server.address);
    let printed = scene.server.run(&["user", "reset-code", "bob"]);
    assert_eq!(printed.code, 3);
    let content = format!("{:?}", scene.server.folder.content());
    let bare = code.replace('-', "");
    for text in [&code, &bare, &bare.to_lowercase()] {
        assert!(
            !content.contains(text.as_str()),
            "the code is in the database"
        );
    }
    let raw = std::fs::read(scene.server.folder.database()).unwrap();
    let contains = |text: &str| raw.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(!contains(&bare) && !contains(&code));
    let said = scene.server.stop().said();
    assert!(
        !said.contains(&code) && !said.contains(&bare),
        "{id}: the code is in the log"
    );
}

/// Hashing that takes long enough to be seen.
const SLOW: [(&str, &str); 3] = [
    ("password.memory", "8MiB"),
    ("password.passes", "3"),
    ("password.threads", "1"),
];

#[test]
fn nobody_learns_from_the_time_of_a_refusal_whether_there_is_a_code_or_a_user() {
    let scene = Scene::set(&SLOW);
    scene.server.register("bob");
    scene.issue();
    let names = ["ada", "bob", "nobody", "no such name!"];
    let mut times = vec![Vec::new(); names.len()];
    for _ in 0..30 {
        for (name, times) in names.iter().zip(&mut times) {
            let begin = Instant::now();
            scene.redeem(name, WRONG, NEW).is(401, "invalid_reset_code");
            times.push(begin.elapsed());
        }
    }
    let medians: Vec<_> = times
        .into_iter()
        .map(|mut times| {
            times.sort();
            times[times.len() / 2]
        })
        .collect();
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    assert!(
        *most < *least * 2,
        "the medians of {names:?} are {medians:?}"
    );
}
