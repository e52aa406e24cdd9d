//! A server, and clients of it in this process and in others.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use relatch_client::{
    Builder, Client, Clock as _, Error, FileStore, Login, Registration, SystemClock,
};
use serde_json::Value;

use crate::support::Server;

/// What the server calls itself, wherever it listens: a name that may be asked without TLS.
pub(crate) const ISSUER: &str = "http://localhost";
pub(crate) const PASSWORD: &str = "correct horse, battery staple";

/// Whether sessions are bound to a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Bound,
    Bearer,
}

pub(crate) const BOTH: [Mode; 2] = [Mode::Bound, Mode::Bearer];

/// A server whose issuer is [`ISSUER`].
pub(crate) fn server(settings: &[(&str, &str)]) -> Server {
    let mut all = vec![("issuer.url", ISSUER)];
    all.extend(settings);
    Server::start(&all)
}

/// A client that loses patience soon.
pub(crate) fn builder(address: SocketAddr, mode: Mode) -> Builder {
    let builder = Client::builder(ISSUER)
        .connect_to(address)
        .timeout(Duration::from_millis(700));
    match mode {
        Mode::Bound => builder,
        Mode::Bearer => builder.bearer(),
    }
}

pub(crate) fn client(address: SocketAddr, mode: Mode) -> Client {
    builder(address, mode).build().unwrap()
}

/// The same with its session in this file.
pub(crate) fn client_of(address: SocketAddr, mode: Mode, file: &Path) -> Client {
    let store = FileStore::new(file);
    builder(address, mode).store(store).build().unwrap()
}

pub(crate) async fn register(client: &Client, name: &str) {
    let email = format!("{name}@example.com");
    let registration = Registration::new(&email, Login::new(name, PASSWORD));
    client.register(registration).await.unwrap();
}

/// The access token that the client would send now.
pub(crate) async fn access(client: &Client) -> Result<String, Error> {
    let authorization = client.authorize("GET", "http://localhost/auth/me").await?;
    let headers = authorization.headers()?;
    let value = headers["authorization"].to_str().unwrap();
    Ok(value.split_once(' ').unwrap().1.to_owned())
}

/// The generation of the session that the token was made for: how often it has turned.
pub(crate) fn generation(access: &str) -> u64 {
    claims(access)["gen"].as_u64().unwrap()
}

pub(crate) fn claims(access: &str) -> Value {
    let payload = access.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// The reason with which a call was told that the session is over.
pub(crate) fn reason<T: std::fmt::Debug>(said: Result<T, Error>) -> String {
    match said {
        Err(Error::Ended(ended)) => ended.reason.unwrap_or_else(|| "unknown".to_owned()),
        other => panic!("{other:?}"),
    }
}

/// The machine's time and more: what makes a token old without waiting for it.
#[derive(Clone, Default)]
pub(crate) struct Ahead(Arc<AtomicI64>);

impl Ahead {
    pub(crate) fn by(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub(crate) fn back(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap();
        self.0.fetch_sub(millis, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> impl Fn() -> i64 + Send + Sync + 'static {
        let ahead = self.clone();
        move || SystemClock.now() + ahead.0.load(Ordering::SeqCst)
    }
}

/// What another process of this program is to do.
pub(crate) struct Job {
    pub(crate) address: SocketAddr,
    pub(crate) mode: Mode,
    pub(crate) file: PathBuf,
}

const JOB: &str = "RELATCH_TEST_JOB";

impl Job {
    /// Runs the test of that name in a process of its own, which does its part there.
    pub(crate) fn spawn(&self, test: &str) -> Child {
        let job = format!("{} {:?} {}", self.address, self.mode, self.file.display());
        Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--ignored", "--nocapture"])
            .env(JOB, job)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// What this process is to do.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is how a test tells another process"
    )]
    pub(crate) fn given() -> Self {
        let job = std::env::var(JOB).unwrap();
        let parts: Vec<_> = job.splitn(3, ' ').collect();
        Self {
            address: parts[0].parse().unwrap(),
            mode: if parts[1] == "Bound" {
                Mode::Bound
            } else {
                Mode::Bearer
            },
            file: parts[2].into(),
        }
    }

    pub(crate) fn client(&self) -> Client {
        client_of(self.address, self.mode, &self.file)
    }
}
