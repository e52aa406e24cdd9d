//! A client on hyper, rustls and aws-lc-rs: HTTP/1.1, one connection a request. Keys are fetched every few minutes and the
//! feed is one long answer: there is nothing to pool.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderValue, Uri, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Body, Pending, Request, Response, Transport, TransportError};

const USER_AGENT: &str = concat!("relatch-verify/", env!("CARGO_PKG_VERSION"));
/// What the headers of an answer may take.
const HEADER_BYTES: usize = 64 * 1024;

/// The client that is used unless another is given.
///
/// It trusts the certificate authorities that this machine trusts, read once, before the first `https` request (or those of
/// `SSL_CERT_FILE`): a company's own authority works where it is installed, and one that is withdrawn goes with the next
/// update of the machine and not with the next build. It follows no redirect and knows no proxy.
///
/// ```
/// use relatch_verify::{Client, ResourceServer, Verifier};
///
/// let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
/// let builder = ResourceServer::builder(verifier).transport(Client::new()); // as without saying so
/// # let _ = builder;
/// ```
#[derive(Debug, Default)]
pub struct Client {
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Client {
    /// A client that trusts whom the machine trusts.
    pub fn new() -> Self {
        Self::default()
    }

    /// A client with this configuration of TLS, for authorities or a client certificate of its own.
    pub fn with_tls(config: Arc<ClientConfig>) -> Self {
        Self {
            tls: OnceLock::from(config),
        }
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, TransportError> {
        if let Some(config) = self.tls.get() {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(machine_trust()?);
        Ok(Arc::clone(self.tls.get_or_init(|| config)))
    }

    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let host = host(&request.url)?;
        let stream = connect(host, port(&request.url)).await?;
        if request.url.scheme_str() == Some("https") {
            let name = ServerName::try_from(host.to_owned())
                .map_err(|error| TransportError::with_source("the host is no name", error))?;
            let stream = TlsConnector::from(self.tls()?).connect(name, stream).await;
            exchange(stream.map_err(failed("TLS failed"))?, request).await
        } else {
            exchange(stream, request).await
        }
    }
}

impl Transport for Client {
    fn get(&self, request: Request) -> Pending<'_, Result<Response, TransportError>> {
        Box::pin(self.send(request))
    }
}

fn machine_trust() -> Result<ClientConfig, TransportError> {
    let mut roots = RootCertStore::empty();
    let machine = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(machine.certs);
    if roots.is_empty() {
        return Err(TransportError::new(
            "this machine trusts no certificate authority: install ca-certificates, or set SSL_CERT_FILE",
        ));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config =
        versions.map_err(|error| TransportError::with_source("TLS cannot be set up", error))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn host(url: &Uri) -> Result<&str, TransportError> {
    let host = url
        .host()
        .ok_or(TransportError::new("the address has no host"))?;
    Ok(host.trim_start_matches('[').trim_end_matches(']'))
}

fn port(url: &Uri) -> u16 {
    let usual = if url.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    url.port_u16().unwrap_or(usual)
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, TransportError> {
    let found = tokio::net::lookup_host((host, port)).await;
    let addresses = found.map_err(failed("the host is not found"))?;
    // Plain http to localhost is let through because it cannot leave the machine.
    let stays = |address: &SocketAddr| host != "localhost" || address.ip().is_loopback();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses.filter(stays) {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(failed("the host does not answer")(last))
}

async fn exchange<S>(stream: S, request: Request) -> Result<Response, TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEADER_BYTES);
    let handshake = builder.handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(broken)?;
    // It ends with the answer: when the body was read, or is dropped.
    tokio::spawn(connection);
    let response = sender.send_request(outgoing(request)?).await;
    let (parts, body) = response.map_err(broken)?.into_parts();
    Ok(Response {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: Box::new(body),
    })
}

fn outgoing(request: Request) -> Result<http::Request<Empty<Bytes>>, TransportError> {
    let malformed = || TransportError::new("the address cannot be asked");
    let authority = request.url.authority().ok_or_else(malformed)?;
    let host = HeaderValue::from_str(authority.as_str()).map_err(|_| malformed())?;
    let path = request
        .url
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let mut outgoing = http::Request::get(path)
        .body(Empty::new())
        .map_err(|_| malformed())?;
    *outgoing.headers_mut() = request.headers;
    let headers = outgoing.headers_mut();
    headers.insert(header::HOST, host);
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    Ok(outgoing)
}

impl Body for Incoming {
    fn chunk(&mut self) -> Pending<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(async {
            while let Some(frame) = self.frame().await {
                // Trailers say nothing that matters here.
                if let Ok(data) = frame.map_err(broken)?.into_data() {
                    return Ok(Some(data));
                }
            }
            Ok(None)
        })
    }
}

fn broken(error: hyper::Error) -> TransportError {
    TransportError::with_source("the connection broke", error)
}

fn failed(what: &'static str) -> impl Fn(io::Error) -> TransportError {
    move |error| TransportError::with_source(what, error)
}
