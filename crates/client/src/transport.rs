//! Requests over hyper, rustls and aws-lc-rs: HTTP/1.1, a connection each, for there is one every few minutes. No redirect is
//! followed. Knows nothing of tokens.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::address;

/// What the headers of an answer may take, in bytes.
const MOST_HEADERS: usize = 64 * 1024;
/// What its body may take.
const MOST_BODY: usize = 8 * 1024 * 1024;

/// Sends requests.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) tls: OnceLock<Arc<ClientConfig>>,
    /// In place of what the address says.
    pub(crate) connect_to: Option<SocketAddr>,
    /// For a whole request, from the look-up of the host to the last byte of the answer.
    pub(crate) timeout: Duration,
    pub(crate) user_agent: HeaderValue,
}

pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why no answer came. Its text says what happened, for a log.
#[derive(Debug, Error)]
#[error("{what}")]
pub struct TransportError {
    what: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
    sent: bool,
}

impl TransportError {
    /// Whether the request may have reached the server all the same.
    pub fn may_have_arrived(&self) -> bool {
        self.sent
    }

    pub(crate) fn before(
        what: &'static str,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            what,
            source: Some(cause.into()),
            sent: false,
        }
    }

    pub(crate) fn after(
        what: &'static str,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            sent: true,
            ..Self::before(what, cause)
        }
    }
}

impl Transport {
    /// The whole answer to a request, in time.
    pub(crate) async fn send(&self, outgoing: Outgoing) -> Result<Answer, TransportError> {
        let answer = tokio::time::timeout(self.timeout, self.exchange(outgoing)).await;
        answer.unwrap_or_else(|late| Err(TransportError::after("no answer came in time", late)))
    }

    async fn exchange(&self, outgoing: Outgoing) -> Result<Answer, TransportError> {
        let stream = self.connect(&outgoing.url).await?;
        if outgoing.url.scheme_str() != Some("https") {
            return self.over(stream, outgoing).await;
        }
        let name = ServerName::try_from(address::host(&outgoing.url).to_owned());
        let name = name.map_err(|error| TransportError::before("the host is no name", error))?;
        let connector = TlsConnector::from(self.tls()?);
        let stream = connector.connect(name, stream).await;
        let stream = stream.map_err(|error| TransportError::before("TLS failed", error))?;
        self.over(stream, outgoing).await
    }

    async fn connect(&self, url: &Uri) -> Result<TcpStream, TransportError> {
        let is_plain = url.scheme_str() == Some("http");
        let port = url.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
        let addresses = if let Some(address) = self.connect_to {
            vec![address]
        } else {
            let found = tokio::net::lookup_host((address::host(url), port)).await;
            let missing = |error| TransportError::before("the host is not found", error);
            found.map_err(missing)?.collect()
        };
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        // Plain http was let through because it does not leave the machine, whatever the name leads to.
        let stays = |address: &SocketAddr| !is_plain || address.ip().is_loopback();
        for address in addresses.into_iter().filter(stays) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(TransportError::before("the host cannot be reached", last))
    }

    async fn over<S>(&self, stream: S, outgoing: Outgoing) -> Result<Answer, TransportError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(MOST_HEADERS);
        let handshake = builder.handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) =
            handshake.map_err(|error| TransportError::before("the connection broke", error))?;
        // It ends with the answer, or when nobody waits for that any more.
        tokio::spawn(connection);
        let broken = |error| TransportError::after("the connection broke", error);
        let request = self.request(outgoing)?;
        let response = sender.send_request(request).await.map_err(broken)?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MOST_BODY).collect().await;
        let body = body.map_err(|error| TransportError::after("the answer broke off", error))?;
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.to_bytes(),
        })
    }

    fn request(&self, outgoing: Outgoing) -> Result<http::Request<Full<Bytes>>, TransportError> {
        let malformed =
            |error: http::Error| TransportError::before("the request is malformed", error);
        let path = outgoing
            .url
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let authority = outgoing.url.authority().map_or("", |host| host.as_str());
        let request = http::Request::builder()
            .method(outgoing.method)
            .uri(path)
            .header(HOST, authority)
            .header(USER_AGENT, &self.user_agent);
        let mut request = request.body(Full::new(outgoing.body)).map_err(malformed)?;
        request.headers_mut().extend(outgoing.headers);
        Ok(request)
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, TransportError> {
        if let Some(config) = self.tls.get() {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(machine_trust()?);
        Ok(Arc::clone(self.tls.get_or_init(|| config)))
    }
}

/// The authorities that this machine trusts, or those of `SSL_CERT_FILE`.
fn machine_trust() -> Result<ClientConfig, TransportError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let advice = "install ca-certificates, or set SSL_CERT_FILE";
        return Err(TransportError::before(
            "this machine trusts no certificate authority",
            advice,
        ));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| TransportError::before("TLS cannot be set up", error))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
