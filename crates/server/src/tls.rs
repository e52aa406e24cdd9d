//! HTTPS: certificates out of their files, and how they are served. Knows nothing of connections and of HTTP.

mod certificate;
mod chain;
pub(crate) mod dev;
mod table;
mod validity;
mod watch;

use std::{path::PathBuf, sync::Arc};

use relatch_core::Timestamp;
use rustls::{ServerConfig, crypto::aws_lc_rs, version};

use crate::config::{TlsConfig, TlsVersion};

pub use certificate::CertificateError;
pub(crate) use certificate::Standing;
pub(crate) use chain::ChainFault;
use table::{Contents, Table};
pub(crate) use watch::Watch;

/// Why HTTPS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate or its key is not to be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// rustls refuses the settings.
    #[error("TLS cannot be set up")]
    Settings(#[source] rustls::Error),
}

/// What ALPN calls HTTP/2.
pub(crate) const HTTP2: &[u8] = b"h2";

/// Opens the certificates: how to serve them, and the watch over their files.
///
/// # Errors
/// [`TlsError`].
pub(crate) fn open(
    config: &TlsConfig,
    now: Timestamp,
) -> Result<(Arc<ServerConfig>, Watch), TlsError> {
    let files = certificate::Files::of(config);
    let contents = Contents::read(&files)?;
    let table = Table::of(&files, &contents)?;
    let watch = Watch::over(files, &contents, table, now);
    let versions: &[_] = match config.min_version {
        TlsVersion::V12 => &[&version::TLS13, &version::TLS12],
        TlsVersion::V13 => &[&version::TLS13],
    };
    // By name, so that no other part of the process can choose another one for us.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut served = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(TlsError::Settings)?
        .with_no_client_auth()
        .with_cert_resolver(watch.certificates());
    served.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
    Ok((Arc::new(served), watch))
}

/// A certificate as it would be served, to be judged.
pub(crate) struct Seen {
    /// Where it came from.
    pub(crate) file: PathBuf,
    /// The names of hosts, with those that begin with `*.`.
    pub(crate) names: Vec<String>,
    /// When it ends.
    pub(crate) ends: Timestamp,
    pub(crate) standing: Standing,
    pub(crate) chain: Vec<ChainFault>,
}

/// Reads every certificate and its key, and serves nothing.
pub(crate) fn look(config: &TlsConfig, now: Timestamp) -> Vec<Result<Seen, CertificateError>> {
    let files = certificate::Files::of(config);
    let look = |pair| {
        let content = certificate::Content::read(pair)?;
        let read = certificate::Certificate::parse(pair, &content)?;
        Ok(Seen {
            file: pair.certificate.clone(),
            standing: read.standing(now),
            ends: read.valid.1,
            chain: chain::faults(&read.chain.cert, now),
            names: read.names,
        })
    };
    files.0.iter().map(look).collect()
}
