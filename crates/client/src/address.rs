//! Which addresses tokens may be sent to: `https`, and plain `http` on this machine alone.

use std::net::IpAddr;

use http::Uri;
use thiserror::Error;

/// Why nothing is sent to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is no absolute `http` or `https` URL, or has a user, a password, a query or a fragment where none may be.
    #[error("the address is not an absolute http or https URL")]
    Malformed,
    /// It is `http` to another machine: whoever is on the way would read the token.
    #[error("the address must be https: a token in the clear belongs to everybody on its way")]
    Insecure,
}

/// An address that may be sent a token.
pub(crate) fn checked(text: &str) -> Result<Uri, AddressError> {
    let url: Uri = text.parse().map_err(|_| AddressError::Malformed)?;
    let authority = url.authority().ok_or(AddressError::Malformed)?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(AddressError::Malformed);
    }
    match url.scheme_str() {
        Some("https") => Ok(url),
        Some("http") if stays_here(host(&url)) => Ok(url),
        Some("http") => Err(AddressError::Insecure),
        _ => Err(AddressError::Malformed),
    }
}

/// The server's own URL: what `issuer.url` says in its configuration, without a slash at its end.
pub(crate) fn issuer(text: &str) -> Result<String, AddressError> {
    let text = text.trim_end_matches('/');
    if text.contains(['?', '#']) {
        return Err(AddressError::Malformed);
    }
    checked(text)?;
    Ok(text.to_owned())
}

/// The host's name or address, without the brackets of IPv6.
pub(crate) fn host(url: &Uri) -> &str {
    let host = url.host().unwrap_or_default();
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Scheme, host and port: nonces are good for one of these.
pub(crate) fn origin(url: &Uri) -> String {
    let (scheme, authority) = (url.scheme_str(), url.authority());
    format!(
        "{}://{}",
        scheme.unwrap_or_default(),
        authority.map_or("", |authority| authority.as_str())
    )
}

/// The URL as a proof names it (RFC 9449, section 4.2): without query and fragment.
pub(crate) fn target(url: &Uri) -> String {
    format!("{}{}", origin(url), url.path())
}

fn stays_here(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_by_https_or_stays_on_the_machine() {
        for good in [
            "https://auth.example.com",
            "https://example.com/auth/",
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://[::1]:8080",
        ] {
            assert_eq!(issuer(good).as_deref(), Ok(good.trim_end_matches('/')));
        }
        for insecure in ["http://auth.example.com", "http://10.0.0.1", "http://[::2]"] {
            assert_eq!(issuer(insecure), Err(AddressError::Insecure), "{insecure}");
        }
        for malformed in [
            "",
            "auth.example.com",
            "ftp://auth.example.com",
            "https://me:secret@auth.example.com",
            "http://127.0.0.1@evil.example",
            "https://auth.example.com?x=1",
            "https://auth.example.com#x",
        ] {
            assert_eq!(
                issuer(malformed),
                Err(AddressError::Malformed),
                "{malformed}"
            );
        }
    }

    #[test]
    fn a_proof_names_the_address_without_its_query() {
        let url = checked("https://api.example.com:8443/notes/7?all=true").expect("an address");
        assert_eq!(target(&url), "https://api.example.com:8443/notes/7");
        assert_eq!(origin(&url), "https://api.example.com:8443");
        let root = checked("https://api.example.com").expect("an address");
        assert_eq!(target(&root), "https://api.example.com/");
    }
}
