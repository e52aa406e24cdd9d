//! The URL that a proof is about, in the one spelling that is compared (RFC 3986, sections 6.2.2 and 6.2.3). Decides nothing
//! about who may say what the URL of a request is.

use thiserror::Error;

/// A text that is no absolute `http` or `https` URL, or one with a user in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the URL is not an absolute http or https URL without a user in it")]
pub struct UriInvalid;

/// An `http` or `https` URL without query and fragment, normalised: two that mean the same are equal.
///
/// ```
/// use relatch_verify::dpop::TargetUri;
///
/// let uri = TargetUri::parse("HTTPS://API.example.com:443/notes/./%7Eada?page=2#top")?;
/// assert_eq!(uri, TargetUri::parse("https://api.example.com/notes/~ada")?);
/// assert_eq!(uri.as_str(), "https://api.example.com/notes/~ada");
/// # Ok::<(), relatch_verify::dpop::UriInvalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TargetUri(String);

impl TargetUri {
    /// Reads a URL and drops query and fragment, which proofs say nothing of (RFC 9449, section 4.3).
    ///
    /// # Errors
    /// [`UriInvalid`].
    pub fn parse(text: &str) -> Result<Self, UriInvalid> {
        let end = text.find(['?', '#']).unwrap_or(text.len());
        let (scheme, rest) = text
            .get(..end)
            .and_then(|text| text.split_once("://"))
            .ok_or(UriInvalid)?;
        let (scheme, port) = match scheme.to_ascii_lowercase().as_str() {
            "https" => ("https", "443"),
            "http" => ("http", "80"),
            _ => return Err(UriInvalid),
        };
        let start = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(start).ok_or(UriInvalid)?;
        let mut uri = format!("{scheme}://{}", authority_of(authority, port)?);
        append_path(&mut uri, &canonical(path)?);
        Ok(Self(uri))
    }

    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The host in small letters, and the port unless it is the scheme's own.
fn authority_of(authority: &str, own_port: &str) -> Result<String, UriInvalid> {
    let start = authority.find(']').unwrap_or(0);
    let rest = authority.get(start..).unwrap_or_default();
    let end = rest
        .find(':')
        .map_or(authority.len(), |colon| start + colon);
    let (host, port) = authority.split_at_checked(end).ok_or(UriInvalid)?;
    let port = port.strip_prefix(':').unwrap_or(port);
    let numeric = port.bytes().all(|byte| byte.is_ascii_digit());
    if !is_host(host) || !numeric {
        return Err(UriInvalid);
    }
    let host = host.to_ascii_lowercase();
    Ok(if port.is_empty() || port == own_port {
        host
    } else {
        format!("{host}:{port}")
    })
}

/// A name or an address, as one that can be called over HTTP has it: no user, and nothing that would have to be escaped.
fn is_host(host: &str) -> bool {
    let literal = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let (text, others): (_, &[u8]) = match literal {
        Some(address) => (address, b":."),
        None => (host, b"-._~"),
    };
    let good = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    !text.is_empty() && text.bytes().all(good)
}

/// Percent-encodings in one spelling: capitals, and none for what needs none.
fn canonical(text: &str) -> Result<String, UriInvalid> {
    let mut written = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let (high, low) = (hex(bytes.next())?, hex(bytes.next())?);
                let decoded = high << 4 | low;
                if !is_unreserved(decoded) {
                    written.extend(['%', digit(high), digit(low)]);
                    continue;
                }
                decoded
            }
            plain if plain.is_ascii_graphic() && plain != b'\\' => plain,
            _ => return Err(UriInvalid),
        };
        written.push(char::from(byte));
    }
    Ok(written)
}

fn hex(digit: Option<u8>) -> Result<u8, UriInvalid> {
    let digit = digit.map(char::from).and_then(|digit| digit.to_digit(16));
    digit
        .and_then(|digit| u8::try_from(digit).ok())
        .ok_or(UriInvalid)
}

/// A capital, or a digit (RFC 3986, section 2.1).
fn digit(value: u8) -> char {
    let digit = char::from_digit(u32::from(value), 16).unwrap_or_default();
    digit.to_ascii_uppercase()
}

/// RFC 3986, section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// The path without `.` and `..` (RFC 3986, section 5.2.4); an empty one is `/`.
fn append_path(uri: &mut String, path: &str) {
    let base = uri.len();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                let parent = uri.get(base..).and_then(|path| path.rfind('/'));
                uri.truncate(base + parent.unwrap_or(0));
            }
            segment => {
                uri.push('/');
                uri.push_str(segment);
                continue;
            }
        }
        if is_last {
            uri.push('/');
        }
    }
    if uri.len() == base {
        uri.push('/');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Option<String> {
        TargetUri::parse(text).ok().map(|uri| uri.0)
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        for (text, same) in [
            ("https://api.example.com", "https://api.example.com/"),
            ("https://api.example.com:/a", "https://api.example.com/a"),
            ("http://API.EXAMPLE.com:80/A", "http://api.example.com/A"),
            ("https://api.example.com:80/", "https://api.example.com:80/"),
            ("https://[::1]:443/", "https://[::1]/"),
            ("https://[::1]:8443/", "https://[::1]:8443/"),
            ("https://[::1]", "https://[::1]/"),
            ("https://a.example/%7eada/%2f", "https://a.example/~ada/%2F"),
            ("https://a.example/a/./b/../c", "https://a.example/a/c"),
            ("https://a.example/a/b/..", "https://a.example/a/"),
            ("https://a.example/a/.", "https://a.example/a/"),
            ("https://a.example/../../a", "https://a.example/a"),
            ("https://a.example/..", "https://a.example/"),
            ("https://a.example/%2e%2E/a", "https://a.example/a"),
            ("https://a.example/a//b", "https://a.example/a//b"),
            ("https://a.example/a?b=/../c#d", "https://a.example/a"),
            ("https://a.example?b", "https://a.example/"),
        ] {
            assert_eq!(normal(text).as_deref(), Some(same), "{text}");
            assert_eq!(normal(same).as_deref(), Some(same), "{same} is not normal");
        }
    }

    #[test]
    fn what_means_something_else_stays_apart() {
        let base = normal("https://a.example/a/b");
        for other in [
            "http://a.example/a/b",
            "https://a.example:444/a/b",
            "https://a.example/A/b",
            "https://a.example/a/b/",
            "https://a.example/a%2Fb",
            "https://b.example/a/b",
            "https://a.example./a/b",
        ] {
            let other = normal(other);
            assert!(other.is_some() && other != base, "{other:?}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for bad in [
            "",
            "/auth/login",
            "a.example/a",
            "ftp://a.example/",
            "https:/a.example/",
            "https:///a",
            "https://user@a.example/",
            "https://a.example@b.example/",
            "https://a.example:b/",
            "https://a.example:4%34/",
            "https://a.example:1:2/",
            "https://a.ex%61mple/",
            "https://[::1/",
            "https://::1]/",
            "https://[::1]a/",
            "https://[]/",
            "https://:443/",
            "https://a.example/%",
            "https://a.example/%4",
            "https://a.example/%4g",
            "https://a.example/a b",
            "https://a.example/a\\b",
            "https://a.example/ä",
            "https://a.example/\n",
        ] {
            assert_eq!(normal(bad), None, "{bad:?}");
        }
    }
}
