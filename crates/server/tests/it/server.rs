//! A server in this process, and the transcript of what it answers.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    http::{Method, Request},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http_body_util::BodyExt as _;
use relatch::{Config, Relatch, clock::Clock};
use relatch_core::{
    Entropy, Store, Timestamp,
    event::{Actor, Administrator, Origin},
    key::{KeyRecord, KeyState, Purpose},
    password::hash::Cost,
    permission::{
        Permission, RoleName, administer,
        store::{Assigning, Expected, Putting},
    },
    resource_server::{self, ResourceServerName},
    user::Username,
};
use relatch_store::{Options, Sqlite};
use serde_json::Value;
use tempfile::TempDir;

use crate::contract::{self, Seen, Sent};

/// 2026-11-22T12:00:00Z
const START: i64 = 1_795_348_800_000;

/// A clock that stands still until the test moves it.
pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Bytes that are the same in every run.
struct Seeded(AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64: spread out enough to look random in a test.
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes()[..chunk.len()]);
        }
    }
}

/// A server with its folder; both go when this does.
pub(crate) struct Server {
    pub(crate) relatch: Relatch,
    clock: Arc<TestClock>,
    names: Mutex<Vec<String>>,
    /// What was answered so far.
    pub(crate) seen: Mutex<BTreeSet<Seen>>,
    beside: OnceLock<Sqlite>,
    folder: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.server.data_dir = folder.path().join("data");
        config.issuer.url = Some("https://auth.example.com".to_owned());
        config.issuer.audience = Some("https://api.example.com".to_owned());
        config.password.cost = Cost {
            memory: 64,
            passes: 1,
        };
        config.store.synchronous = relatch_store::Synchronous::Off;
        change(&mut config);
        let clock = Arc::new(TestClock(AtomicI64::new(START)));
        let entropy = Arc::new(Seeded(AtomicU64::new(1)));
        let relatch = Relatch::open_with(config, Arc::clone(&clock) as _, entropy)
            .await
            .unwrap();
        Self {
            relatch,
            clock,
            names: Mutex::default(),
            seen: Mutex::default(),
            beside: OnceLock::new(),
            folder,
        }
    }

    /// What its clock shows.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, time: Duration) {
        self.clock
            .0
            .fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Registers Ada and gives her tokens.
    pub(crate) async fn ada(&self) -> Tokens {
        let body =
            r#"{"username":"ada","email":"ada@example.com","password":"correct horse battery"}"#;
        self.post("/auth/register", body).await.tokens()
    }

    /// Logs Ada in on another device.
    pub(crate) async fn ada_on(&self, device: &str) -> Tokens {
        let body = format!(
            r#"{{"username":"ada","password":"correct horse battery","device_name":"{device}"}}"#
        );
        self.post("/auth/login", &body).await.tokens()
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(
            Method::POST,
            path,
            &[("content-type", "application/json")],
            body.to_owned(),
        )
        .await
    }

    pub(crate) async fn post_as(&self, token: &str, path: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        self.send(Method::POST, path, &headers, body.to_owned())
            .await
    }

    pub(crate) async fn get_as(&self, token: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.send(Method::GET, path, &[("authorization", bearer.as_str())], "")
            .await
    }

    pub(crate) async fn delete_as(&self, token: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.send(
            Method::DELETE,
            path,
            &[("authorization", bearer.as_str())],
            "",
        )
        .await
    }

    /// A request with a body, as the holder of an access token.
    pub(crate) async fn send_as(
        &self,
        method: Method,
        token: &str,
        path: &str,
        body: &Value,
    ) -> Answer {
        self.send_if(method, token, (path, body), None).await
    }

    /// The same under a condition: a header and its value.
    pub(crate) async fn send_if(
        &self,
        method: Method,
        token: &str,
        (path, body): (&str, &Value),
        condition: Option<(&str, &str)>,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(condition);
        let body = if body.is_null() {
            String::new()
        } else {
            headers.push(("content-type", "application/json"));
            body.to_string()
        };
        self.send(method, path, &headers, body).await
    }

    /// Registers somebody and gives him a role that permits this, as the command line would.
    pub(crate) async fn holder(&self, name: &str, permissions: &[&str]) -> Tokens {
        let body = format!(
            r#"{{"username":"{name}","email":"{name}@example.com","password":"correct horse battery"}}"#
        );
        let tokens = self.post("/auth/register", &body).await.tokens();
        self.put_role(name, permissions).await;
        self.assign(name, name, false).await;
        tokens
    }

    /// A second store on the same file, as a command has it.
    pub(crate) fn store(&self) -> &dyn Store {
        self.beside.get_or_init(|| {
            let options = Options {
                path: self.folder.path().join("data/relatch.db"),
                synchronous: relatch_store::Synchronous::Off,
                write_queue: 8,
                readers: 1,
            };
            Sqlite::open(&options, Arc::new(Config::default().session)).unwrap()
        })
    }

    /// Whoever gives orders on the command line.
    pub(crate) fn command_line(&self) -> Administrator {
        Administrator {
            actor: Actor::CommandLine,
            origin: Origin::default(),
            now: self.clock.now(),
        }
    }

    /// Makes a role, as a command would.
    pub(crate) async fn put_role(&self, name: &str, permissions: &[&str]) {
        let permissions = permissions.iter().map(|text| Permission::parse(text));
        let putting = Putting {
            name: RoleName::parse(name).unwrap(),
            permissions: permissions.map(Result::unwrap).collect(),
            expected: Expected::Anything,
            by: self.command_line(),
        };
        administer::put_role(self.store(), putting).await.unwrap();
    }

    /// Makes the role and gives it to Ada, as her only one.
    pub(crate) async fn give_ada(&self, role: &str, permissions: &[&str], at_once: bool) {
        self.put_role(role, permissions).await;
        self.assign("ada", role, at_once).await;
        // What a role means is seen within half a second.
        tokio::time::sleep(Duration::from_millis(700)).await;
    }

    async fn assign(&self, name: &str, role: &str, at_once: bool) {
        let found = self
            .store()
            .credentials(&Username::parse(name).unwrap())
            .await;
        let assigning = Assigning {
            user: found.unwrap().unwrap().user.id,
            roles: [RoleName::parse(role).unwrap()].into(),
            expected: None,
            end_sessions: false,
            at_once,
            by: self.command_line(),
        };
        administer::assign(self.store(), assigning).await.unwrap();
    }

    /// Adds a resource server, and gives its credential.
    pub(crate) async fn resource_server(&self, name: &str) -> String {
        let name = ResourceServerName::parse(name).unwrap();
        // Of each name another one.
        let seed = name.as_str().bytes().fold(7, |seed, byte| {
            u64::wrapping_add(seed, u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let (by, chance) = (self.command_line(), Seeded(AtomicU64::new(seed)));
        let added = resource_server::administer::add(self.store(), &chance, name, by);
        added.await.unwrap().expose().to_owned()
    }

    /// The id of the next signing key.
    pub(crate) async fn announced_key(&self) -> String {
        let table = self.store().load_keys().await.unwrap();
        let is_next = |key: &&KeyRecord| {
            key.purpose == Purpose::Signing && matches!(key.state, KeyState::Announced { .. })
        };
        table.records.iter().find(is_next).unwrap().id.clone()
    }

    /// Somebody who may do everything.
    pub(crate) async fn administrator(&self) -> Tokens {
        self.holder("root", &["relatch:*"]).await
    }

    /// Asks about a token as a resource server.
    pub(crate) async fn introspect(&self, credential: &str, token: &str) -> Answer {
        let bearer = format!("Bearer {credential}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let body = format!("token={token}");
        self.send(Method::POST, "/introspect", &headers, body).await
    }

    /// Turns a refresh token.
    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.post_as(token, "/auth/refresh", "").await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (sent, body) = sent(&request, body.into()).await;
        let response = self.relatch.answer(request.body(body).unwrap()).await;
        let (parts, body) = response.into_parts();
        let bytes = if parts
            .headers
            .get("content-type")
            .is_some_and(|kind| kind == STREAM)
        {
            first_of(body).await
        } else {
            body.collect().await.unwrap().to_bytes()
        };
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let seen = contract::check(&sent, &parts, &bytes);
        self.seen.lock().unwrap().insert(seen);
        let shown = self.show(&parts, &json);
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            json,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            shown,
        }
    }

    /// The transcript: status, the headers that matter, the body with tokens and ids named in order of appearance.
    fn show(&self, parts: &axum::http::response::Parts, json: &Value) -> String {
        let mut text = format!("{}\n", parts.status);
        for name in [
            "content-type",
            "cache-control",
            "www-authenticate",
            "retry-after",
            "allow",
            "etag",
            "x-auth-user",
            "x-auth-username",
            "x-auth-roles",
            "x-auth-permissions",
            "x-auth-session",
            "content-security-policy",
            "x-frame-options",
            "set-cookie",
            "access-control-allow-origin",
            "access-control-allow-credentials",
            "access-control-allow-methods",
            "access-control-allow-headers",
            "access-control-max-age",
            "vary",
        ] {
            for value in parts.headers.get_all(name) {
                // What every answer has that is no page.
                if value == "default-src 'none'; frame-ancestors 'none'" {
                    continue;
                }
                let value = if name == "etag" {
                    "[etag]"
                } else {
                    value.to_str().unwrap()
                };
                let cookie = value.split_once("relatch_rt_");
                let value = &cookie.map_or(value.to_owned(), |(before, after)| {
                    format!("{before}[refresh token]{}", &after[72..])
                });
                let id = value.parse::<uuid::Uuid>().is_ok();
                let value = if id { self.id(value) } else { value.to_owned() };
                writeln!(text, "{name}: {value}").unwrap();
            }
        }
        if !json.is_null() {
            let mut json = json.clone();
            self.name(&mut json);
            writeln!(text, "\n{}", serde_json::to_string_pretty(&json).unwrap()).unwrap();
        }
        text
    }

    fn name(&self, json: &mut Value) {
        match json {
            Value::Object(members) => {
                // Beside the code of an error there is no time at which it ends.
                let json_code = members.contains_key("expires_at");
                for (key, value) in members {
                    match key.as_str() {
                        "access_token" => *value = "[access token]".into(),
                        "refresh_token" => *value = "[refresh token]".into(),
                        "request_id" => *value = "[request id]".into(),
                        "code" if json_code => *value = "[code]".into(),
                        "next" => *value = "[cursor]".into(),
                        "jti" => *value = "[jti]".into(),
                        "id" | "session_id" | "sid" | "sub" | "user_id" | "by"
                            if value.is_string() =>
                        {
                            *value = self.id(value.as_str().unwrap()).into();
                        }
                        _ => self.name(value),
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.name(value)),
            _ => {}
        }
    }

    fn id(&self, id: &str) -> String {
        let mut names = self.names.lock().unwrap();
        let place = names
            .iter()
            .position(|known| known == id)
            .unwrap_or_else(|| {
                names.push(id.to_owned());
                names.len() - 1
            });
        format!("[id {}]", place + 1)
    }
}

/// A part of a compact JWS.
pub(crate) fn decode(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

const STREAM: &str = "text/event-stream";

/// A stream up to its first heartbeat, or to its end.
async fn first_of(mut body: Body) -> Bytes {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        bytes.extend(frame.unwrap().into_data().unwrap());
        if String::from_utf8_lossy(&bytes).contains("event: heartbeat") {
            break;
        }
    }
    bytes.into()
}

/// What is about to be sent, for the contract; a body without a known length stays as it is.
async fn sent(request: &axum::http::request::Builder, body: Body) -> (Sent, Body) {
    let whole = body.size_hint().exact().is_some();
    let bytes = if whole {
        body.collect().await.unwrap().to_bytes()
    } else {
        return (Sent::new(request, None), body);
    };
    (Sent::new(request, Some(bytes.clone())), Body::from(bytes))
}

/// What a client holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) session: String,
}

/// One answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) json: Value,
    /// The body as it came.
    pub(crate) text: String,
    shown: String,
}

impl Answer {
    pub(crate) fn tokens(&self) -> Tokens {
        let text = |name: &str| {
            self.json[name]
                .as_str()
                .unwrap_or_else(|| panic!("{self}"))
                .to_owned()
        };
        Tokens {
            access: text("access_token"),
            refresh: text("refresh_token"),
            session: text("session_id"),
        }
    }

    pub(crate) fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// `field: code` of every fault.
    pub(crate) fn faults(&self) -> Vec<String> {
        let errors = self.json["errors"].as_array().cloned().unwrap_or_default();
        let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
        errors
            .iter()
            .map(|error| format!("{}: {}", text(error, "field"), text(error, "code")))
            .collect()
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}
