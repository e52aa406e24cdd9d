//! Followers in three languages beside the real server: what they hear, after cuts, and after a restored backup.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use relatch_verify::{Feed, KeySource, ResourceServer, Verifier, VerifyError};
use serde_json::{Value, json};

use crate::support::{Folder, Server, Tokens, pause, wire::decode};

const ISSUER: &str = "http://relatch.test";

/// Answers each line of claims with whether they are refused, and whether anything was heard lately.
const NODE: &str = "
    import { createInterface } from 'node:readline';
    const { Revocations } = await import(process.argv[1]);
    const known = new Revocations(process.argv[2], process.argv[3], process.argv[4]);
    known.follow();
    for await (const line of createInterface(process.stdin)) {
      const { kid, claims } = JSON.parse(line);
      console.log(JSON.stringify([known.refuses(claims, kid), known.staleFor() < 10]));
    }
    process.exit(0);
";
const PYTHON: &str = "
import json, os, sys, threading
sys.path.insert(0, os.path.dirname(sys.argv[1]))
from follower import Revocations
known = Revocations(*sys.argv[2:5])
threading.Thread(target=known.follow, daemon=True).start()
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps([known.refuses(asked['claims'], asked['kid']), known.stale_for() < 10]), flush=True)
";

/// A follower that answers questions.
struct Program {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Program {
    fn start(interpreter: &[&str], file: &str, address: SocketAddr, credential: &str) -> Self {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/followers");
        let mut child = Command::new(interpreter[0])
            .args(&interpreter[1..])
            .arg(docs.join(file))
            .arg(format!("http://{address}"))
            .args([credential, ISSUER])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            questions: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// Whether the token is refused, and whether the program has heard of the issuer lately.
    fn asks(&mut self, token: &str) -> (bool, bool) {
        let mut parts = token.split('.');
        let (header, claims) = (decode(parts.next().unwrap()), decode(parts.next().unwrap()));
        let question = json!({ "kid": header["kid"], "claims": claims });
        writeln!(self.questions, "{question}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        (answer[0].as_bool().unwrap(), answer[1].as_bool().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What every follower is asked.
trait Follower {
    /// Whether the token is refused though its signature is good.
    fn refuses(&mut self, token: &str) -> bool;

    /// Whether it has heard of the issuer lately.
    fn hears(&mut self) -> bool;
}

impl Follower for Program {
    fn refuses(&mut self, token: &str) -> bool {
        self.asks(token).0
    }

    fn hears(&mut self) -> bool {
        self.asks("e30.e30.").1
    }
}

/// relatch-verify, as a service has it.
struct Rust {
    server: ResourceServer,
    _runtime: tokio::runtime::Runtime,
}

impl Rust {
    fn start(address: SocketAddr, credential: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let entered = runtime.enter();
        let url = format!("http://{address}");
        let feed = Feed::at(format!("{url}/revocations")).credential(credential);
        let keys = KeySource::at(format!("{url}/.well-known/jwks.json"));
        let builder = ResourceServer::builder(Verifier::new(ISSUER, ISSUER)).follow(feed);
        let server = builder.fetch(keys).unwrap();
        drop(entered);
        Self {
            server,
            _runtime: runtime,
        }
    }
}

impl Follower for Rust {
    fn refuses(&mut self, token: &str) -> bool {
        match self.server.check(token) {
            Err(VerifyError::Revoked) => true,
            Err(error) => panic!("{error}"),
            Ok(_) => false,
        }
    }

    fn hears(&mut self) -> bool {
        self.server
            .revocations_stale_for()
            .is_some_and(|seconds| seconds < 10)
    }
}

/// Connections are made anew with pauses that grow.
fn eventually(mut done: impl FnMut() -> bool) -> bool {
    (0..600).any(|_| {
        let done = done();
        pause(50);
        done
    })
}

/// A session that ends on the command line, with the server or without.
fn ends(folder: &Folder, tokens: &Tokens) {
    folder.run(&["session", "end", &tokens.session], "").done();
}

/// Ended, revoked up to a generation, missed while it was cut off, and told by the snapshot of another timeline.
fn hears_all(start: impl Fn(SocketAddr, &str) -> Box<dyn Follower>) {
    let server = Server::start(&[]);
    let address = server.address;
    let [before, at_once, cut_off, restored] =
        ["ada", "bob", "eve", "joe"].map(|name| server.register(name));
    let credential = server
        .runs(&["resource-server", "add", "notes", "--json"])
        .json();
    ends(&server.folder, &before);
    let mut follower = start(address, credential["credential"].as_str().unwrap());
    assert!(eventually(|| follower.hears()), "nothing is heard");
    assert!(follower.refuses(&before.access), "what was ended before");
    assert!(!follower.refuses(&at_once.access));
    server.runs(&["role", "put", "reader", "notes:read"]);
    server.runs(&["user", "roles", "bob", "--set", "reader", "--at-once"]);
    assert!(eventually(|| follower.refuses(&at_once.access)));
    let next = server.turn(&at_once);
    assert!(!follower.refuses(&next.access), "the next refresh is good");
    let backup = server.folder.data().with_file_name("backup");
    server.runs(&["db", "backup", backup.to_str().unwrap()]);

    let folder = server.crash();
    ends(&folder, &cut_off);
    assert!(!follower.refuses(&cut_off.access));
    let listen = address.to_string();
    let server = folder.start(&[("server.listen", &listen)]);
    assert!(
        eventually(|| follower.refuses(&cut_off.access)),
        "what was missed"
    );
    assert!(!follower.refuses(&next.access) && !follower.refuses(&restored.access));

    let folder = server.stop();
    folder
        .run(
            &[
                "db",
                "restore",
                backup.to_str().unwrap(),
                "--sessions",
                "end-all",
            ],
            "",
        )
        .done();
    let server = folder.start(&[("server.listen", &listen)]);
    assert!(
        eventually(|| follower.refuses(&restored.access)),
        "another timeline"
    );
    let fresh = Tokens::of(&server.log_in("joe", crate::support::account::PASSWORD));
    assert!(!follower.refuses(&fresh.access));
    server.log_out(&fresh.refresh);
    assert!(eventually(|| follower.refuses(&fresh.access)));
}

#[test]
fn relatch_verify_hears_all() {
    hears_all(|address, credential| Box::new(Rust::start(address, credential)));
}

#[test]
fn the_follower_in_javascript_hears_all() {
    let node = ["node", "--input-type=module", "--eval", NODE];
    hears_all(move |address, credential| {
        Box::new(Program::start(&node, "follower.mjs", address, credential))
    });
}

#[test]
fn the_follower_in_python_hears_all() {
    let python = ["python3", "-c", PYTHON];
    hears_all(move |address, credential| {
        Box::new(Program::start(&python, "follower.py", address, credential))
    });
}
