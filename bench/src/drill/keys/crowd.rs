//! The sessions that go on, and the verifiers that look at what they get.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use relatch_verify::{Clock as _, KeySet, SystemClock, Verifier, VerifyError, jws::Compact};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::KeysSettings;
use crate::api::{Answer, Api};
use crate::chance::Chance;
use crate::failure::{Doing, Failure, Result};
use crate::report::Report;

const ISSUER: &str = "http://relatch.test";

/// Sessions of one user.
const DEVICES: usize = 20;

/// Clients at work at once; each has its share of the sessions.
const CLIENTS: usize = 8;

/// What everybody saw.
#[derive(Debug, Default)]
pub(super) struct Watched {
    refreshes: Cell<u64>,
    lost: Cell<u64>,
    checks: Cell<u64>,
    unknown_kid: Cell<u64>,
    /// Whose tokens are to be refused, not checked.
    withdrawn: RefCell<Option<String>>,
    newest: RefCell<String>,
    broken: RefCell<Vec<String>>,
    stopped: Cell<bool>,
}

impl Watched {
    pub(super) fn stop(&self) {
        self.stopped.set(true);
    }

    pub(super) fn withdraw(&self, kid: &str) {
        *self.withdrawn.borrow_mut() = Some(kid.to_owned());
    }

    /// An access token that this key signed.
    pub(super) async fn a_token_of(&self, kid: &str) -> Result<String> {
        for _ in 0..1_000 {
            let newest = self.newest.borrow().clone();
            if kid_of(&newest).as_deref() == Some(kid) {
                return Ok(newest);
            }
            sleep(Duration::from_millis(10)).await;
        }
        Err(Failure::Told("no token of the active key came".to_owned()))
    }

    pub(super) fn tell(&self, report: &mut Report) {
        report.note("refreshes", self.refreshes.get());
        report.note("unanswered_while_down", self.lost.get());
        report.note("failed_refreshes", self.broken.borrow().len());
        report.note("checks", self.checks.get());
        report.note("unknown_kid", self.unknown_kid.get());
        for what in self.broken.borrow().iter().take(20) {
            report.broken(what.clone());
        }
        if self.unknown_kid.get() > 0 {
            report.broken("a verifier met a key that it did not know");
        }
        if self.refreshes.get() == 0 || self.checks.get() == 0 {
            report.broken("nothing was refreshed or checked");
        }
    }

    fn is_withdrawn(&self, token: &str) -> bool {
        let kid = kid_of(token);
        kid.is_some() && *self.withdrawn.borrow() == kid
    }
}

/// Everybody.
pub(super) struct Crowd {
    shares: Vec<Vec<Session>>,
    verifiers: Rc<Vec<RefCell<Cache>>>,
    address: Rc<Cell<SocketAddr>>,
    watched: Rc<Watched>,
    seed: u64,
}

/// One device, with the newest token and an access token from a while ago.
struct Session {
    refresh: String,
    older: String,
}

impl Crowd {
    /// Registers and logs in.
    pub(super) async fn gather(
        settings: &KeysSettings,
        address: Rc<Cell<SocketAddr>>,
        watched: Rc<Watched>,
    ) -> Result<Self> {
        let mut api = Api::new(address.get());
        let mut shares: Vec<Vec<Session>> = (0..CLIENTS).map(|_| Vec::new()).collect();
        for number in 0..settings.sessions {
            let name = format!("user-{}", number / DEVICES);
            let first = number.is_multiple_of(DEVICES);
            let password = "a long enough password";
            let (path, body) = if first {
                let email = format!("{name}@example.com");
                let body = json!({ "username": name, "email": email, "password": password });
                ("/auth/register", body)
            } else {
                let body = json!({ "username": name, "password": password });
                ("/auth/login", body)
            };
            let answer = api.post(path, None, Some(&body)).await.doing(path)?;
            let session = Session {
                refresh: answer.text("refresh_token").to_owned(),
                older: answer.text("access_token").to_owned(),
            };
            if session.refresh.is_empty() {
                return Err(Failure::Told(format!("{path}: {}", answer.brief())));
            }
            if let Some(share) = shares.get_mut(number % CLIENTS) {
                share.push(session);
            }
        }
        let verifiers = (0..settings.verifiers.max(1)).map(|_| RefCell::default());
        Ok(Self {
            shares,
            verifiers: Rc::new(verifiers.collect()),
            address,
            watched,
            seed: settings.seed,
        })
    }

