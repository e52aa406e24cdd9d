//! Which addresses may be asked: `https`, and plain `http` on this machine alone. Keys that anybody on the way can change
//! make every token good.

use std::net::IpAddr;

use http::Uri;
use thiserror::Error;

/// Why an address is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It is no absolute `http` or `https` address, or it has a user or password in it.
    #[error("the address is not an absolute http or https URL")]
    Malformed,
    /// It is `http` to another machine.
    #[error("the address must be https: keys that come in the clear can be changed on their way")]
    Insecure,
    /// The credential cannot stand in a header.
    #[error("the credential has characters that no header can carry")]
    Credential,
}

/// Where plain `http` is let through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Plain {
    #[default]
    Loopback,
    Anywhere,
}

/// The address in `text`, if it may be asked.
pub(crate) fn checked(text: &str, plain: Plain) -> Result<Uri, UrlError> {
    let url: Uri = text.parse().map_err(|_| UrlError::Malformed)?;
    let authority = url.authority().ok_or(UrlError::Malformed)?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(UrlError::Malformed);
    }
    match url.scheme_str() {
        Some("https") => Ok(url),
        Some("http") if plain == Plain::Anywhere || is_loopback(authority.host()) => Ok(url),
        Some("http") => Err(UrlError::Insecure),
        _ => Err(UrlError::Malformed),
    }
}

/// Whether this host is the machine itself. The client holds `localhost` to that when it looks the name up.
fn is_loopback(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    let address = literal.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in [
            "https://auth.example.com/.well-known/jwks.json",
            "http://127.0.0.1:8080/keys",
            "http://127.9.9.9/",
            "http://localhost:1/",
            "http://[::1]:8080/",
        ] {
            assert!(checked(good, Plain::Loopback).is_ok(), "{good}");
        }
        for insecure in [
            "http://auth.example.com/",
            "http://10.0.0.1/",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://[::2]/",
            "http://0.0.0.0/",
        ] {
            let answer = checked(insecure, Plain::Loopback);
            assert_eq!(answer, Err(UrlError::Insecure), "{insecure}");
            assert!(checked(insecure, Plain::Anywhere).is_ok(), "{insecure}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "auth.example.com",
            "/keys",
            "ftp://auth.example.com/",
            "file:///etc/passwd",
            "https://user:password@auth.example.com/",
            "http://127.0.0.1@evil.example/",
            "https://",
            "https:// x/",
        ] {
            for plain in [Plain::Loopback, Plain::Anywhere] {
                assert_eq!(checked(bad, plain), Err(UrlError::Malformed), "{bad}");
            }
        }
    }
}
