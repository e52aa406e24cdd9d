//! A server that serves HTTPS with a certificate for development, and a client that trusts its authority.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    StreamOwned, SupportedProtocolVersion,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use serde_json::Value;

use super::{Connection, Folder, Reply, Request, Server, Transport};

/// A server with HTTPS.
pub(crate) struct Secure {
    server: Server,
    roots: Arc<RootCertStore>,
}

impl Deref for Secure {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl DerefMut for Secure {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.server
    }
}

/// How a client says hello.
#[derive(Clone, Copy)]
pub(crate) struct Hello<'a> {
    /// Whom it asks for.
    pub(crate) name: &'a str,
    /// As whom it takes the certificate, where that is somebody else.
    pub(crate) meant: Option<&'a str>,
    pub(crate) protocol: &'a str,
    pub(crate) versions: &'a [&'static SupportedProtocolVersion],
}

/// What clients of today speak.
static BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

impl Default for Hello<'_> {
    fn default() -> Self {
        Self {
            name: "localhost",
            meant: None,
            protocol: "http/1.1",
            versions: BOTH,
        }
    }
}

impl Folder {
    /// Makes a certificate in a folder beside the data, and says where everything is.
    pub(crate) fn certify(&self, folder: &str, names: &[&str]) -> Value {
        let data = self.file(folder);
        let names = names.iter().flat_map(|name| ["--name", *name]);
        let arguments: Vec<_> = ["tls", "dev", "--json", "--data", data.to_str().unwrap()]
            .into_iter()
            .chain(names)
            .collect();
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_relatch"))
            .args(arguments)
            .env_clear()
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        serde_json::from_slice(&done.stdout).unwrap()
    }
}

/// The text of a member.
pub(crate) fn path<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap()
}

/// The first certificate of a file.
pub(crate) fn certificate(file: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file).unwrap()
}

impl Secure {
    /// A server with a fresh folder, one certificate and a listener for plain HTTP.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_in(Folder::new(), &[&[]], settings)
    }

    /// The same with a certificate for each list of names.
    pub(crate) fn start_in(folder: Folder, names: &[&[&str]], settings: &[(&str, &str)]) -> Self {
        let mut roots = RootCertStore::empty();
        let (mut certificates, mut keys) = (Vec::new(), Vec::new());
        for (number, names) in names.iter().enumerate() {
            let made = folder.certify(&format!("pair-{number}"), names);
            roots.add(certificate(path(&made, "ca_file"))).unwrap();
            certificates.push(path(&made, "certificate_file").to_owned());
            keys.push(path(&made, "key_file").to_owned());
        }
        let (certificates, keys) = (certificates.join(","), keys.join(","));
        let own = [
            ("issuer.url", "https://relatch.test"),
            ("server.redirect_listen", "127.0.0.1:0"),
            ("tls.certificate_files", &certificates),
            ("tls.key_files", &keys),
        ];
        let settings: Vec<_> = own.into_iter().chain(settings.iter().copied()).collect();
        Self {
            server: folder.start(&settings),
            roots: Arc::new(roots),
        }
    }

    /// A connection of HTTP/1.1.
    pub(crate) fn connect(&self) -> Connection {
        self.greet(Hello::default()).expect("a handshake")
    }

    /// A connection by another hello; why there is none.
    pub(crate) fn greet(&self, hello: Hello<'_>) -> Result<Connection, String> {
        let connection = self.handshake(hello)?;
        Ok(Connection::over(Transport::Tls(Box::new(connection))))
    }

    /// The certificate that is shown to such a hello.
    pub(crate) fn shown(&self, hello: Hello<'_>) -> CertificateDer<'static> {
        let connection = self.handshake(hello).unwrap();
        connection.conn.peer_certificates().unwrap()[0]
            .clone()
            .into_owned()
    }

    fn handshake(
        &self,
        hello: Hello<'_>,
    ) -> Result<StreamOwned<ClientConnection, std::net::TcpStream>, String> {
        let name = ServerName::try_from(hello.name.to_owned()).unwrap();
        let config = Arc::new(self.client(hello));
        let client = ClientConnection::new(config, name).unwrap();
        let Transport::Plain(socket) = Connection::open(self.address).into_stream() else {
            panic!("it is plain");
        };
        let mut stream = StreamOwned::new(client, socket);
        while stream.conn.is_handshaking() {
            stream
                .conn
                .complete_io(&mut stream.sock)
                .map_err(|error| error.to_string())?;
        }
        Ok(stream)
    }

    fn client(&self, hello: Hello<'_>) -> ClientConfig {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(hello.versions)
            .unwrap();
        let mut config = match hello.meant {
            None => config
                .with_root_certificates(Arc::clone(&self.roots))
                .with_no_client_auth(),
            Some(meant) => {
                let roots = Arc::clone(&self.roots);
                let inner = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
                let name = ServerName::try_from(meant.to_owned()).unwrap();
                let verifier = Arc::new(Meant(inner.unwrap(), name));
                config
                    .dangerous()
                    .with_custom_certificate_verifier(verifier)
                    .with_no_client_auth()
            }
        };
        config.alpn_protocols = vec![hello.protocol.as_bytes().to_vec()];
        config
    }

    /// One request on a connection of its own.
    pub(crate) fn send(&self, request: &Request) -> Reply {
        let mut connection = self.connect();
        connection.send(&request.bytes());
        connection.read().expect("an answer")
    }
}

/// Asks for one and takes the certificate of another.
#[derive(Debug)]
struct Meant(Arc<WebPkiServerVerifier>, ServerName<'static>);

impl ServerCertVerifier for Meant {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _asked: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.0.verify_server_cert(end, rest, &self.1, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
