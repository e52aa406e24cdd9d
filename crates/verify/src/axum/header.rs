//! The `Authorization` header (RFC 6750, section 2.1). Looks nowhere else: a token in an address or a form ends up in logs.

use http::{HeaderMap, header};

use super::Refusal;

/// The bearer token of a request; `None` if it has no credentials, or those of another scheme.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    // Of two, a proxy in front may have looked at the other one.
    if values.next().is_some() {
        return Err(Refusal::Malformed);
    }
    let value = value.to_str().map_err(|_| Refusal::Malformed)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    let token = token.trim_matches(' ');
    if token.is_empty() || token.contains([' ', '\t', ',']) {
        return Err(Refusal::Malformed);
    }
    Ok(Some(token))
}
