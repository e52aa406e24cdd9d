//! A certificate for development, by an authority of its own: nobody else's browser trusts either.

use std::{
    fs::OpenOptions,
    io::Write as _,
    net::IpAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData as _,
    SanType, date_time_ymd,
};
use relatch_core::{Timestamp, key::to_hex};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use zeroize::Zeroizing;

use super::validity;

const DAY: Duration = Duration::from_hours(24);
/// Not so long that it is forgotten in a keychain for ever.
const CA_DAYS: u32 = 3 * 365;
/// Some systems refuse certificates of more than 825 days, and browsers of more than 398.
const LEAF_DAYS: u32 = 90;

/// The domains that names may end in: none of them is anybody's on the Internet (RFC 2606, 6762, 8375, 9476 and ICANN's
/// `internal`). The authority can vouch for nothing else, so that whoever steals its key cannot play a bank to those who
/// trust it.
const DOMAINS: [&str; 6] = [
    "localhost",
    "test",
    "local",
    "internal",
    "home.arpa",
    "example",
];

/// Loopback, private and link-local addresses.
const NETWORKS: [(&str, u8); 8] = [
    ("127.0.0.0", 8),
    ("10.0.0.0", 8),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("169.254.0.0", 16),
    ("::1", 128),
    ("fc00::", 7),
    ("fe80::", 10),
];

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DevError {
    /// The authority does not vouch for such a name.
    #[error(
        "{0:?} is no name for development: take an address of this machine or its network, or a name that ends in {list}",
        list = DOMAINS.join(", ")
    )]
    Name(String),
    /// A file is not to be read or written.
    #[error("{path} cannot be used")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The authority's files are not its own.
    #[error(
        "{0} is not what this command wrote: remove the folder, and have the new authority trusted"
    )]
    Foreign(PathBuf),
    /// The cryptography refuses.
    #[error("the certificate cannot be made")]
    Make(#[from] rcgen::Error),
}

/// Where the authority and the certificate are.
#[derive(Clone, Debug)]
pub(crate) struct DevFiles {
    /// The authority's certificate: what is to be trusted.
    pub(crate) ca: PathBuf,
    ca_key: PathBuf,
    /// The certificate.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

impl DevFiles {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self {
            ca: folder.join("ca.pem"),
            ca_key: folder.join("ca.key"),
            certificate: folder.join("certificate.pem"),
            key: folder.join("certificate.key"),
        }
    }
}

/// What was made.
#[derive(Debug)]
pub(crate) struct Made {
    /// Whether the authority is new, and has to be trusted.
    pub(crate) new_ca: bool,
    /// The end of the certificate.
    pub(crate) ends: Timestamp,
    /// The authority's fingerprint (SHA-256), as browsers show it.
    pub(crate) fingerprint: String,
}

/// Makes a certificate for `names`, and an authority if there is none that still holds long enough.
///
/// # Errors
/// [`DevError`].
pub(crate) fn make(files: &DevFiles, names: &[String], now: Timestamp) -> Result<Made, DevError> {
    let names: Result<Vec<_>, _> = names.iter().map(|name| san(name)).collect();
    let names = names?;
    let kept = read_ca(files, now)?;
    let new_ca = kept.is_none();
    let (key, der) = match kept {
        Some(kept) => kept,
        None => new_authority(files, now)?,
    };
    let issuer = Issuer::new(ca_params(&key, now), &key);
    let leaf = KeyPair::generate()?;
    let certificate = leaf_params(names, now).signed_by(&leaf, &issuer)?;
    write(&files.key, &pem("PRIVATE KEY", leaf.serialized_der()))?;
    let chain = pem("CERTIFICATE", certificate.der());
    write(&files.certificate, &chain)?;
    Ok(Made {
        new_ca,
        ends: day(now, LEAF_DAYS),
        fingerprint: fingerprint(&der),
    })
}

type Authority = (KeyPair, CertificateDer<'static>);

/// The authority of an earlier time, unless it ends before a certificate of today would.
fn read_ca(files: &DevFiles, now: Timestamp) -> Result<Option<Authority>, DevError> {
    let Some(certificate) = read(&files.ca)? else {
        return Ok(None);
    };
    let foreign = || DevError::Foreign(files.ca.clone());
    let key = read(&files.ca_key)?.ok_or_else(foreign)?;
    let der = CertificateDer::from_pem_slice(&certificate).map_err(|_| foreign())?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| foreign())?;
    let key = KeyPair::try_from(&key)?;
    let own = webpki::anchor_from_trusted_cert(&der).is_ok_and(|own| {
        key.subject_public_key_info()
            .ends_with(&own.subject_public_key_info)
    });
    let (_, end) = validity::of(&der).ok_or_else(foreign)?;
    if !own {
        return Err(foreign());
    }
    Ok((day(now, LEAF_DAYS) < end).then_some((key, der)))
}

