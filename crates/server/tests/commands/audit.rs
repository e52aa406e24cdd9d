//! `relatch audit`.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relatch_verify::{KeySet, jws::Compact};
use serde_json::Value;

use crate::support::{Folder, Server, account::PASSWORD, get, pause};

/// What the record looks like, once it is sealed up to its end.
fn sealed(folder: &Folder) -> Value {
    let begin = Instant::now();
    loop {
        let found = folder.run(&["audit", "verify", "--json"], "").json();
        if found["unsealed"] == 0 && found["sealed"] != 0 {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{found}");
        pause(50);
    }
}

/// Without the breaks of its lines.
fn flat(text: &str) -> String {
    text.replace('\n', " ")
}

fn tamper(folder: &Folder, sql: &str) {
    let database = folder.open_database();
    let triggers = "SELECT 'DROP TRIGGER ' || name FROM sqlite_schema WHERE type = 'trigger'";
    let drops: Vec<String> = {
        let mut statement = database.prepare(triggers).unwrap();
        let drops = statement.query_map([], |row| row.get(0)).unwrap();
        drops.map(Result::unwrap).collect()
    };
    database.execute_batch(&drops.join(";")).unwrap();
    database.execute_batch(sql).unwrap();
}

/// The names of all events of that beginning, the oldest first.
fn names(folder: &Folder, name: &str) -> Vec<String> {
    let list = ["audit", "list", "--limit", "1000", "--name", name, "--json"];
    let events = folder.run(&list, "").done().json();
    let events = events["events"].as_array().unwrap().iter().rev();
    events
        .map(|event| event["event"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_record_is_whole_and_says_so() {
    let server = Server::start(&[]);
    server.register("ada");
    let found = sealed(&server.folder);
    assert_eq!(
        (&found["whole"], &found["broken"]),
        (&true.into(), &Value::Null)
    );
    let folder = server.stop();
    let said = folder.run(&["audit", "verify"], "").done();
    assert!(
        flat(&said.out).starts_with("The record is the one that was written: rows 1 to "),
        "{}",
        said.out
    );
    assert!(
        flat(&said.out).contains("Sealing began at "),
        "{}",
        said.out
    );
    let found = folder.run(&["audit", "verify", "--json"], "").json();
    assert_eq!(
        found["unsealed"], 0,
        "a server that stops seals what it leaves"
    );
}

#[test]
fn the_first_wrong_row_is_named_with_its_exit_code() {
    let server = Server::start(&[]);
    for name in ["ada", "bob", "eve"] {
        server.register(name);
    }
    let folder = server.stop();
    let row = "SELECT min(number) FROM event WHERE name = 'user.registered'";
    let row: i64 = folder
        .open_database()
        .query_row(row, [], |row| row.get(0))
        .unwrap();
    tamper(
        &folder,
        &format!("UPDATE event SET address = '192.0.2.1' WHERE number = {row}"),
    );
    let words = format!("the record is not the one that was written, from row {row} on");
    let said = folder.run(&["audit", "verify"], "").failed(4, &words);
    assert!(
        flat(&said.out).starts_with(&format!("NO: row {row} is not the one")),
        "{}",
        said.out
    );
    let found = folder.run(&["audit", "verify", "--json"], "").json();
    assert_eq!(found["broken"]["first_row"], row);
    assert_eq!(found["broken"]["kind"], "changed");
    // A server that goes on from there does not make it good.
    let server = folder.start(&[]);
    server.register("grace");
    server
        .stop()
        .run(&["audit", "verify"], "")
        .failed(4, &words);
}

#[test]
fn what_is_cut_off_together_with_its_heads_is_told_by_a_head_kept_elsewhere() {
    let server = Server::start(&[]);
    server.register("ada");
    let folder = server.stop();
    let taken = folder.run(&["audit", "head", "--json"], "").json();
    let keep = folder.data().parent().unwrap().join("heads");
    let keep = keep.to_str().unwrap();
    let head = folder.run(&["audit", "head"], "").out;
    fs::write(keep, &head).unwrap();
    let agreed = folder.run(&["audit", "verify", "--head", keep], "").done();
    assert!(
        flat(&agreed.out).contains("The head that was kept elsewhere agrees."),
        "{}",
        agreed.out
    );
    let last = taken["number"].as_i64().unwrap();
    let sql = "SELECT max(number) FROM event_head WHERE number < ?1";
    let before = folder
        .open_database()
        .query_row(sql, [last], |row| row.get::<_, i64>(0));
    let before = before.unwrap();
    tamper(
        &folder,
        &format!(
            "DELETE FROM event WHERE number > {before}; DELETE FROM event_head WHERE number > {before}"
        ),
    );
    folder.run(&["audit", "verify"], "").done();
    let verify = ["audit", "verify", "--head", keep, "--json"];
    let found = folder.run(&verify, "");
    assert_eq!(found.code, 4);
    assert_eq!(found.json()["broken"]["kind"], "cut_off");
    assert_eq!(found.json()["broken"]["first_row"], before + 1);
    fs::write(keep, head.replace(char::is_whitespace, "") + "A").unwrap();
    folder.run(&verify, "").failed(1, "line 1 of");
    fs::write(keep, "\n").unwrap();
    folder.run(&verify, "").failed(1, "there is no head in");
    fs::remove_file(keep).unwrap();
    folder.run(&verify, "").failed(3, "cannot be read");
}

#[test]
fn keys_that_turn_and_are_withdrawn_leave_the_record_whole() {
    let server = Server::start(&[]);
    server.register("ada");
    let first = sealed(&server.folder)["newest_head"]["jws"]
        .as_str()
        .unwrap()
        .to_owned();
    let keys = server.runs(&["key", "list", "--json"]).json();
    let keys = keys["keys"].as_array().unwrap();
    let signing = keys
        .iter()
        .find(|key| key["purpose"] == "signing" && key["state"] == "active");
    let folder = server.stop();
    // While no server runs, and so nobody but the command itself remembers what was sealed.
    let id = signing.unwrap()["id"].as_str().unwrap();
    folder.run(&["key", "compromise", id], "").done();
    folder.run(&["key", "rewrap"], "").done();
    let server = folder.start(&[]);
    server.register("bob");
    let folder = server.stop();
    assert_eq!(names(&folder, "audit.seal_broken"), [""; 0]);
    let keep = folder.data().parent().unwrap().join("heads");
    fs::write(&keep, first).unwrap();
    let said = folder
        .run(&["audit", "verify", "--head", keep.to_str().unwrap()], "")
        .done();
    assert!(flat(&said.out).contains("agrees"), "{}", said.out);
    let told = names(&folder, "key.");
    let made = [
        "key.activated",
        "key.announced",
        "key.activated",
        "key.announced",
    ];
    let mut first = told[..4].to_vec();
    first.sort();
    let mut expected = made;
    expected.sort_unstable();
    assert_eq!(first, expected);
    assert!(told.contains(&"key.compromised".to_owned()), "{told:?}");
    // The withdrawn one is never opened again, and stays as it is.
    assert_eq!(
        told.iter().filter(|name| *name == "key.rewrapped").count(),
        4
    );
}

#[test]
fn what_happens_to_the_server_and_its_keeper_is_on_record() {
    let server = Server::start(&[]);
    server.register("ada");
    server.runs(&["user", "disable", "ada"]);
    assert_eq!(server.log_in("ada", PASSWORD).status, 403);
    server.folder.run(&["db", "backup", "copy"], "").done();
    let folder = server.stop();
    assert_eq!(
        names(&folder, "server."),
        ["server.started", "server.stopped"]
    );
    assert_eq!(names(&folder, "login."), ["login.refused"]);
    let restore = ["db", "restore", "copy", "--sessions", "keep"];
    assert_eq!(names(&folder, "store."), ["store.backup_taken"]);
    folder.run(&restore, "").done();
    let folder = folder.start(&[]).stop();
    assert_eq!(names(&folder, "store."), ["store.backup_restored"]);
    folder.run(&["audit", "verify"], "").done();
}

#[test]
fn the_record_is_listed_by_whom_what_and_when() {
    let server = Server::start(&[]);
    let ada = server.register("ada");
    server.register("bob");
    server.log_out(&ada.refresh);
    let list = |arguments: &[&str]| {
        let listed = server
            .runs(&[&["audit", "list", "--json"], arguments].concat())
            .json();
        let events = listed["events"].as_array().unwrap().clone();
        let name = |event: &Value| event["event"].as_str().unwrap().to_owned();
        (
            events.iter().map(name).collect::<Vec<_>>(),
            listed["next"].clone(),
        )
    };
    assert_eq!(
        list(&["--user", "ada"]).0,
        ["session.ended", "user.registered"]
    );
    let (first, next) = list(&["--user", "ada", "--limit", "1"]);
    assert_eq!(first, ["session.ended"]);
    let next = next.to_string();
    let second = list(&["--user", "ada", "--limit", "1", "--before", &next]);
    assert_eq!(second.0, ["user.registered"]);
    assert_eq!(list(&["--name", "user."]).0, ["user.registered"; 2]);
    assert_eq!(list(&["--until", "2020-01-01"]).0, [""; 0]);
    assert_eq!(
        list(&["--user", "bob", "--since", "2020-01-01T00:00:00Z"])
            .0
            .len(),
        1
    );
    let session = server
        .runs(&["session", "list", "--user", "bob", "--json"])
        .json();
    let session = session["sessions"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(list(&["--session", &session]).0, ["user.registered"]);
    let text = server.runs(&["audit", "list", "--user", "ada"]).out;
    assert!(text.starts_with("ROW"), "{text}");
    server
        .run(&["audit", "list", "--since", "soon"])
        .failed(2, "\"soon\" is no time");
    server
        .run(&["audit", "list", "--user", "nobody"])
        .failed(3, "there is no user nobody");
    server.runs(&["user", "delete", "ada", "--yes"]);
    let id = list(&["--name", "user.deleted"]);
    assert_eq!(id.0, ["user.deleted"]);
}

/// A process that follows the record, killed when it is dropped.
struct Follower {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Follower {
    fn of(folder: &Folder, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_relatch"))
            .args(["audit", "follow"])
            .args(arguments)
            .arg("--data")
            .arg(folder.data())
            .env_clear()
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = std::sync::mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// The lines up to the first that has these words in it.
    fn until(&self, words: &str) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(20));
            let line = line.unwrap_or_else(|_| panic!("no {words}: {seen:?}"));
            seen.push(line);
            if seen.last().unwrap().contains(words) {
                return seen;
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn who_follows_sees_every_row_once_while_servers_come_and_go() {
    let server = Server::start(&[]);
    let follower = Follower::of(&server.folder, &["--after", "0", "--heads", "--json"]);
    server.register("ada");
    let mut lines = follower.until("user.registered");
    let folder = server.stop();
    lines.extend(follower.until("server.stopped"));
    let server = folder.start(&[]);
    server.register("bob");
    lines.extend(follower.until("user.registered"));
    lines.extend(follower.until("\"head\""));
    drop(follower);
    let parsed: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let numbers: Vec<_> = parsed
        .iter()
        .filter_map(|line| line["number"].as_i64())
        .collect();
    let each_once = (1..).zip(&numbers).all(|(place, number)| place == *number);
    assert!(each_once, "{numbers:?}");
    // What it printed is what a later look is held against.
    let keep = server.folder.data().parent().unwrap().join("followed");
    fs::write(&keep, lines.join("\n")).unwrap();
    let said = server.runs(&["audit", "verify", "--head", keep.to_str().unwrap()]);
    assert!(
        flat(&said.out).contains("kept elsewhere agree"),
        "{}",
        said.out
    );
    let people = Follower::of(&server.folder, &[]);
    people.until("user.registered");
}

/// Somebody else who has the export and the keys, and nothing of this program but the two sentences of the guide.
#[test]
fn an_export_is_verified_without_this_program() {
    let server = Server::start(&[]);
    for name in ["ada", "bob"] {
        server.register(name);
    }
    sealed(&server.folder);
    let keys = get("/.well-known/jwks.json").send(server.address).text();
    let keys: KeySet = serde_json::from_str(&keys).unwrap();
    let export = server.stop().run(&["audit", "export"], "").done().out;
    let (mut hash, mut heads, mut last) = ([0; 32], 0, 0);
    for line in export.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let Some(head) = line["head"].as_str() else {
            last = line["number"].as_i64().unwrap();
            hash = after(hash, &line);
            continue;
        };
        let head = Compact::parse(head).unwrap();
        assert!(head.header().is_type("relatch-audit-head+jwt"));
        let key = keys.find(head.header().kid.as_deref().unwrap()).unwrap();
        let payload: Value = serde_json::from_slice(&head.verify(key).unwrap()).unwrap();
        assert_eq!(payload["number"], last);
        assert_eq!(payload["hash"], URL_SAFE_NO_PAD.encode(hash));
        heads += 1;
    }
    assert!(
        heads > 1 && export.lines().last().unwrap().contains("\"head\""),
        "{export}"
    );
}

fn after(hash: [u8; 32], row: &Value) -> [u8; 32] {
    let mut bytes = b"relatch/audit/row/1\0".to_vec();
    bytes.extend(hash);
    for name in ["number", "at"] {
        bytes.extend(row[name].as_i64().unwrap().to_be_bytes());
    }
    for name in ["name", "user", "session", "address", "agent", "detail"] {
        let Some(text) = row[name].as_str() else {
            bytes.extend(u32::MAX.to_be_bytes());
            continue;
        };
        let column = match name {
            "user" | "session" => text.parse::<uuid::Uuid>().unwrap().as_bytes().to_vec(),
            _ => text.as_bytes().to_vec(),
        };
        bytes.extend(u32::try_from(column.len()).unwrap().to_be_bytes());
        bytes.extend(column);
    }
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    digest.as_ref().try_into().unwrap()
}
