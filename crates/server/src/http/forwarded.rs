//! The address of a client whose proxy speaks for it. Believes only the proxies that the operator listed.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};

use crate::config::{ForwardedHeader, ServerConfig};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Where a request came from that `peer` sent: the last address listed that is no trusted proxy's. What stands before it
/// may be anybody's invention.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, config: &ServerConfig) -> IpAddr {
    let trusted = |address| config.trusts(address);
    if !trusted(peer) {
        return peer;
    }
    let (name, read): (_, fn(&str) -> Option<IpAddr>) = match config.forwarded_header {
        ForwardedHeader::XForwardedFor => (X_FORWARDED_FOR, address),
        ForwardedHeader::Forwarded => (header::FORWARDED, forwarded_for),
    };
    let mut client = peer;
    for line in headers.get_all(name).iter().rev() {
        // No address has a comma in it, quoted or not: whatever somebody wrote further left, a quote that he left open or
        // bytes that are no text, hides nothing here.
        for hop in line.as_bytes().rsplit(|byte| *byte == b',') {
            let hop = std::str::from_utf8(hop).ok();
            match hop.and_then(|hop| read(hop.trim())) {
                Some(address) if trusted(address) => client = address,
                Some(address) => return address,
                None => return peer,
            }
        }
    }
    client
}

/// An address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(address.to_canonical())
}

/// The parameter `for` of one element (RFC 7239 §4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut found = element.split(';').filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(value)
    });
    let value = found.next()?;
    let quoted = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let once = found.next().is_none();
    address(quoted.unwrap_or(value)).filter(|_| once)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Network};

    fn seen(header: ForwardedHeader, peer: &str, lines: &[&str]) -> String {
        let mut config = Config::default().server;
        config.trusted_proxies = ["10.0.0.0/8", "::1"]
            .map(|network| Network::parse(network).expect("a network"))
            .to_vec();
        config.forwarded_header = header;
        let mut headers = HeaderMap::new();
        for line in lines {
            for name in [X_FORWARDED_FOR, header::FORWARDED] {
                let this = (name == X_FORWARDED_FOR) == (header == ForwardedHeader::XForwardedFor);
                let value = if this { line } else { "192.0.2.99" };
                headers.append(name, value.parse().expect("a value"));
            }
        }
        client(peer.parse().expect("an address"), &headers, &config).to_string()
    }

    /// Who is not listed is never believed, and a client is always an address that stands there.
    #[test]
    fn fuzz_forwarded_headers() {
        let target = fuzz::Target {
            name: "forwarded headers",
            seeds: &[
                b"203.0.113.1, 192.0.2.7, 10.0.0.2",
                b"[2001:db8::7]:4711,::ffff:192.0.2.7",
                b"for=192.0.2.60;proto=http;by=203.0.113.43, for=\"[2001:db8::7]:4711\"",
            ],
            words: &[
                "for=", "\"", ",", ";", "unknown", "_hidden", "::1", "10.0.0.9", "[", "]:1",
            ],
        };
        let mut config = Config::default().server;
        config.trusted_proxies = vec![Network::parse("10.0.0.0/8").expect("a network")];
        let with = |kind| ServerConfig {
            forwarded_header: kind,
            ..config.clone()
        };
        let configs = [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded].map(with);
        let (proxy, stranger) = ([10, 0, 0, 1].into(), [192, 0, 2, 99].into());
        fuzz::run(&target, |input| {
            let Ok(value) = input.try_into() else {
                return;
            };
            let value: axum::http::HeaderValue = value;
            for config in &configs {
                let mut headers = HeaderMap::new();
                headers.append(X_FORWARDED_FOR, value.clone());
                headers.append(header::FORWARDED, value.clone());
                assert_eq!(client(stranger, &headers, config), stranger);
                let found = client(proxy, &headers, config);
                let hops = String::from_utf8_lossy(input).to_lowercase();
                let stands_there = |part: &str| {
                    let part = part.trim();
                    let part = part.strip_prefix("for=").unwrap_or(part);
                    address(part.trim_matches('"')) == Some(found)
                };
                assert!(
                    found == proxy || hops.split([',', ';']).any(stands_there),
                    "{found}"
                );
            }
        });
    }

    #[test]
    fn the_last_address_that_is_no_proxys_is_the_clients() {
        for (peer, lines, expected) in [
            ("10.0.0.1", &["192.0.2.7"][..], "192.0.2.7"),
            ("10.0.0.1", &["203.0.113.1, 192.0.2.7"], "192.0.2.7"),
            ("10.0.0.1", &["192.0.2.7,10.0.0.2 , 10.0.0.3"], "192.0.2.7"),
            (
                "10.0.0.1",
                &["203.0.113.1", "192.0.2.7", "10.0.0.2"],
                "192.0.2.7",
            ),
            ("10.0.0.1", &["nonsense, 192.0.2.7"], "192.0.2.7"),
            ("10.0.0.1", &["é, 192.0.2.7"], "192.0.2.7"),
            ("::1", &["2001:db8::7"], "2001:db8::7"),
            ("::1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("::1", &["192.0.2.7:4711"], "192.0.2.7"),
            ("::1", &["::ffff:192.0.2.7"], "192.0.2.7"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ] {
            let found = seen(ForwardedHeader::XForwardedFor, peer, lines);
            assert_eq!(found, expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn what_is_no_address_leaves_that_of_the_peer() {
        for line in [
            "",
            "unknown",
            "192.0.2.7, ",
            "192.0.2.7 203.0.113.1",
            "1.2.3",
            "[192.0.2.7",
            "é",
        ] {
            let found = seen(ForwardedHeader::XForwardedFor, "10.0.0.1", &[line]);
            assert_eq!(found, "10.0.0.1", "{line}");
        }
    }

    #[test]
    fn nobody_else_is_believed() {
        for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
            let found = seen(header, "192.0.2.1", &["for=10.0.0.1", "10.0.0.1"]);
            assert_eq!(found, "192.0.2.1");
        }
    }

    #[test]
    fn forwarded_is_read_by_its_grammar() {
        for (line, expected) in [
            ("for=192.0.2.7", "192.0.2.7"),
            ("For=\"[2001:db8::7]:4711\"", "2001:db8::7"),
            ("proto=https; for=192.0.2.7;by=10.0.0.1", "192.0.2.7"),
            ("for=203.0.113.1, for=192.0.2.7, for=10.0.0.2", "192.0.2.7"),
            ("for=\"203.0.113.1, for=192.0.2.7", "192.0.2.7"),
            ("for=unknown", "10.0.0.1"),
            ("for=_hidden", "10.0.0.1"),
            ("by=192.0.2.7", "10.0.0.1"),
            ("for=192.0.2.7;for=192.0.2.8", "10.0.0.1"),
            ("192.0.2.7", "10.0.0.1"),
        ] {
            let found = seen(ForwardedHeader::Forwarded, "10.0.0.1", &[line]);
            assert_eq!(found, expected, "{line}");
        }
    }
}
