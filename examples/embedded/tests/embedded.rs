//! The service as a process: register, call what is protected, log out, be refused, stop.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A running service; it and its folder go with this.
struct Service {
    child: Child,
    address: String,
    folder: TempDir,
}

impl Service {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_embedded"))
            .arg("127.0.0.1:0")
            .arg(folder.path().join("data"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://");
        let address = address.unwrap_or_else(|| panic!("it said {line:?}"));
        Self {
            child,
            address: address.to_owned(),
            folder,
        }
    }

    /// Status, head and body of the answer.
    fn send(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            bearer.unwrap_or_default(),
            body.len(),
        );
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head[9..12].parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.send("GET", path, token, &Value::Null)
    }

    fn register(&self) -> Value {
        let body = json!({"username": "ada", "email": "ada@example.com", "password": "correct horse battery"});
        let answer = self.send("POST", "/auth-server/auth/register", None, &body);
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[test]
fn who_logged_in_gets_in_until_the_logout() {
    let service = Service::start();
    assert_eq!(service.get("/hello", None).status, 401);
    let tokens = service.register();
    let access = tokens["access_token"].as_str();
    let hello = service.get("/hello", access);
    let user = tokens["user"]["id"].as_str().unwrap();
    assert_eq!((hello.status, hello.body), (200, format!("Hello, {user}.")));

    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let ended = service.send("POST", "/auth-server/auth/logout", None, &refresh);
    assert_eq!(ended.status, 200, "{}", ended.body);
    let refused = service.get("/hello", access);
    assert_eq!(refused.status, 401);
    assert!(refused.head.contains(r#"Bearer error="invalid_token""#));
}

/// One device is ended from another; the tokens of the first are refused at once, those of the other go on.
#[test]
fn a_device_that_is_ended_elsewhere_is_out() {
    let service = Service::start();
    let first = service.register();
    let login = json!({"username": "ada", "password": "correct horse battery"});
    let second = service.send("POST", "/auth-server/auth/login", None, &login);
    let second = second.json();
    let path = format!(
        "/auth-server/auth/sessions/{}",
        first["session_id"].as_str().unwrap()
    );
    let by = second["access_token"].as_str();
    assert_eq!(service.send("DELETE", &path, by, &Value::Null).status, 200);
    assert_eq!(
        service.get("/hello", first["access_token"].as_str()).status,
        401
    );
    assert_eq!(service.get("/hello", by).status, 200);
}

#[test]
fn other_services_find_the_keys_below_the_issuer() {
    let service = Service::start();
    let tokens = service.register();
    let keys = service.get("/auth-server/.well-known/jwks.json", None);
    assert_eq!(keys.json()["keys"][0]["kty"], "OKP");
    let me = service.get("/auth-server/auth/me/", tokens["access_token"].as_str());
    assert_eq!((me.status, &me.json()["username"]), (200, &json!("ada")));
    for nowhere in ["/auth-server/nowhere", "/auth-server", "/auth-server/hello"] {
        assert_eq!(service.get(nowhere, None).status, 404, "{nowhere}");
    }
    // What is the service's own is protected, whether it is there or not.
    assert_eq!(service.get("/auth/me", None).status, 401);
    let devices = service.get(
        "/auth-server/auth/sessions",
        tokens["access_token"].as_str(),
    );
    assert_eq!(devices.json()["sessions"][0]["current"], true);
}

#[test]
fn what_the_readme_says_to_type_works() {
    let service = Service::start();
    let readme = include_str!("../README.md");
    let lines = readme.split("```sh\n").nth(1).unwrap();
    let lines = lines.split("```").next().unwrap();
    let lines = lines.replace("127.0.0.1:3000", &service.address);
    let done = Command::new("bash")
        .args(["-c", &format!("set -euo pipefail\n{lines}")])
        .env("no_proxy", "127.0.0.1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{done:?}");
    let (before, after) = said.split_once(r#"{"ended":true"#).unwrap();
    assert!(before.starts_with("Hello, "), "{said}");
    assert!(after.contains("HTTP/1.1 401 "), "{said}");
}

#[test]
fn it_stops_when_told() {
    let mut service = Service::start();
    service.register();
    let pid = service.child.id().to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(told.unwrap().success());
    assert!(service.child.wait().unwrap().success());
    let data = service.folder.path().join("data");
    assert!(data.join("relatch.db").is_file() && data.join("master.key").is_file());
}
