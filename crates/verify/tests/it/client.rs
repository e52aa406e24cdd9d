//! The built-in client, against a real port: what it sends, what it refuses, and whom it trusts.

use std::sync::Arc;
use std::time::Duration;

use relatch_verify::{Client, KeySource, ResourceServer, VerifyError};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::{NOW, good, keys, verifier};
use crate::wire::Issuer;

/// For `localhost` alone, until 2126; nobody trusts it but these tests.
const CERTIFICATE: &[u8] = include_bytes!("localhost.crt");
const KEY: &[u8] = include_bytes!("localhost.key");

fn fetching(source: KeySource) -> ResourceServer {
    let builder = ResourceServer::builder(verifier()).clock(|| NOW);
    builder.fetch(source).unwrap()
}

#[tokio::test]
async fn keys_come_over_http_on_this_machine() {
    let issuer = Issuer::start().await;
    let server = fetching(issuer.keys());
    server.verify(&good()).await.unwrap();
    let by_name = format!("http://localhost:{}", issuer.address.port());
    fetching(KeySource::of(&by_name))
        .verify(&good())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_request_says_what_it_must() {
    let mut issuer = Issuer::start().await;
    let url = format!("{}/realms/main/certs?x=1", issuer.url());
    let server = fetching(KeySource::at(url));
    let call = issuer.call("/realms/main/certs?x=1").await;
    assert_eq!(
        call.header("host"),
        Some(issuer.address.to_string().as_str())
    );
    assert!(
        call.header("user-agent")
            .unwrap()
            .starts_with("relatch-verify/")
    );
    assert!(call.header("accept").unwrap().contains("json"));
    assert_eq!(call.header("authorization"), None);
    call.answer("application/json", &serde_json::to_string(&keys()).unwrap())
        .await;
    server.ready().await;
}

/// Not to another host, and not to the same.
#[tokio::test]
async fn no_redirect_is_followed() {
    let mut issuer = Issuer::start().await;
    let server = fetching(KeySource::at(format!("{}/moved", issuer.url())));
    let call = issuer.call("/moved").await;
    let location = format!("{}/.well-known/jwks.json", issuer.url());
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    call.raw(&answer).await;
    // Whoever followed it would have keys now.
    let answer = server.verify(&good()).await;
    assert_eq!(answer, Err(VerifyError::KeysUnavailable));
}

#[tokio::test]
async fn broken_answers_are_asked_for_again() {
    let mut issuer = Issuer::start().await;
    let source = KeySource::at(format!("{}/keys", issuer.url()));
    let server = fetching(source.pause(Duration::ZERO));
    let header = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf";
    for broken in ["", "nonsense\r\n\r\n", half, &header] {
        let answered = async { issuer.call("/keys").await.raw(broken).await };
        let token = good();
        let (answer, ()) = tokio::join!(server.verify(&token), answered);
        assert_eq!(answer, Err(VerifyError::KeysUnavailable));
    }
    let body = serde_json::to_string(&keys()).unwrap();
    let call = issuer.call("/keys");
    let answered = async { call.await.answer("application/json", &body).await };
    let token = good();
    let (answer, ()) = tokio::join!(server.verify(&token), answered);
    answer.unwrap();
}

#[tokio::test]
async fn tls_is_for_whom_it_trusts() {
    let address = tls_issuer().await;
    let of_host = |host: &str| KeySource::of(&format!("https://{host}:{address}"));
    let builder = || ResourceServer::builder(verifier()).clock(|| NOW);
    let trusting = builder().transport(Client::with_tls(trust()));
    trusting
        .fetch(of_host("localhost"))
        .unwrap()
        .verify(&good())
        .await
        .unwrap();
    // The certificate is for another name.
    let misnamed = builder().transport(Client::with_tls(trust()));
    let answer = misnamed
        .fetch(of_host("127.0.0.1"))
        .unwrap()
        .verify(&good())
        .await;
    assert_eq!(answer, Err(VerifyError::KeysUnavailable));
    // This machine trusts no such authority.
    let strict = builder().fetch(of_host("localhost")).unwrap();
    assert_eq!(
        strict.verify(&good()).await,
        Err(VerifyError::KeysUnavailable)
    );
}

/// An issuer behind TLS; its port.
async fn tls_issuer() -> u16 {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let _ = stream.read(&mut [0; 4096]).await;
            let body = serde_json::to_string(&keys()).unwrap();
            let length = body.len();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

fn trust() -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap())
        .unwrap();
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(
        config
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}
