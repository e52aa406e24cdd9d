//! The way to a database is encrypted, and the server is the one that it should be.

use std::sync::Arc;

use base64::Engine as _;
use relatch_core::user::store::UserStore as _;
use relatch_store::{Postgres, conformance::policy};
use scratch_postgres::Server;

use super::{newcomer, open, options};

/// A server with a certificate for `localhost`, and its own address of this machine.
fn server() -> (Server, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("makes");
    let certificate = pem("CERTIFICATE", made.cert.der());
    let key = pem("PRIVATE KEY", &made.signing_key.serialize_der());
    let files = [("certificate.pem", &*certificate), ("key.pem", &*key)];
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let address = format!("127.77.{high}.{low}");
    let settings = format!(
        "listen_addresses = '{address}'\nssl = on\n\
         ssl_cert_file = '../certificate.pem'\nssl_key_file = '../key.pem'\n"
    );
    (Server::alone_with(&settings, &files), address)
}

fn pem(label: &str, bytes: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificate_is_checked_in_full() {
    let (server, address) = server();
    let database = server.database();
    let url = |host: &str, more: &str| {
        format!("postgres://relatch@{host}/{database}?sslmode=verify-full&hostaddr={address}{more}")
    };
    let root = server.folder().join("certificate.pem");
    let root = format!("&sslrootcert={}", root.display());
    let store = open(&options(&url("localhost", &root), |_| {})).await;
    store.register(newcomer(1)).await.expect("works");
    let encrypted = server.query(
        "postgres",
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'relatch'",
    );
    assert_eq!(encrypted, "t");
    // Another name, and nobody who vouches for it.
    for (host, more) in [("db.example.com", root.as_str()), ("localhost", "")] {
        let options = options(&url(host, more), |_| {});
        let opened = Postgres::open(&options, Arc::new(policy())).await;
        let error = opened.err().expect("is refused").to_string();
        assert!(error.contains("certificate"), "{error}");
    }
}
