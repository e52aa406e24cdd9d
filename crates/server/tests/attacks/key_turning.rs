//! Keys that turn, get into wrong hands, and are sealed anew, beside a running server: nobody is logged out by it, and what
//! a withdrawn key made opens nothing.

use serde_json::Value;

use crate::support::{Folder, Server, account::PASSWORD, eventually, get, tool::relatch};

/// Keys may turn at once: nobody keeps the JWKS.
const AT_ONCE: [(&str, &str); 2] = [("keys.announce", "1s"), ("keys.jwks_max_age", "0s")];

fn header(token: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn published(server: &Server) -> Vec<String> {
    let keys = get("/.well-known/jwks.json").send(server.address).json();
    let keys = keys["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// The ids of the keys in `state`.
fn ids(folder: &Folder, purpose: &str, state: &str) -> Vec<String> {
    let keys = folder.ask(&["key", "list"]);
    let keys = keys["keys"].as_array().unwrap().iter();
    keys.filter(|key| key["purpose"] == purpose && key["state"] == state)
        .map(|key| key["id"].as_str().unwrap().to_owned())
        .collect()
}

fn active(folder: &Folder, purpose: &str) -> String {
    let [id] = <[String; 1]>::try_from(ids(folder, purpose, "active")).unwrap();
    id
}

/// Waits for the running server to work with another key than `old`.
fn turned(folder: &Folder, purpose: &str, old: &str) -> bool {
    eventually(|| active(folder, purpose) != old)
}

#[test]
fn turning_both_kinds_of_keys_logs_nobody_out_and_meets_no_unknown_kid() {
    let server = Server::start(&AT_ONCE);
    let before = server.register("ada");
    let published_before = published(&server);
    let old = ["signing", "refresh_tag"].map(|purpose| active(&server.folder, purpose));
    server.folder.ask(&["key", "rotate"]);
    assert!(turned(&server.folder, "signing", &old[0]));
    assert!(turned(&server.folder, "refresh_tag", &old[1]));
    assert_eq!(server.me(&before.access).status, 200);
    let new_kid = active(&server.folder, "signing");
    assert!(eventually(|| header(
        &server.turn(&server.register("grace")).access
    )["kid"]
        == new_kid.as_str()));
    assert!(
        published_before.contains(&new_kid),
        "known before it signed"
    );
    let after = server.turn(&before);
    assert_ne!(
        after.refresh.as_bytes()[11..15],
        before.refresh.as_bytes()[11..15],
        "made with the new token key"
    );
    server.is_unharmed(&after);
    assert!(
        published(&server).contains(&old[0]),
        "its tokens still live"
    );
}

#[test]
fn a_server_that_was_down_while_a_key_was_announced_publishes_it_before_it_signs() {
    let patient = [("keys.announce", "2s"), ("keys.jwks_max_age", "1s")];
    let server = Server::start(&patient);
    let old = active(&server.folder, "signing");
    let folder = server.stop();
    folder.ask(&["key", "rotate", "signing"]);
    crate::support::pause(2_100);
    let server = folder.start(&patient);
    let begin = std::time::Instant::now();
    let next = ids(&server.folder, "signing", "announced");
    assert!(published(&server).contains(&next[0]));
    assert!(turned(&server.folder, "signing", &old));
    assert!(begin.elapsed().as_millis() > 900, "caches may be that old");
    assert_eq!(active(&server.folder, "signing"), next[0]);
}

#[test]
fn a_compromised_signing_key_opens_nothing_and_logs_nobody_out() {
    let server = Server::start(&[]);
    let tokens = server.register("ada");
    let bad = active(&server.folder, "signing");
    assert_eq!(server.me(&tokens.access).status, 200);
    server.folder.ask(&["key", "compromise", &bad]);
    assert!(eventually(|| server.me(&tokens.access).status == 401));
    assert!(!published(&server).contains(&bad));
    let fresh = server.turn(&tokens);
    assert_eq!(server.me(&fresh.access).status, 200);
    assert_ne!(header(&fresh.access)["kid"], bad.as_str());
    let folder = server.stop();
    let server = folder.start(&[]);
    assert_eq!(server.me(&tokens.access).status, 401, "nor after a start");
    assert_eq!(ids(&server.folder, "signing", "compromised"), [bad]);
}

#[test]
fn a_compromised_token_key_opens_nothing_and_says_so() {
    let server = Server::start(&[]);
    let tokens = server.register("ada");
    server
        .run(&["key", "compromise", "1"])
        .refused(1, "say so with --yes");
    server.is_unharmed(&tokens);
    let tokens = server.turn(&tokens);
    server.folder.ask(&["key", "compromise", "1", "--yes"]);
    assert!(eventually(|| server.refresh(&tokens.refresh).status == 401));
    let reply = server.refresh(&tokens.refresh);
    reply.is(401, "invalid_token");
    assert!(reply.text().contains("withdrawn"), "{}", reply.text());
    let again = server.log_in("ada", PASSWORD);
    assert_eq!(again.status, 200, "{}", again.text());
    assert_eq!(server.refresh(&again.string("refresh_token")).status, 200);
}

#[test]
fn sealing_with_a_new_master_key_logs_nobody_out_and_the_old_one_opens_nothing() {
    let server = Server::start(&AT_ONCE);
    let tokens = server.register("ada");
    let old_master = std::fs::read(server.folder.master_key()).unwrap();
    let done = server.folder.ask(&["key", "rewrap"]);
    assert_ne!(
        std::fs::read(server.folder.master_key()).unwrap(),
        old_master
    );
    let kept = done["old"][0].as_str().unwrap();
    assert_eq!(std::fs::read(kept).unwrap(), old_master);
    // The server goes on, also with what it seals itself.
    let tokens = server.turn(&tokens);
    let old = active(&server.folder, "signing");
    server.folder.ask(&["key", "rotate", "signing"]);
    assert!(turned(&server.folder, "signing", &old));
    let folder = server.stop();
    let server = folder.start(&AT_ONCE);
    let tokens = server.turn(&tokens);
    assert_eq!(server.me(&tokens.access).status, 200);
    let folder = server.stop();
    std::fs::write(folder.master_key(), old_master).unwrap();
    let refusal = folder.refuses(&AT_ONCE);
    assert!(
        refusal.said.contains("were sealed under master key"),
        "{}",
        refusal.said
    );
}

/// Else the one would seal a new key with the master key that the other is about to drop.
#[test]
fn a_key_is_not_withdrawn_while_everything_is_sealed_anew() {
    let server = Server::start(&[]);
    let bad = active(&server.folder, "signing");
    let lock = server.folder.master_key().with_extension("key.lock");
    let busy = std::fs::File::create(lock).unwrap();
    busy.lock().unwrap();
    for arguments in [["key", "compromise", &bad].as_slice(), &["key", "rewrap"]] {
        server.run(arguments).refused(1, "cannot be used");
    }
    drop(busy);
    server.runs(&["key", "compromise", &bad]);
}

#[test]
fn another_algorithm_logs_nobody_out() {
    let server = Server::start(&AT_ONCE);
    let mut tokens = server.register("ada");
    let mut access = vec![tokens.access.clone()];
    let mut folder = server.stop();
    for algorithm in ["ES256", "RS256", "EdDSA"] {
        let settings = [AT_ONCE.as_slice(), &[("keys.algorithm", algorithm)]].concat();
        let server = folder.start(&settings);
        let signs = || {
            tokens = server.turn(&tokens);
            header(&tokens.access)["alg"] == algorithm
        };
        assert!(eventually(signs), "{algorithm}");
        access.push(tokens.access.clone());
        for old in &access {
            assert_eq!(server.me(old).status, 200, "{algorithm}");
        }
        folder = server.stop();
    }
}

#[test]
fn a_key_that_is_not_there_is_an_error_of_its_own() {
    let folder = Server::start(&[]).stop();
    folder
        .run(&["key", "compromise", "nothing"], "")
        .refused(3, "relatch key list");
    let elsewhere = Folder::new();
    let data = elsewhere.data();
    relatch(&["key", "list", "--data", data.to_str().unwrap()], "")
        .refused(3, "there is no database");
    assert!(!elsewhere.database().exists(), "nothing is made");
}

#[test]
fn no_command_prints_a_key() {
    let server = Server::start(&AT_ONCE);
    let secrets = std::fs::read_to_string(server.folder.master_key()).unwrap();
    for arguments in [
        ["key", "list"].as_slice(),
        &["key", "rotate"],
        &["key", "compromise", "1", "--yes"],
        &["key", "rewrap"],
    ] {
        let done = server.run(arguments);
        assert_eq!(done.code, 0, "{}", done.err);
        let new = std::fs::read_to_string(server.folder.master_key()).unwrap();
        for secret in [secrets.trim(), new.trim()] {
            assert!(!done.out.contains(secret) && !done.err.contains(secret));
        }
    }
}
