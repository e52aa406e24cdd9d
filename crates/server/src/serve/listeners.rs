//! What is listened on, and the certificates to serve there.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{
    clock::{Clock as _, SystemClock},
    config::Config,
    tls::{self, TlsError, Watch},
};

/// The listeners of a server.
pub struct Listeners {
    pub(super) api: TcpListener,
    pub(super) tls: Option<(TlsAcceptor, Watch)>,
    pub(super) redirect: Option<TcpListener>,
}

/// Why there is nothing to serve on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is not to be had.
    #[error("cannot listen on {address}")]
    Address {
        /// Which.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The certificates are not to be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Listeners {
    /// Opens the certificates and listens where the configuration says.
    ///
    /// # Errors
    /// [`ListenError`].
    pub async fn open(config: &Config) -> Result<Self, ListenError> {
        let tls = if config.tls.is_on() {
            let (served, watch) = tls::open(&config.tls, SystemClock.now())?;
            Some((TlsAcceptor::from(served), watch))
        } else {
            None
        };
        let redirect = match config.server.redirect_listen {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let api = listen(config.server.listen).await?;
        Ok(Self { api, tls, redirect })
    }

    /// Where clients reach the API, as far as this machine knows.
    ///
    /// # Errors
    /// What the system says.
    pub fn url(&self) -> std::io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.api.local_addr()?))
    }

    /// Where plain HTTP is led to HTTPS, if it is.
    pub fn redirect_address(&self) -> Option<SocketAddr> {
        self.redirect.as_ref()?.local_addr().ok()
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ListenError::Address { address, source })
}
