//! Connections: how they are made, what is sent through them, and what the server says by the way.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustls::{
    ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject as _,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
};
use tokio_postgres::{AsyncMessage, Client, NoTls, Row, error::DbError};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    address::Address,
    parameter::Parameters,
    row::{Fault, told},
};

/// Why certificates cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of trusted certificates is not to be used.
    #[error("the certificates in {0} cannot be read: {1}")]
    Root(std::path::PathBuf, String),
    /// The system trusts nobody.
    #[error("this system has no certificates that it trusts: name a file of them by sslrootcert")]
    NoRoots,
    /// The library refused.
    #[error("TLS cannot be used")]
    Library(#[from] rustls::Error),
}

/// Opens connections to one database.
pub(super) struct Connector {
    address: Address,
    tls: Option<MakeRustlsConnect>,
    patience: Duration,
}

impl Connector {
    pub(super) fn new(address: Address, patience: Duration) -> Result<Self, TlsError> {
        let tls = if address.wants_tls() {
            Some(MakeRustlsConnect::new(client(address.root.as_deref())?))
        } else {
            None
        };
        Ok(Self {
            address,
            tls,
            patience,
        })
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> Result<Connection, Fault> {
        let connecting = async {
            let config = &self.address.config;
            let told = Arc::new(Told::default());
            let client = if let Some(tls) = &self.tls {
                let (client, connection) = config.connect(tls.clone()).await?;
                tokio::spawn(drive(connection, Arc::clone(&told)));
                client
            } else {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(drive(connection, Arc::clone(&told)));
                client
            };
            Ok(Connection {
                client,
                told,
                spoiled: AtomicBool::new(false),
                unanswered: AtomicBool::new(false),
            })
        };
        let connected = tokio::time::timeout(self.patience, connecting).await;
        let connected = connected.unwrap_or(Err(Fault::Late));
        connected.map_err(|fault| match fault {
            Fault::Postgres(error) => Fault::Unreachable(told(&error)),
            other => other,
        })
    }
}

/// The server's certificate must be for its name, and by somebody in the file, or whom the system trusts.
fn client(root: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = root {
        let fault =
            |error: &dyn std::fmt::Display| TlsError::Root(path.to_owned(), error.to_string());
        let read = CertificateDer::pem_file_iter(path).map_err(|error| fault(&error))?;
        for certificate in read {
            let certificate = certificate.map_err(|error| fault(&error))?;
            roots.add(certificate).map_err(|error| fault(&error))?;
        }
        if roots.is_empty() {
            return Err(fault(&"there is none in it"));
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(TlsError::NoRoots);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// What the server said beside its answers.
#[derive(Default)]
struct Told {
    warning: Mutex<Option<String>>,
    notified: Notify,
    /// What notifications say that are of no interest.
    own: OnceLock<String>,
}

impl Told {
    /// A warning is kept until somebody asks for it.
    fn notice(&self, notice: &DbError) {
        if notice.severity() == "WARNING" {
            let mut warning = self.warning.lock().unwrap_or_else(PoisonError::into_inner);
            *warning = Some(notice.message().to_owned());
        }
    }
}

/// Carries bytes to and fro until the connection ends.
async fn drive<S, T>(mut connection: tokio_postgres::Connection<S, T>, told: Arc<Told>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match std::future::poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notice(notice))) => told.notice(&notice),
            Some(Ok(AsyncMessage::Notification(heard))) => {
                if told.own.get().is_none_or(|own| own != heard.payload()) {
                    told.notified.notify_one();
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(
                    error = self::told(&error),
                    "a connection to PostgreSQL broke"
                );
                break;
            }
            None => break,
        }
    }
    // Whoever listens on it must not wait for ever.
    told.notified.notify_one();
}

/// A connection, by which statements are sent. Those that are sent before the ones before were answered go in one round trip.
pub(super) struct Connection {
    client: Client,
    told: Arc<Told>,
    spoiled: AtomicBool,
    /// Whether somebody went away before his statement was answered.
    unanswered: AtomicBool,
}

/// A statement that is waited for.
struct Asked<'a>(Option<&'a AtomicBool>);

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if let Some(unanswered) = self.0 {
            unanswered.store(true, Ordering::Relaxed);
        }
    }
}

impl Connection {
    /// The rows that a statement answers.
    pub(super) async fn rows(
        &self,
        sql: &str,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, Fault> {
        let typed: Vec<_> = parameters.iter().map(|one| one.typed()).collect();
        let rows = self.answer(self.client.query_typed(sql, &typed)).await;
        rows.map_err(|error| self.fault(error))
    }

    /// How many rows a statement touched.
    pub(super) async fn execute(
        &self,
        sql: &str,
        parameters: &Parameters<'_>,
    ) -> Result<u64, Fault> {
        let typed: Vec<_> = parameters.iter().map(|one| one.typed()).collect();
        let touched = self.answer(self.client.execute_typed(sql, &typed)).await;
        touched.map_err(|error| self.fault(error))
    }

    /// Runs statements without parameters, whose rows nobody wants.
    pub(super) async fn run(&self, script: &str) -> Result<(), Fault> {
        let done = self.answer(self.client.batch_execute(script)).await;
        done.map_err(|error| self.fault(error))
    }

    async fn answer<F: Future>(&self, statement: F) -> F::Output {
        let mut asked = Asked(Some(&self.unanswered));
        let answer = statement.await;
        asked.0 = None;
        answer
    }

    /// Whether a statement was not waited for to its end since this was asked last.
    pub(super) fn take_unanswered(&self) -> bool {
        self.unanswered.swap(false, Ordering::Relaxed)
    }

    /// Takes the last warning that nobody took yet.
    pub(super) fn take_warning(&self) -> Option<String> {
        let mut warning = self
            .told
            .warning
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        warning.take()
    }

    /// Done when a notification came, or the connection ended.
    pub(super) async fn notified(&self) {
        self.told.notified.notified().await;
    }

    /// Is not told of notifications that say this.
    pub(super) fn ignore(&self, own: &str) {
        // Set once, or it would be another listener's.
        let _ = self.told.own.set(own.to_owned());
    }

    /// Keeps anybody from using it again.
    pub(super) fn spoil(&self) {
        self.spoiled.store(true, Ordering::Relaxed);
    }

    /// Whether it can be used again, as far as is known here.
    pub(super) fn is_good(&self) -> bool {
        !self.client.is_closed() && !self.spoiled.load(Ordering::Relaxed)
    }

    fn fault(&self, error: tokio_postgres::Error) -> Fault {
        let fault = Fault::Postgres(error);
        if fault.wants_another_connection() {
            self.spoil();
        }
        fault
    }
}