fn new_authority(files: &DevFiles, now: Timestamp) -> Result<Authority, DevError> {
    let key = KeyPair::generate()?;
    let certificate = ca_params(&key, now).self_signed(&key)?;
    write(&files.ca_key, &pem("PRIVATE KEY", key.serialized_der()))?;
    write(&files.ca, &pem("CERTIFICATE", certificate.der()))?;
    Ok((key, certificate.der().clone()))
}

/// The same for the same key but for its dates, so that certificates of a later day name their issuer as it names itself.
fn ca_params(key: &KeyPair, now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    let hash = digest(&SHA256, key.public_key_raw());
    let own: String = to_hex(hash.as_ref()).chars().take(8).collect();
    // Two machines' authorities must not have one name: trust stores tell them apart by it.
    let name = format!("Relatch development CA {own}");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let domains = DOMAINS.map(|domain| GeneralSubtree::DnsName(domain.to_owned()));
    let networks = networks().map(|(address, bits)| {
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, bits))
    });
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: domains.into_iter().chain(networks).collect(),
        excluded_subtrees: Vec::new(),
    });
    set_dates(&mut params, now.minus(DAY), day(now, CA_DAYS));
    params
}

fn leaf_params(names: Vec<SanType>, now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Relatch development");
    params.subject_alt_names = names;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    set_dates(&mut params, now.minus(DAY), day(now, LEAF_DAYS));
    params
}

/// A name as the certificate has it.
fn san(name: &str) -> Result<SanType, DevError> {
    let fault = || DevError::Name(name.to_owned());
    if let Ok(address) = name.parse::<IpAddr>() {
        let near = networks().any(|(network, bits)| {
            crate::config::Network::parse(&format!("{network}/{bits}"))
                .is_ok_and(|network| network.contains(address))
        });
        return near
            .then_some(SanType::IpAddress(address))
            .ok_or_else(fault);
    }
    let name = name.to_ascii_lowercase();
    let host = name.strip_prefix("*.").unwrap_or(&name);
    let known = DOMAINS.iter().any(|domain| {
        host == *domain
            || host
                .strip_suffix(domain)
                .is_some_and(|rest| rest.ends_with('.'))
    });
    let is_name = rustls::pki_types::DnsName::try_from(host).is_ok();
    if !known || !is_name {
        return Err(fault());
    }
    let name = name.clone().try_into().map_err(|_| fault())?;
    Ok(SanType::DnsName(name))
}

fn networks() -> impl Iterator<Item = (IpAddr, u8)> {
    NETWORKS
        .iter()
        .filter_map(|(address, bits)| Some((address.parse().ok()?, *bits)))
}

/// The beginning of the day that comes so many days later.
fn day(now: Timestamp, days: u32) -> Timestamp {
    let whole = now.as_seconds() - now.as_seconds().rem_euclid(86_400);
    Timestamp::from_seconds(whole).plus(DAY * days)
}

fn set_dates(params: &mut CertificateParams, begin: Timestamp, end: Timestamp) {
    let date = |time: Timestamp| {
        let date = jiff::Timestamp::from_millisecond(time.as_millis())
            .unwrap_or_default()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        date_time_ymd(date.year().into(), month, day)
    };
    (params.not_before, params.not_after) = (date(begin), date(end));
}

/// DER as PEM (RFC 7468).
pub(super) fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let mut text = Zeroizing::new(String::with_capacity(base64.len() + 200));
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    line(&format!("-----BEGIN {label}-----"));
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (first, others) = rest.split_at(rest.len().min(64));
        line(first);
        rest = others;
    }
    line(&format!("-----END {label}-----"));
    text
}

fn fingerprint(certificate: &[u8]) -> String {
    let hash = digest(&SHA256, certificate);
    let pairs: Vec<_> = hash
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    pairs.join(":")
}

fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, DevError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DevError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Puts a whole file for its owner alone in the place of what is there.
fn write(path: &Path, text: &str) -> Result<(), DevError> {
    let unfinished = path.with_extension("new");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&unfinished, path));
    written.map_err(|source| DevError::File {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_nobodys_are_vouched_for() {
        for name in [
            "localhost",
            "auth.localhost",
            "*.app.test",
            "NAS.local",
            "127.0.0.1",
            "::1",
            "192.168.1.20",
        ] {
            assert!(san(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "bank.com",
            "testbank",
            "nolocalhost",
            "a b.test",
            "*.*.test",
            "*",
            "8.8.8.8",
            "2001:db8::1",
            ".test",
        ] {
            assert!(san(name).is_err(), "{name}");
        }
    }
}
