//! What others can reach, and whom the server believes.

use super::Finding;
use crate::config::{Config, Network};

pub(super) fn check(config: &Config) -> Vec<Finding> {
    let mut findings = proxies(config);
    findings.extend(plain(config));
    findings.extend(issuer(config));
    findings.extend(https(config));
    findings.extend(open(config));
    findings
}

fn is_public(config: &Config) -> bool {
    !config.server.listen.ip().is_loopback()
}

fn proxies(config: &Config) -> Vec<Finding> {
    let server = &config.server;
    let mut findings: Vec<_> = server.trusted_proxies.iter().filter_map(trust).collect();
    // On loopback, with an issuer that is reached by HTTPS: somebody else ends TLS there.
    let https = |url: &String| url.starts_with("https://");
    let in_front = !config.tls.is_on() && config.issuer.url.as_ref().is_some_and(https);
    let behind = server.behind_tls_proxy || in_front;
    let unnamed = behind && server.trusted_proxies.is_empty();
    findings.extend(unnamed.then(|| {
        Finding::warning(
            "exposure.proxy_unnamed",
            "A proxy is in front and none is trusted: every address on record is the proxy's, and all clients together count as one address in every limit.",
            "Name its address in server.trusted_proxies.",
        )
    }));
    findings
}

/// Networks that are wider than anybody's own.
fn trust(network: &Network) -> Option<Finding> {
    const NAME: &str = "exposure.proxy_trust";
    let mend = "Name the addresses of your proxies in server.trusted_proxies, or the network that nobody else is in.";
    let widest = if network.is_ipv4() { 8 } else { 16 };
    match network.bits() {
        0 => {
            let what = format!(
                "server.trusted_proxies has {network}: everybody is believed, and writes whatever address he likes into records and limits."
            );
            Some(Finding::fault(NAME, what, mend))
        }
        bits if bits < widest => {
            let what = format!(
                "server.trusted_proxies has {network}, which is wider than any network of one owner: others in it write whatever address they like."
            );
            Some(Finding::warning(NAME, what, mend))
        }
        _ => None,
    }
}

/// A listener without TLS that others can reach.
fn plain(config: &Config) -> Option<Finding> {
    const NAME: &str = "exposure.plain";
    if !is_public(config) || config.tls.is_on() {
        return None;
    }
    let listen = config.server.listen;
    let what = format!(
        "Plain HTTP is served on {listen}: whoever reaches it past the proxy sends and gets tokens in the clear."
    );
    let mend = "Listen on the one address where the proxy comes in, and have the firewall let nobody else through.";
    Some(if listen.ip().is_unspecified() {
        Finding::warning(NAME, what, mend)
    } else {
        Finding::note(NAME, what, mend)
    })
}

fn issuer(config: &Config) -> Option<Finding> {
    const NAME: &str = "exposure.issuer";
    match &config.issuer.url {
        None if is_public(config) => Some(Finding::fault(
            NAME,
            format!(
                "issuer.url is unset: access tokens name {} as their issuer, where no client looks for the server.",
                config.server.listen
            ),
            "Set issuer.url to the address at which clients reach the server.",
        )),
        Some(url) if url.starts_with("http://") && is_public(config) => Some(Finding::fault(
            NAME,
            format!("issuer.url is {url}: clients that go there send passwords in the clear."),
            "Serve HTTPS, by itself or behind a proxy, and let issuer.url begin with https://.",
        )),
        _ => None,
    }
}

fn https(config: &Config) -> Vec<Finding> {
    if !config.tls.is_on() {
        return Vec::new();
    }
    let hsts = config.tls.hsts.is_zero().then(|| {
        Finding::warning(
            "exposure.hsts",
            "Browsers are not told to come by HTTPS alone: whoever is between them and the server can lead them to plain HTTP.",
            "Remove tls.hsts = \"0s\".",
        )
    });
    let redirect = (is_public(config) && config.server.redirect_listen.is_none()).then(|| {
        Finding::note(
            "exposure.no_redirect",
            "Nothing of Relatch listens for plain HTTP: a token that a client sends to http:// goes unnoticed, and its session goes on.",
            "Set server.redirect_listen, unless something else listens on port 80.",
        )
    });
    hsts.into_iter().chain(redirect).collect()
}

