//! Whether the certificates of one file lead from the server's own towards a root, as clients need them. By their names and dates:
//! whether the signatures are good, clients see.

use relatch_core::Timestamp;
use rustls::pki_types::CertificateDer;

use super::validity;

/// What is wrong with a chain; certificates are counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ChainFault {
    /// This one cannot be read.
    Malformed(usize),
    /// This one was not signed by the one after it.
    Broken(usize),
    /// This one has run out.
    Over(usize),
    /// There is only the server's own, and it is not its own root.
    Alone,
}

/// What is wrong with it.
pub(super) fn faults(chain: &[CertificateDer<'_>], now: Timestamp) -> Vec<ChainFault> {
    let mut faults = Vec::new();
    let numbered = || (1..).zip(chain);
    for (number, certificate) in numbered() {
        match validity::of(certificate) {
            None => faults.push(ChainFault::Malformed(number)),
            // Of the own one that is told with its names.
            Some((_, end)) if end <= now && number > 1 => faults.push(ChainFault::Over(number)),
            Some(_) => {}
        }
    }
    let parties = |certificate| validity::parties(certificate);
    for ((number, this), next) in numbered().zip(chain.iter().skip(1)) {
        if let (Some((issuer, _)), Some((_, subject))) = (parties(this), parties(next))
            && issuer != subject
        {
            faults.push(ChainFault::Broken(number));
        }
    }
    if let [only] = chain
        && parties(only).is_some_and(|(issuer, subject)| issuer != subject)
    {
        faults.push(ChainFault::Alone);
    }
    faults
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    use super::*;

    /// A certificate of that name, signed by that issuer or by itself.
    fn made<'a>(
        name: &str,
        issuer: Option<&Issuer<'a, KeyPair>>,
    ) -> (CertificateDer<'static>, Issuer<'a, KeyPair>) {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(2030, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let signed = match issuer {
            Some(issuer) => params.signed_by(&key, issuer),
            None => params.self_signed(&key),
        };
        let certificate = signed.expect("signs").der().clone();
        (certificate, Issuer::new(params, key))
    }

    fn at(year: i64) -> Timestamp {
        Timestamp::from_seconds((year - 1970) * 31_557_600)
    }

    #[test]
    fn a_chain_goes_from_each_to_whoever_signed_it() {
        let (root, authority) = made("root", None);
        let (middle, between) = made("middle", Some(&authority));
        let (own, _) = made("own", Some(&between));
        let found = |chain: &[&CertificateDer<'static>], year| {
            let chain: Vec<_> = chain.iter().map(|one| (*one).clone()).collect();
            faults(&chain, at(year))
        };
        assert_eq!(found(&[&own, &middle], 2026), []);
        assert_eq!(found(&[&own, &middle, &root], 2026), []);
        assert_eq!(found(&[&root], 2026), [], "its own root");
        assert_eq!(found(&[&own], 2026), [ChainFault::Alone]);
        assert_eq!(found(&[&own, &root], 2026), [ChainFault::Broken(1)]);
        let turned = found(&[&middle, &own], 2026);
        assert_eq!(turned, [ChainFault::Broken(1)]);
        assert_eq!(found(&[&own, &middle], 2031), [ChainFault::Over(2)]);
        let cut = CertificateDer::from(vec![0x30, 0]);
        assert_eq!(found(&[&own, &cut], 2026), [ChainFault::Malformed(2)]);
    }
}
