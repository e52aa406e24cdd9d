//! Whether clients accept the certificates.

use std::net::IpAddr;

use super::Finding;
use crate::{
    config::Config,
    http::time,
    tls::{CertificateError, ChainFault, Seen, Standing},
};

pub(super) fn check(seen: &[Result<Seen, CertificateError>], config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for seen in seen {
        match seen {
            Err(error) => findings.push(unusable(error)),
            Ok(seen) => {
                findings.extend(dates(seen));
                findings.extend(seen.chain.iter().map(|fault| chain(seen, *fault)));
            }
        }
    }
    let good: Vec<_> = seen.iter().flatten().collect();
    findings.extend(names(&good, config.issuer.url.as_deref()));
    findings
}

fn unusable(error: &CertificateError) -> Finding {
    let why = std::error::Error::source(error).map_or_else(String::new, |why| format!(" ({why})"));
    Finding::fault(
        "certificates.unusable",
        format!(
            "{error}{why}: a server that starts now refuses to, and one that runs serves what was there before."
        ),
        "Put a certificate and its key there that go together, both in PEM.",
    )
}

fn dates(seen: &Seen) -> Option<Finding> {
    let (file, ends) = (seen.file.display(), time(seen.ends));
    match seen.standing {
        Standing::Good => None,
        Standing::NotYet => Some(Finding::fault(
            "certificates.not_yet",
            format!(
                "The certificate in {file} is not valid yet, or the clock of this machine is slow: clients refuse it."
            ),
            "Look at the clock first (`timedatectl`).",
        )),
        Standing::EndsSoon => Some(Finding::warning(
            "certificates.end_soon",
            format!("The certificate in {file} runs out at {ends}."),
            "See why it was not renewed: what renews by itself does so earlier.",
        )),
        Standing::Over => Some(Finding::fault(
            "certificates.over",
            format!("The certificate in {file} ran out at {ends}: clients refuse it."),
            "Renew it; a running server takes the new one up by itself.",
        )),
    }
}

fn chain(seen: &Seen, fault: ChainFault) -> Finding {
    const NAME: &str = "certificates.chain";
    let file = seen.file.display();
    let mend = "Put the server's own certificate first, then the one that signed it, and so on to the one before the root, as in certbot's fullchain.pem.";
    match fault {
        ChainFault::Malformed(number) => Finding::fault(
            NAME,
            format!(
                "Certificate {number} of {file} cannot be read: clients may refuse the whole chain."
            ),
            mend,
        ),
        ChainFault::Broken(number) => Finding::fault(
            NAME,
            format!(
                "Certificate {number} of {file} was not signed by the one after it: clients that do not know the one that is missing refuse the server."
            ),
            mend,
        ),
        ChainFault::Over(number) => Finding::fault(
            NAME,
            format!("Certificate {number} of {file} has run out, and with it whatever it signed."),
            "Get the whole chain anew from the authority.",
        ),
        ChainFault::Alone => Finding::note(
            NAME,
            format!(
                "{file} has the server's own certificate alone: right if its authority is a root that clients trust, as with `relatch tls dev`, and else the ones between are missing."
            ),
            mend,
        ),
    }
}

/// Whether one of them is for the host of the issuer.
fn names(seen: &[&Seen], issuer: Option<&str>) -> Option<Finding> {
    let host = host(issuer?)?;
    let covered = |seen: &&Seen| seen.names.iter().any(|name| covers(name, &host));
    if seen.is_empty() || seen.iter().any(covered) {
        return None;
    }
    let all: Vec<_> = seen.iter().flat_map(|seen| seen.names.clone()).collect();
    Some(Finding::fault(
        "certificates.names",
        format!(
            "No certificate is for {host}, the host of issuer.url, but for {}: clients refuse the server.",
            all.join(", ")
        ),
        "Get a certificate for that name, or set issuer.url to the name that clients use.",
    ))
}

/// The name of the host of an https address; none if it is an address of the Internet, for which certificates have another field.
fn host(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://")?;
    let authority = rest.split('/').next()?;
    if authority.starts_with('[') {
        return None;
    }
    let host = authority.split(':').next()?.to_ascii_lowercase();
    host.parse::<IpAddr>().is_err().then_some(host)
}

/// RFC 9525 §6.3: a star is one label.
fn covers(name: &str, host: &str) -> bool {
    let parent = host.split_once('.').map(|(_, parent)| parent);
    name == host
        || name
            .strip_prefix("*.")
            .is_some_and(|name| Some(name) == parent)
}

#[cfg(test)]
mod tests {
    use relatch_core::Timestamp;

    use super::{
        super::Severity::{Fault, Note, Warning},
        *,
    };

    fn seen(names: &[&str], standing: Standing, chain: &[ChainFault]) -> Seen {
        Seen {
            file: "chain.pem".into(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            ends: Timestamp::from_seconds(0),
            standing,
            chain: chain.to_vec(),
        }
    }

    #[test]
    fn dates_are_told_before_it_is_too_late() {
        let found = |standing| {
            let found = dates(&seen(&[], standing, &[]));
            found.map(|finding| (finding.severity, finding.name))
        };
        assert_eq!(found(Standing::Good), None);
        assert_eq!(
            found(Standing::NotYet),
            Some((Fault, "certificates.not_yet"))
        );
        assert_eq!(
            found(Standing::EndsSoon),
            Some((Warning, "certificates.end_soon"))
        );
        assert_eq!(found(Standing::Over), Some((Fault, "certificates.over")));
    }

    #[test]
    fn a_chain_that_does_not_hold_is_told() {
        let faults = [
            ChainFault::Malformed(2),
            ChainFault::Broken(1),
            ChainFault::Over(2),
            ChainFault::Alone,
        ];
        let seen = Ok(seen(&[], Standing::Good, &faults));
        let found: Vec<_> = check(&[seen], &Config::default())
            .into_iter()
            .map(|finding| (finding.severity, finding.name))
            .collect();
        let fault = (Fault, "certificates.chain");
        assert_eq!(found, [fault, fault, fault, (Note, "certificates.chain")]);
    }

    #[test]
    fn one_must_be_for_the_issuers_host() {
        let found = |served: &[&str], issuer: &str| {
            let seen = seen(served, Standing::Good, &[]);
            names(&[&seen], Some(issuer)).is_some()
        };
        assert!(!found(
            &["auth.example.com"],
            "https://Auth.example.com:8443/x"
        ));
        assert!(!found(&["*.example.com"], "https://auth.example.com"));
        assert!(!found(&["localhost"], "https://127.0.0.1:8080"));
        assert!(!found(&["localhost"], "https://[::1]:8080"));
        assert!(!found(&["localhost"], "http://auth.example.com"));
        assert!(found(&["example.com"], "https://auth.example.com"));
        assert!(found(&["*.example.com"], "https://a.auth.example.com"));
        assert!(found(&["*.example.com"], "https://example.com"));
        assert!(names(&[], Some("https://auth.example.com")).is_none());
    }

    #[test]
    fn a_pair_that_cannot_be_served_is_told() {
        let error = CertificateError::NoCertificate("chain.pem".into());
        let found = check(&[Err(error)], &Config::default());
        let found: Vec<_> = found.iter().map(|finding| finding.name).collect();
        assert_eq!(found, ["certificates.unusable"]);
    }
}