/// What is meant to be open, if it is meant.
fn open(config: &Config) -> Vec<Finding> {
    let served = is_public(config) || config.server.behind_tls_proxy;
    let page = (served && config.server.docs_page).then(|| {
        Finding::note(
            "exposure.docs_page",
            "The page at /docs is served to everybody.",
            "It tells nothing that the documentation does not; server.docs_page = false takes it away.",
        )
    });
    let loopback = config.resource_servers.open_on_loopback.then(|| {
        Finding::note(
            "exposure.open_on_loopback",
            "Every program on this machine may follow revocations and ask about tokens.",
            "Give each a credential (`relatch resource-server add`) and remove resource_servers.open_on_loopback.",
        )
    });
    page.into_iter().chain(loopback).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::Severity::{self, Fault, Note, Warning},
        *,
    };

    fn found(settings: &[(&str, &str)]) -> Vec<(Severity, &'static str)> {
        let config = Config::default().set(settings.iter().copied());
        let findings = check(&config.expect("a configuration"));
        findings
            .into_iter()
            .map(|finding| (finding.severity, finding.name))
            .collect()
    }

    const PROXY: [(&str, &str); 4] = [
        ("server.listen", "10.0.0.5:8080"),
        ("server.behind_tls_proxy", "true"),
        ("server.docs_page", "false"),
        ("issuer.url", "https://auth.example.com"),
    ];

    #[test]
    fn the_defaults_reach_nobody() {
        assert_eq!(found(&[]), []);
    }

    #[test]
    fn a_proxy_is_to_be_named_and_nobody_else() {
        let trusting =
            |proxies| found(&[&PROXY[..], &[("server.trusted_proxies", proxies)]].concat());
        let plain = (Note, "exposure.plain");
        assert_eq!(trusting("10.0.0.2, fd00::/64"), [plain]);
        for (proxies, severity) in [
            ("0.0.0.0/0", Fault),
            ("::/0", Fault),
            ("64.0.0.0/2", Warning),
            ("2000::/3", Warning),
        ] {
            let trust = (severity, "exposure.proxy_trust");
            assert_eq!(trusting(proxies), [trust, plain], "{proxies}");
        }
        assert_eq!(found(&PROXY), [(Warning, "exposure.proxy_unnamed"), plain]);
    }

    #[test]
    fn a_plain_listener_and_an_issuer_that_nobody_reaches_are_told() {
        let everywhere = [
            ("server.listen", "0.0.0.0:8080"),
            ("server.behind_tls_proxy", "true"),
            ("server.trusted_proxies", "10.0.0.2"),
        ];
        let page = (Note, "exposure.docs_page");
        let expected = [
            (Warning, "exposure.plain"),
            (Fault, "exposure.issuer"),
            page,
        ];
        assert_eq!(found(&everywhere), expected);
        let plain = [
            &everywhere[..],
            &[("issuer.url", "http://auth.example.com")],
        ]
        .concat();
        assert_eq!(found(&plain), expected);
    }

    #[test]
    fn https_without_hsts_or_redirect_is_told() {
        let mut config = Config::default();
        config.server.listen = ([0, 0, 0, 0], 443).into();
        config.server.docs_page = false;
        config.issuer.url = Some("https://auth.example.com".to_owned());
        config.tls.certificate_files = vec!["chain.pem".into()];
        config.tls.hsts = Duration::ZERO;
        config.resource_servers.open_on_loopback = true;
        let names: Vec<_> = check(&config).into_iter().map(|found| found.name).collect();
        assert_eq!(
            names,
            [
                "exposure.hsts",
                "exposure.no_redirect",
                "exposure.open_on_loopback"
            ]
        );
    }
}
