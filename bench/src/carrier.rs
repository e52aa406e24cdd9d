//! What carries the bytes of a connection: TCP, or TLS on it, as whoever trusts the authority of a certificate for development
//! speaks it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Command;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::failure::{Doing, Failure, Result};
use crate::place::Place;

/// How to connect.
#[derive(Clone)]
pub(crate) enum Carrier {
    Plain,
    Tls(TlsConnector),
}

/// A connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl std::fmt::Debug for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Tls(_) => "Tls",
        })
    }
}

impl Carrier {
    /// Connects, and shakes hands if that is wanted.
    ///
    /// # Errors
    /// Nobody listens, or he is not trusted.
    pub(crate) async fn connect(&self, address: SocketAddr) -> io::Result<Stream> {
        let stream = TcpStream::connect(address).await?;
        self.begin(stream).await
    }

    /// The same from another address of this machine.
    ///
    /// # Errors
    /// As above.
    pub(crate) async fn connect_from(
        &self,
        source: IpAddr,
        address: SocketAddr,
    ) -> io::Result<Stream> {
        self.begin(tcp_from(source, address).await?).await
    }

    async fn begin(&self, stream: TcpStream) -> io::Result<Stream> {
        stream.set_nodelay(true)?;
        match self {
            Self::Plain => Ok(Stream::Plain(stream)),
            Self::Tls(connector) => {
                let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
                let stream = connector.connect(name, stream).await?;
                Ok(Stream::Tls(Box::new(stream)))
            }
        }
    }
}

/// TCP alone, from an address of this machine.
///
/// # Errors
/// Nobody listens, or the address is not of this machine.
pub(crate) async fn tcp_from(source: IpAddr, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(address).await
}

impl Stream {
    /// The certificate that was shown.
    pub(crate) fn certificate(&self) -> Option<CertificateDer<'static>> {
        let Self::Tls(stream) = self else { return None };
        let shown = stream.get_ref().1.peer_certificates()?.first()?;
        Some(shown.clone().into_owned())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// A certificate for development, with what a server and its clients need of it.
#[derive(Debug)]
pub(crate) struct Certificate {
    pub(crate) file: PathBuf,
    key: PathBuf,
    authority: PathBuf,
}

impl Certificate {
    /// Has the server make one in this folder, or another in its place.
    ///
    /// # Errors
    /// It does not.
    pub(crate) fn make(place: &Place, folder: &Path) -> Result<Self> {
        let mut command = Command::new(&place.server);
        command.args(["tls", "dev", "--json", "--data"]).arg(folder);
        let output = command.output().doing("making a certificate")?;
        let made: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let path = |member| {
            let text = made.get(member).and_then(Value::as_str);
            let missing = || Failure::Told(format!("no certificate was made: {output:?}"));
            text.map(PathBuf::from).ok_or_else(missing)
        };
        Ok(Self {
            file: path("certificate_file")?,
            key: path("key_file")?,
            authority: path("ca_file")?,
        })
    }

    /// The section of a configuration that serves it.
    pub(crate) fn section(&self) -> String {
        format!(
            "[tls]\ncertificate_files = [{:?}]\nkey_files = [{:?}]\n",
            self.file.display().to_string(),
            self.key.display().to_string()
        )
    }

    /// What is in its file now.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn read(&self) -> Result<CertificateDer<'static>> {
        CertificateDer::from_pem_file(&self.file).map_err(|error| Failure::Told(error.to_string()))
    }

    /// A client that trusts its authority and shakes hands in full each time, in that version of HTTP.
    ///
    /// # Errors
    /// Its authority cannot be read.
    pub(crate) fn carrier(&self, protocol: &str) -> Result<Carrier> {
        let told = |error: &dyn std::error::Error| Failure::Told(error.to_string());
        let authority = CertificateDer::from_pem_file(&self.authority);
        let mut roots = RootCertStore::empty();
        let added = roots.add(authority.map_err(|error| told(&error))?);
        added.map_err(|error| told(&error))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = config
            .map_err(|error| told(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Ok(Carrier::Tls(TlsConnector::from(Arc::new(config))))
    }
}
