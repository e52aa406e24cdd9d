//! What leaks: secrets in the log, in the database or on the outputs.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::support::{
    Folder, Server, Tokens,
    account::PASSWORD,
    delete, get, pause, post,
    refresh_token::{PREFIX, decode, session},
};
use serde_json::{Value, json};

const NEW: &str = "another horse, another staple";
const WRONG: &str = "wrong pony, wrong staple";

/// Everything that a user can do, well and badly; gives every secret that went over the wire.
fn live(server: &Server) -> Vec<String> {
    let mut secrets: Vec<_> = [PASSWORD, NEW, WRONG].map(str::to_owned).into();
    let mut keep = |tokens: &Tokens| {
        secrets.push(tokens.access.clone());
        secrets.push(tokens.refresh[PREFIX.len()..].to_owned());
    };
    let first = server.register("ada");
    let second = server.turn(&first);
    let laptop = Tokens::of(&server.log_in("ada", PASSWORD));
    for tokens in [&first, &second, &laptop] {
        keep(tokens);
    }
    misuse(server, &laptop);
    server.log_in("ada", WRONG);
    server.log_in("nobody", WRONG);
    let again = server
        .reauthenticate(&laptop.access, PASSWORD)
        .string("access_token");
    delete("/auth/sessions").bearer(&again).send(server.address);
    let fresh = Tokens::of(&server.change_password(&laptop.access, PASSWORD, NEW));
    keep(&fresh);
    pause(150);
    let newest = server.turn(&fresh);
    keep(&newest);
    pause(150);
    server.refresh(&fresh.refresh).is_over("reuse");
    server.log_out(&newest.refresh);
    server.me(&newest.access).is_over("reuse");
    secrets.push(again);
    secrets
}

/// Secrets in all the places where they do not belong but the path.
fn misuse(server: &Server, tokens: &Tokens) {
    let body = json!({ "username": "ada", "password": [WRONG], "hint": NEW });
    post("/auth/login").json(&body).send(server.address);
    post("/auth/login")
        .body("text/plain", NEW)
        .send(server.address);
    post("/auth/login")
        .body("application/json", format!("{{\"password\":\"{NEW}"))
        .send(server.address);
    get(&format!("/auth/me?token={}", tokens.access)).send(server.address);
    get("/auth/me").bearer(&tokens.refresh).send(server.address);
    get("/auth/me")
        .header("Authorization", &tokens.access)
        .send(server.address);
    get("/auth/me")
        .header("Cookie", &format!("a={}", tokens.refresh))
        .send(server.address);
    post("/auth/refresh")
        .bearer(&tokens.access)
        .send(server.address);
    post("/auth/refresh")
        .json(&json!({ "refresh_token": format!("{}x", tokens.refresh) }))
        .send(server.address);
    server.change_password(&tokens.access, WRONG, NEW);
    server.change_password(&tokens.access, PASSWORD, "short");
}

/// What is never on the wire and never in a log: master key, hashes, secrets of sessions, keys.
fn kept_secrets(folder: &Folder) -> Vec<String> {
    let database = folder.open_database();
    let mut hashes = database.prepare("SELECT password_hash FROM user").unwrap();
    let hashes = hashes.query_map([], |row| row.get(0)).unwrap();
    let mut secrets: Vec<String> = hashes.map(Result::unwrap).collect();
    let tails: Vec<_> = secrets
        .iter()
        .map(|hash| hash.rsplit('$').next().unwrap().to_owned())
        .collect();
    secrets.extend(tails);
    let mut statement = database.prepare("SELECT secret FROM session").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    let mut bytes: Vec<[u8; 32]> = rows.map(Result::unwrap).collect();
    bytes.push(*folder.read_master_key().expose());
    for bytes in bytes {
        secrets.push(hex(&bytes));
        secrets.push(URL_SAFE_NO_PAD.encode(bytes));
        secrets.push(format!("{bytes:?}"));
    }
    secrets
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[test]
fn no_secret_is_ever_logged_however_much_is_logged() {
    let folder = Folder::new();
    let server = folder.start_logging("trace", &[("session.retry_window", "100ms")]);
    let mut secrets = live(&server);
    secrets.extend(kept_secrets(&server.folder));
    let said = server.stop().said();
    assert!(
        said.contains("session_ended") && said.contains("/auth/login"),
        "the log has what happened"
    );
    for secret in secrets {
        assert!(
            secret.len() >= 20 && !said.contains(&secret),
            "{secret} is in the log"
        );
    }
    assert!(!said.contains(PREFIX), "not even the beginning of a token");
}

#[test]
fn no_log_line_can_be_forged_and_each_names_its_request() {
    let server = Server::start(&[("session.retry_window", "0s")]);
    let tokens = server.register("ada");
    let forged = get("/auth/%0a%7b%22level%22:%22ERROR%22%7d")
        .header("User-Agent", "x\t\"}{\"level\":\"ERROR\"");
    forged.send(server.address);
    server.turn(&tokens);
    server.refresh(&tokens.refresh).is_over("reuse");
    server.log_out(&tokens.refresh);
    let log = server.stop().logged();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    assert!(lines.iter().all(|line| line["level"] != "ERROR"), "{log}");
    for line in lines
        .iter()
        .filter(|line| line.get("session").is_some() || line.get("status").is_some())
    {
        let id = line["request_id"]
            .as_str()
            .or_else(|| line["span"]["request_id"].as_str());
        assert!(id.is_some(), "no request's id in {line}");
    }
    let ids = lines
        .iter()
        .filter(|line| line["message"] == "request")
        .count();
    assert_eq!(ids, 5, "one line a request");
}

#[test]
fn whoever_reads_the_database_finds_no_password_and_no_token() {
    let server = Server::start(&[("session.retry_window", "100ms")]);
    let secrets = live(&server);
    let newest = server.register("bob");
    let keys = server.folder.open_keys();
    let folder = server.crash();
    let mut files = std::fs::read(folder.database()).unwrap();
    files.extend(std::fs::read(folder.data().join("relatch.db-wal")).unwrap_or_default());
    let contains = |needle: &[u8]| files.windows(needle.len()).any(|window| window == needle);
    assert!(
        contains(&session(&newest.refresh)) && contains(b"ada@example.com"),
        "the search finds what is there"
    );
    for secret in secrets {
        assert!(!contains(secret.as_bytes()), "{secret} is in the database");
    }
    let bytes = decode(&newest.refresh);
    assert!(
        !contains(&bytes[22..38]) && !contains(&bytes[38..]),
        "neither proof nor tag"
    );
    assert!(!contains(folder.read_master_key().expose()));
    assert!(!contains(hex(folder.read_master_key().expose()).as_bytes()));
    drop(keys);
}

#[test]
fn no_answer_that_carries_a_token_may_be_kept_by_a_cache() {
    let server = Server::start(&[]);
    let tokens = server.register("ada");
    let login = server.log_in("ada", PASSWORD);
    let refresh = server.refresh(&tokens.refresh);
    let again = server.reauthenticate(&tokens.access, PASSWORD);
    let change = server.change_password(&tokens.access, PASSWORD, NEW);
    for reply in [login, refresh, again, change] {
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("server"), None, "nor does it say what it is");
    }
}
