//! How a client is put together.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use http::HeaderValue;
use rustls::ClientConfig;
use tokio::sync::Mutex as Gate;

use super::{Client, Inner};
use crate::clock::{Clock, Skew, SystemClock};
use crate::held::Held;
use crate::transport::Transport;
use crate::turn::Pace;
use crate::{Error, MemoryStore, Store, address};

const USER_AGENT: &str = concat!("relatch-client/", env!("CARGO_PKG_VERSION"));

/// What a [`Client`] is made from; [`Client::builder`] begins one.
pub struct Builder {
    issuer: String,
    store: Arc<dyn Store>,
    clock: Box<dyn Clock>,
    tls: OnceLock<Arc<ClientConfig>>,
    connect_to: Option<SocketAddr>,
    timeout: Duration,
    user_agent: String,
    pace: Pace,
    bound: bool,
}

impl Builder {
    pub(super) fn new(issuer: String) -> Self {
        Self {
            issuer,
            store: Arc::new(MemoryStore::new()),
            clock: Box::new(SystemClock),
            tls: OnceLock::new(),
            connect_to: None,
            timeout: Duration::from_secs(10),
            user_agent: USER_AGENT.to_owned(),
            pace: Pace {
                patience: Duration::from_secs(30),
                retry_window: Duration::from_secs(30),
            },
            bound: true,
        }
    }

    /// Keeps the session here, and not in memory alone.
    #[must_use]
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// Logs in without binding the session to a key (RFC 9449), for servers that do not bind.
    ///
    /// Whoever then gets hold of a refresh token has the session, and answers that are lost for longer than
    /// [`retry_window`](Self::retry_window) end it.
    #[must_use]
    pub fn bearer(mut self) -> Self {
        self.bound = false;
        self
    }

    /// How long one request may take, 10 seconds unless said. It is sent again when no answer came; a bearer session should
    /// have time for several within the retry window.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a call goes on asking when no answer comes, 30 seconds unless said. The session outlives that: the next call
    /// asks again.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.pace.patience = patience;
        self
    }

    /// The server's `session.retry_window`, 30 seconds unless said: for so long it takes a bearer token that it has answered
    /// before for a retry, and after it for a theft. Bound sessions have no such limit.
    #[must_use]
    pub fn retry_window(mut self, window: Duration) -> Self {
        self.pace.retry_window = window;
        self
    }

    /// Tells the server that this program calls, such as `notes/1.2 (linux)`: the list of devices shows it.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// TLS with this configuration, for authorities or a client certificate of its own.
    #[must_use]
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = OnceLock::from(config);
        self
    }

    /// Connects here, whatever the addresses say: for tunnels and tests. Names and certificates are those of the addresses.
    #[must_use]
    pub fn connect_to(mut self, address: SocketAddr) -> Self {
        self.connect_to = Some(address);
        self
    }

    /// Reads the time here and not from the machine.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// The client. It sends nothing and reads nothing yet.
    ///
    /// # Errors
    /// [`Error::Address`] if the issuer is no URL, or plain `http` to another machine; [`Error::Broken`] for a user agent that no
    /// header can carry.
    pub fn build(self) -> Result<Client, Error> {
        let issuer = address::issuer(&self.issuer)?;
        let user_agent = HeaderValue::from_str(&self.user_agent);
        let transport = Transport {
            tls: self.tls,
            connect_to: self.connect_to,
            timeout: self.timeout,
            user_agent: user_agent
                .map_err(|_| Error::Broken("the user agent has characters of no header"))?,
        };
        Ok(Client(Arc::new(Inner {
            held: Held::new(self.store, issuer.clone()),
            issuer,
            transport,
            clock: self.clock,
            skew: Skew::default(),
            nonces: Mutex::new(HashMap::new()),
            pace: self.pace,
            bound: self.bound,
            gate: Gate::new(()),
        })))
    }
}