    /// Sets everybody to work.
    pub(super) fn begin(self) -> Vec<JoinHandle<()>> {
        let lanes = (1..).zip(self.shares);
        let clients = lanes.map(|(lane, sessions)| Client {
            sessions,
            chance: Chance::lane(self.seed, lane),
            verifiers: Rc::clone(&self.verifiers),
            address: Rc::clone(&self.address),
            watched: Rc::clone(&self.watched),
            verifier: Verifier::new(ISSUER, ISSUER),
        });
        clients
            .map(|client| tokio::task::spawn_local(client.work()))
            .collect()
    }
}

struct Client {
    sessions: Vec<Session>,
    chance: Chance,
    verifiers: Rc<Vec<RefCell<Cache>>>,
    address: Rc<Cell<SocketAddr>>,
    watched: Rc<Watched>,
    verifier: Verifier,
}

impl Client {
    async fn work(mut self) {
        let mut sessions = std::mem::take(&mut self.sessions);
        let mut api = Api::new(self.address.get());
        for place in (0..sessions.len()).cycle() {
            if self.watched.stopped.get() {
                return;
            }
            if let Some(session) = sessions.get_mut(place)
                && !self.refresh(&mut api, session).await
            {
                api = Api::new(self.address.get());
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// Whether an answer came.
    async fn refresh(&mut self, api: &mut Api, session: &mut Session) -> bool {
        let watched = Rc::clone(&self.watched);
        let Ok(answer) = api
            .post("/auth/refresh", Some(&session.refresh), None)
            .await
        else {
            watched.lost.set(watched.lost.get() + 1);
            return false;
        };
        if answer.status != 200 {
            watched
                .broken
                .borrow_mut()
                .push(format!("a refresh: {}", answer.brief()));
            return true;
        }
        watched.refreshes.set(watched.refreshes.get() + 1);
        answer
            .text("refresh_token")
            .clone_into(&mut session.refresh);
        let access = answer.text("access_token").to_owned();
        watched.newest.borrow_mut().clone_from(&access);
        self.check(api, &access).await;
        let older = std::mem::replace(&mut session.older, access);
        self.check(api, &older).await;
        true
    }

    /// One of the verifiers looks at a token, with the keys that it has.
    async fn check(&mut self, api: &mut Api, token: &str) {
        let count = u64::try_from(self.verifiers.len()).unwrap_or(1);
        let which = usize::try_from(self.chance.below(count)).unwrap_or(0);
        let verifiers = Rc::clone(&self.verifiers);
        let Some(cache) = verifiers.get(which) else {
            return;
        };
        if cache.borrow().is_stale()
            && let Ok(answer) = api.get("/.well-known/jwks.json", None).await
        {
            cache.borrow_mut().take(&answer);
        }
        // While the server is down nobody can have its keys; nobody has new tokens of it either.
        if self.watched.is_withdrawn(token) || cache.borrow().is_stale() {
            return;
        }
        let keys = cache.borrow();
        let verified = self.verifier.verify(token, &keys.keys, SystemClock.now());
        self.watched.checks.set(self.watched.checks.get() + 1);
        match verified {
            // An older token may have run out since.
            Ok(_) | Err(VerifyError::Expired) => {}
            Err(VerifyError::KeyUnknown) => {
                self.watched
                    .unknown_kid
                    .set(self.watched.unknown_kid.get() + 1);
            }
            Err(error) => self
                .watched
                .broken
                .borrow_mut()
                .push(format!("a token: {error}")),
        }
    }
}

/// What one verifier keeps of the JWKS, for as long as it may.
#[derive(Default)]
struct Cache {
    keys: KeySet,
    until: Option<Instant>,
}

impl Cache {
    fn is_stale(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() >= until)
    }

    fn take(&mut self, answer: &Answer) {
        let age = answer.cache.split("max-age=").nth(1);
        let age = age.and_then(|age| age.split(',').next()?.trim().parse().ok());
        if let Ok(keys) = serde_json::from_value(answer.body.clone()) {
            self.keys = keys;
            self.until = Some(Instant::now() + Duration::from_secs(age.unwrap_or(0)));
        }
    }
}

fn kid_of(token: &str) -> Option<String> {
    Compact::parse(token).ok()?.header().kid.clone()
}
