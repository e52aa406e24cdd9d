//! One certificate with its key, read from two files.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use relatch_core::Timestamp;
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use webpki::EndEntityCert;
use zeroize::Zeroizing;

use super::validity;
use crate::config::TlsConfig;

/// Time enough to see why a certificate was not renewed: those that renew by themselves do it earlier.
const SOON: Duration = Duration::from_hours(10 * 24);

/// Why a certificate is not served.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Nothing there that begins with `BEGIN CERTIFICATE`.
    #[error("{0} has no certificate in PEM")]
    NoCertificate(PathBuf),
    /// Nothing there that is a private key.
    #[error("{0} has no private key in PEM, or an encrypted one, which nobody here could open")]
    NoKey(PathBuf),
    /// It is no certificate of a server.
    #[error(
        "the certificate in {0} cannot be read: it was damaged or is of a kind that is not known here"
    )]
    Malformed(PathBuf),
    /// The key is another one's, or of a kind that cannot sign.
    #[error("the key in {key} does not go with the certificate in {certificate}")]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
}

/// Where the certificates are.
#[derive(Clone, Debug)]
pub(crate) struct Files(pub(super) Vec<Pair>);

/// Where a certificate and its key are.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Files {
    pub(super) fn of(config: &TlsConfig) -> Self {
        let pairs = config.certificate_files.iter().zip(&config.key_files);
        let pair = |(certificate, key): (&PathBuf, &PathBuf)| Pair {
            certificate: certificate.clone(),
            key: key.clone(),
        };
        Self(pairs.map(pair).collect())
    }
}

/// What is in the two files.
pub(super) struct Content {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Zeroizing<Vec<u8>>,
}

impl Content {
    pub(super) fn read(pair: &Pair) -> Result<Self, CertificateError> {
        Ok(Self {
            certificate: read(&pair.certificate)?,
            key: Zeroizing::new(read(&pair.key)?),
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(path).map_err(|source| CertificateError::File {
        path: path.to_owned(),
        source,
    })
}

/// A chain with its key, ready to be served.
pub(super) struct Certificate {
    pub(super) chain: Arc<CertifiedKey>,
    /// The names of hosts, with those that begin with `*.`.
    pub(super) names: Vec<String>,
    /// When it begins and when it ends.
    pub(super) valid: (Timestamp, Timestamp),
    /// Where it came from.
    pub(super) pair: Pair,
}

/// Whether clients accept a certificate, as far as its dates go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    NotYet,
    Good,
    EndsSoon,
    Over,
}

impl Certificate {
    pub(super) fn standing(&self, now: Timestamp) -> Standing {
        standing(self.valid, now)
    }

    pub(super) fn parse(pair: &Pair, content: &Content) -> Result<Self, CertificateError> {
        let malformed = || CertificateError::Malformed(pair.certificate.clone());
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(&content.certificate).collect();
        let chain = chain.map_err(|_| malformed())?;
        let first = chain
            .first()
            .ok_or_else(|| CertificateError::NoCertificate(pair.certificate.clone()))?;
        let names: Vec<_> = EndEntityCert::try_from(first)
            .map_err(|_| malformed())?
            .valid_dns_names()
            .map(str::to_ascii_lowercase)
            .collect();
        let valid = validity::of(first).ok_or_else(malformed)?;
        let key = PrivateKeyDer::from_pem_slice(&content.key)
            .map_err(|_| CertificateError::NoKey(pair.key.clone()))?;
        let chain = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(
            |source| CertificateError::Mismatch {
                certificate: pair.certificate.clone(),
                key: pair.key.clone(),
                source,
            },
        )?;
        Ok(Self {
            chain: Arc::new(chain),
            names,
            valid,
            pair: pair.clone(),
        })
    }
}

fn standing((begins, ends): (Timestamp, Timestamp), now: Timestamp) -> Standing {
    if now < begins {
        Standing::NotYet
    } else if now >= ends {
        Standing::Over
    } else if ends.since(now) < SOON {
        Standing::EndsSoon
    } else {
        Standing::Good
    }
}

/// The mode of a key's file if everybody on the machine may read it. Through a group it is shared on purpose.
pub(super) fn mode_open_to_all(path: &Path) -> Option<u32> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o007 != 0).then_some(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_told_in_time() {
        let day = |day: i64| Timestamp::from_seconds(day * 86_400);
        for (now, expected) in [
            (9, Standing::NotYet),
            (10, Standing::Good),
            (90, Standing::Good),
            (91, Standing::EndsSoon),
            (99, Standing::EndsSoon),
            (100, Standing::Over),
        ] {
            assert_eq!(standing((day(10), day(100)), day(now)), expected, "{now}");
        }
    }
}
