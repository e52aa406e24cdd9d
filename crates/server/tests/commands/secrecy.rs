//! No command prints a secret, to whomever and however much it says.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::support::{
    Folder, Server, Tokens,
    account::PASSWORD,
    refresh_token::{PREFIX, decode},
};

const NEW: &str = "another horse, another staple";

/// Tokens, their proofs and tags, passwords, hashes, the secrets of sessions, keys.
fn secrets(folder: &Folder, tokens: &[Tokens]) -> Vec<String> {
    let mut secrets = vec![PASSWORD.to_owned(), NEW.to_owned()];
    let mut bytes = vec![folder.read_master_key().expose().to_vec()];
    for tokens in tokens {
        secrets.push(tokens.refresh[PREFIX.len() + 28..].to_owned());
        let (_, signature) = tokens.access.rsplit_once('.').unwrap();
        secrets.push(signature.to_owned());
        let token = decode(&tokens.refresh);
        bytes.extend([token[22..38].to_vec(), token[38..].to_vec()]);
    }
    let database = folder.open_database();
    for sql in ["SELECT secret FROM session", "SELECT sealed FROM key"] {
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0));
        bytes.extend(rows.unwrap().map(Result::unwrap));
    }
    let mut statement = database.prepare("SELECT password_hash FROM user").unwrap();
    let hashes = statement.query_map([], |row| row.get::<_, String>(0));
    secrets.extend(hashes.unwrap().map(Result::unwrap));
    for bytes in bytes {
        let hex = bytes.iter().map(|byte| format!("{byte:02x}"));
        secrets.extend([
            hex.collect(),
            URL_SAFE_NO_PAD.encode(&bytes),
            format!("{bytes:?}"),
        ]);
    }
    secrets
}

#[test]
fn no_command_prints_a_secret() {
    let server = Server::start(&[]);
    let first = server.register("ada");
    let second = server.turn(&first);
    let laptop = Tokens::of(&server.log_in("ada", PASSWORD));
    let all = [first, second, laptop];
    let known = secrets(&server.folder, &all);
    let mut said = String::new();
    let mut run = |arguments: &[&str], input: &str| {
        for json in [&[][..], &["--json"]] {
            let answer = server.folder.run(&[arguments, json].concat(), input);
            assert_ne!(answer.code, 2, "{answer:?}");
            said += &answer.out;
            said += &answer.err;
        }
    };
    for tokens in &all {
        for token in [&tokens.refresh, &tokens.access] {
            run(&["token", "inspect"], token);
            run(&["token", "inspect", token], "");
            run(&["token", "inspect"], &token[1..]);
            run(&["session", "show", token], "");
            run(&["user", "show", token], "");
            run(&["user", "create", token, "--email", token], NEW);
            run(&["session", "list", "--user", token], "");
            run(&["session", "list", "--after", token], "");
            run(&["user", "list", "--search", token], "");
        }
        run(&["session", "explain", &tokens.session], "");
        run(&["session", "show", &tokens.session], "");
    }
    run(&["user", "create", "bob", "--email", "b@example.com"], NEW);
    run(&["user", "list"], "");
    run(&["user", "show", "ada"], "");
    run(&["session", "list", "--ended"], "");
    run(&["key", "list"], "");
    run(&["config", "show"], "");
    run(&["config", "check"], "");
    run(&["user", "set-password", "ada"], NEW);
    run(&["user", "disable", "ada"], "");
    run(&["session", "end", "--user", "bob"], "");
    run(&["session", "explain", &all[0].session], "");
    let hashes = secrets(&server.folder, &all);
    run(&["user", "delete", "ada", "--yes"], "");
    assert!(said.contains("session.opened") && said.contains("generation"));
    for secret in known
        .iter()
        .chain(&hashes)
        .filter(|secret| !secret.is_empty())
    {
        assert!(secret.len() >= 16, "{secret} could be there by chance");
        assert!(!said.contains(secret), "{secret} was printed");
    }
}
