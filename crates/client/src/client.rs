//! The client: what a program does with a session. Which token is sent when is [`turn`](crate::turn)'s to decide.

mod account;
mod builder;
mod call;
mod fetch;
mod login;
mod refresh;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, Uri};
use tokio::sync::Mutex as Gate;

use crate::authorization::DPOP_NONCE;
use crate::clock::{Clock, Skew};
use crate::held::Held;
use crate::key::Key;
use crate::transport::Transport;
use crate::turn::Pace;
use crate::wire::User;
use crate::{Authorization, Ended, Error, Secret, address};

pub use builder::Builder;
pub use login::{Login, Registration};

/// A session with a Relatch server, or the lack of one. Cheap to clone; all clones share the session.
///
/// ```no_run
/// use relatch_client::{Client, FileStore, Login};
///
/// # async fn example(password: &str) -> Result<(), relatch_client::Error> {
/// let client = Client::builder("https://auth.example.com")
///     .store(FileStore::new("/home/ada/.local/state/notes/session.json"))
///     .build()?;
/// let user = client.login(Login::new("ada", password).remember_me()).await?;
/// println!("Hello, {}", user.username);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    issuer: String,
    held: Held,
    transport: Transport,
    clock: Box<dyn Clock>,
    skew: Skew,
    /// The last nonce of each origin that sent one.
    nonces: Mutex<HashMap<String, String>>,
    pace: Pace,
    bound: bool,
    /// One at a time within this process; between processes it is the store's lock.
    gate: Gate<()>,
}

/// What is known without asking anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Somebody is logged in, as far as anybody here knows.
    In(User),
    /// Nobody is, and how that came if a session ended.
    Out(Option<Ended>),
}

impl Client {
    /// Begins a client of the server at that URL: what `issuer.url` says in its configuration.
    pub fn builder(issuer: impl Into<String>) -> Builder {
        Builder::new(issuer.into())
    }

    /// Who is logged in, from the store alone.
    ///
    /// ```
    /// use relatch_client::{Client, State};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), relatch_client::Error> {
    /// let client = Client::builder("https://auth.example.com").build()?;
    /// assert_eq!(client.state().await?, State::Out(None));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::OtherIssuer`], [`Error::Broken`].
    pub async fn state(&self) -> Result<State, Error> {
        let record = self.0.held.record().await?;
        Ok(match record.session {
            Some(session) => State::In(session.user),
            None => State::Out(record.ended),
        })
    }

    /// The right to send one request with that method to that URL, with an access token that is refreshed ahead of its end.
    ///
    /// With reqwest, whose header types are the same:
    ///
    /// ```ignore
    /// let authorization = client.authorize("GET", "https://api.example.com/notes").await?;
    /// let mut answer = http.get("https://api.example.com/notes").headers(authorization.headers()?).send().await?;
    /// if let Some(again) = client.retry(&authorization, answer.status().as_u16(), answer.headers()).await? {
    ///     answer = http.get("https://api.example.com/notes").headers(again.headers()?).send().await?;
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error`]; before anything is sent if the URL is plain `http` to another machine.
    pub async fn authorize(&self, method: &str, url: &str) -> Result<Authorization, Error> {
        let method = Method::from_bytes(method.as_bytes());
        let method = method.map_err(|_| Error::Broken("that is no method"))?;
        let url = address::checked(url)?;
        self.authorized((method, url), None).await
    }

    /// What to send instead, if an API refused a request for the token's sake or wants a nonce; nothing if its answer stands, or if
    /// this was tried already. Ask it after each answer: it also learns the nonces that come along.
    ///
    /// # Errors
    /// [`Error`]: above all [`Error::Ended`], if the session turns out to be over.
    pub async fn retry(
        &self,
        authorization: &Authorization,
        status: u16,
        headers: &http::HeaderMap,
    ) -> Result<Option<Authorization>, Error> {
        self.0.learn_nonce(&authorization.url, headers);
        self.again(authorization, status, headers).await
    }

    /// Forgets the session without telling the server, where it goes on until it has been idle for too long: for when the server
    /// cannot be reached and the tokens must not stay.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn forget(&self) -> Result<(), Error> {
        let _gate = self.0.gate.lock().await;
        let holding = self.0.held.lock().await?;
        let record = self.0.held.record().await?;
        self.0.held.keep(&holding, &record.logged_out(None)).await
    }
}

impl Inner {
    fn now(&self) -> i64 {
        self.clock.now()
    }

    fn url(&self, path: &str) -> Result<Uri, Error> {
        let url = format!("{}{path}", self.issuer);
        url.parse().map_err(|_| Error::Broken("that is no path"))
    }

    fn nonce(&self, url: &Uri) -> Option<String> {
        let nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        nonces.get(&address::origin(url)).cloned()
    }

    fn learn_nonce(&self, url: &Uri, headers: &http::HeaderMap) {
        let nonce = headers.get(DPOP_NONCE);
        if let Some(nonce) = nonce.and_then(|nonce| nonce.to_str().ok()) {
            let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
            nonces.insert(address::origin(url), nonce.to_owned());
        }
    }
}

/// Shows where it belongs, and nothing of the session.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("issuer", &self.0.issuer)
            .finish_non_exhaustive()
    }
}

/// A token and what it is good for, as far as a request needs it.
type Access = (Secret, Option<Arc<Key>>);
