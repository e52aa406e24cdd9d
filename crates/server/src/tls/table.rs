//! The certificates that are served, by the names of hosts.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::digest::{self, SHA256};
use relatch_core::Timestamp;
use rustls::sign::CertifiedKey;

use super::certificate::{
    Certificate, CertificateError, Content, Files, Standing, mode_open_to_all,
};
use crate::http::time;

/// What the files hold at one moment.
pub(super) struct Contents(Vec<Content>);

impl Contents {
    pub(super) fn read(files: &Files) -> Result<Self, CertificateError> {
        let contents: Result<_, _> = files.0.iter().map(Content::read).collect();
        contents.map(Self)
    }

    /// Tells one content from another without keeping a key.
    pub(super) fn digest(&self) -> Vec<u8> {
        let mut context = digest::Context::new(&SHA256);
        for content in &self.0 {
            for bytes in [&content.certificate, &*content.key] {
                context.update(&bytes.len().to_be_bytes());
                context.update(bytes);
            }
        }
        context.finish().as_ref().to_vec()
    }
}

/// All certificates.
pub(super) struct Table {
    certificates: Vec<Certificate>,
    by_name: HashMap<String, Arc<CertifiedKey>>,
}

impl Table {
    pub(super) fn of(files: &Files, contents: &Contents) -> Result<Self, CertificateError> {
        let pairs = files.0.iter().zip(&contents.0);
        let certificates: Result<Vec<_>, _> = pairs
            .map(|(pair, content)| Certificate::parse(pair, content))
            .collect();
        let certificates = certificates?;
        let mut by_name = HashMap::new();
        for certificate in &certificates {
            for name in &certificate.names {
                // Of two with one name the first counts, as it does where none fits.
                by_name
                    .entry(name.clone())
                    .or_insert_with(|| Arc::clone(&certificate.chain));
            }
        }
        Ok(Self {
            certificates,
            by_name,
        })
    }

    /// That for a host; the first for one that is unknown or not named.
    pub(super) fn find(&self, host: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let wildcard = |host: &str| {
            let (_, domain) = host.split_once('.')?;
            self.by_name.get(&format!("*.{domain}"))
        };
        host.and_then(|host| self.by_name.get(host).or_else(|| wildcard(host)))
            .or_else(|| self.certificates.first().map(|first| &first.chain))
            .cloned()
    }

    /// Every name that is served.
    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Writes into the log what is served, and what is wrong with it.
    pub(super) fn tell(&self, now: Timestamp) {
        for certificate in &self.certificates {
            let names = certificate.names.join(" ");
            let (valid_from, valid_until) = certificate.valid;
            let (valid_from, valid_until) = (time(valid_from), time(valid_until));
            let file = certificate.pair.certificate.display();
            tracing::info!(names, valid_from, valid_until, %file, "serving a certificate");
            let key = &certificate.pair.key;
            if let Some(mode) = mode_open_to_all(key) {
                let (mode, file) = (format!("{mode:04o}"), key.display());
                tracing::warn!(mode, %file, "everybody on this machine may read the private key: run chmod 600 on it, and consider it known");
            }
        }
        self.warn(now);
    }

    /// Writes into the log which certificates clients do not accept, or soon will not.
    pub(super) fn warn(&self, now: Timestamp) {
        for certificate in &self.certificates {
            let names = certificate.names.join(" ");
            let (valid_from, valid_until) = certificate.valid;
            let (valid_from, valid_until) = (time(valid_from), time(valid_until));
            let file = certificate.pair.certificate.display();
            match certificate.standing(now) {
                Standing::Good => {}
                Standing::NotYet => {
                    tracing::error!(names, valid_from, %file, "the certificate is not valid yet, or this clock is slow: clients refuse it");
                }
                Standing::EndsSoon => {
                    tracing::warn!(names, valid_until, %file, "the certificate runs out soon");
                }
                Standing::Over => {
                    tracing::error!(names, valid_until, %file, "the certificate has run out: clients refuse it");
                }
            }
        }
    }
}
