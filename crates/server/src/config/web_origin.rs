//! Origins of pages (RFC 6454), as an operator lists them and as browsers write them: scheme, host and port, in one spelling.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::value::{Fault, list};

/// An origin that pages may come from, in the spelling of the header `Origin`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebOrigin {
    text: String,
    loopback: bool,
}

impl WebOrigin {
    /// Reads an origin: `https://`, or `http://` on the machine itself.
    ///
    /// # Errors
    /// What is wrong, in words for an operator.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fault = |what: &str| Err(format!("{text:?} {what}"));
        let Some((scheme @ ("https" | "http"), rest)) = text.split_once("://") else {
            return fault(
                "is no origin: write https://, a host and its port, if it has one; there are no patterns",
            );
        };
        if rest.contains(['/', '?', '#', '@', '\\']) {
            return fault(
                "has more than scheme, host and port: browsers send no path, user or slash at the end",
            );
        }
        let (host, port) = parts(rest);
        if let Some(port) = port
            && !is_port(port)
        {
            return fault("has a port that is none");
        }
        if port == Some(if scheme == "https" { "443" } else { "80" }) {
            return fault("names the port that browsers leave out: leave it out, too");
        }
        if !is_host(host) {
            return fault(
                "has no host as browsers write it: small letters, digits, hyphens and dots (xn--… for others), or an address",
            );
        }
        let loopback = is_loopback(host);
        if scheme == "http" && !loopback {
            return fault(
                "is plain HTTP: whoever is on the way could put his own code into that page. Only http://localhost and other addresses of the machine itself may be",
            );
        }
        Ok(Self {
            text: text.to_owned(),
            loopback: loopback && scheme == "http",
        })
    }

    /// As the header `Origin` has it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is plain HTTP on the machine itself, as in development.
    pub fn is_plain_loopback(&self) -> bool {
        self.loopback
    }
}

/// A list of them, which may be empty.
pub(super) fn web_origins(text: &str) -> Result<Vec<WebOrigin>, Fault> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    list(text)?.into_iter().map(WebOrigin::parse).collect()
}

/// The host and the port of what stands between scheme and path.
fn parts(authority: &str) -> (&str, Option<&str>) {
    let end_of_address = authority.rfind(']').unwrap_or(0);
    match authority.rfind(':') {
        Some(colon) if colon > end_of_address => {
            let (host, port) = authority.split_at(colon);
            (host, port.strip_prefix(':'))
        }
        _ => (authority, None),
    }
}

/// One spelling: no zeros in front.
fn is_port(text: &str) -> bool {
    text.parse::<u16>()
        .is_ok_and(|port| port != 0 && port.to_string() == text)
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        return address
            .parse::<Ipv6Addr>()
            .is_ok_and(|parsed| parsed.to_string() == address);
    }
    // What ends in a number is an address of version 4 and nothing else (WHATWG URL §3.5).
    let last = host.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    host.len() <= 253
        && host
            .split('.')
            .all(|label| (1..=63).contains(&label.len()) && label.bytes().all(is_plain))
}

/// Names that are never looked up elsewhere (RFC 6761 §6.3), and addresses of the machine itself.
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use fuzz::Target;

    use super::*;

    #[test]
    fn origins_are_read_in_the_spelling_of_browsers() {
        for (text, loopback) in [
            ("https://app.example.com", false),
            ("https://app.example.com:8443", false),
            ("https://xn--bcher-kva.example", false),
            ("https://192.0.2.7", false),
            ("https://[2001:db8::7]:8443", false),
            ("https://localhost:5173", false),
            ("http://localhost", true),
            ("http://localhost:5173", true),
            ("http://notes.localhost:5173", true),
            ("http://127.0.0.1:5173", true),
            ("http://[::1]:5173", true),
        ] {
            let origin = WebOrigin::parse(text).expect(text);
            assert_eq!(origin.as_str(), text);
            assert_eq!(origin.is_plain_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn what_no_browser_sends_is_refused_by_name() {
        for wrong in [
            "",
            "*",
            "null",
            "app.example.com",
            "https://",
            "https://*.example.com",
            "https://app.example.com/",
            "https://app.example.com/login",
            "https://app.example.com?x",
            "https://ada@app.example.com",
            "https://App.example.com",
            "HTTPS://app.example.com",
            "https://bücher.example",
            "https://app.example.com:443",
            "http://localhost:80",
            "https://app.example.com:",
            "https://app.example.com:0",
            "https://app.example.com:08443",
            "https://app.example.com:65536",
            "https://app..example.com",
            "https://.example.com",
            "https://example.com.",
            "https://1.2.3",
            "https://0x7f.1",
            "https://[::1",
            "https://[2001:DB8::7]",
            "https://app example.com",
            "http://app.example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "ftp://app.example.com",
            "capacitor://localhost",
        ] {
            let fault = WebOrigin::parse(wrong).expect_err(wrong);
            assert!(fault.starts_with(&format!("{wrong:?} ")), "{fault}");
        }
    }

    #[test]
    fn fuzz_web_origin() {
        let target = Target {
            name: "web origin",
            seeds: &[
                b"https://app.example.com:8443",
                b"http://localhost:5173",
                b"https://[2001:db8::7]",
            ],
            words: &[
                "://",
                ":",
                ".",
                "@",
                "/",
                "*",
                "localhost",
                "127.0.0.1",
                "[",
                "]",
                "443",
            ],
        };
        fuzz::run(&target, |input| {
            let text = String::from_utf8_lossy(input);
            let Ok(origin) = WebOrigin::parse(&text) else {
                return;
            };
            assert_eq!(origin.as_str(), text);
            let (scheme, rest) = text.split_once("://").expect("a scheme");
            let of_origin =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.:[]".contains(c);
            assert!(rest.chars().all(of_origin) && !rest.is_empty(), "{text}");
            let here = ["localhost", "127.", "[::1]"];
            let local = here.iter().any(|name| rest.contains(name));
            assert!(scheme == "https" || (scheme == "http" && local), "{text}");
        });
    }

    #[test]
    fn a_list_may_be_empty_and_names_the_entry_that_is_wrong() {
        assert_eq!(web_origins(""), Ok(Vec::new()));
        let two = web_origins("https://a.example, http://localhost:3000").expect("a list");
        assert_eq!(two.len(), 2);
        let fault = web_origins("https://a.example, https://b.example/").expect_err("a fault");
        assert!(fault.contains("https://b.example/"), "{fault}");
        assert!(web_origins("https://a.example,").is_err());
    }
}
