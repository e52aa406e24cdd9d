//! For how long an answer may be used, by what it says itself (RFC 9111). Knows nothing of the bounds that are put on that.

use std::time::Duration;

use http::{HeaderMap, header};

/// The lifetime that is left of an answer; `None` if it does not say.
///
/// This is a cache of one, so `s-maxage` is not for it and `private` no obstacle.
pub(super) fn lifetime(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(header::CACHE_CONTROL).iter();
    let directives = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    // Of several, the shortest.
    let lifetime = directives.filter_map(seconds).min()?;
    Some(Duration::from_secs(lifetime.saturating_sub(age(headers))))
}

fn seconds(directive: &str) -> Option<u64> {
    let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
    match name.trim().to_ascii_lowercase().as_str() {
        "no-store" | "no-cache" => Some(0),
        // What is no number is no promise (RFC 9111, section 4.2.1 says to treat it as stale).
        "max-age" => Some(number(value.trim().trim_matches('"')).unwrap_or(0)),
        _ => None,
    }
}

/// How long it has lain in a cache on the way.
fn age(headers: &HeaderMap) -> u64 {
    let value = headers.get(header::AGE).and_then(|age| age.to_str().ok());
    value.and_then(|age| number(age.trim())).unwrap_or(0)
}

/// Digits alone; more than fit are as many as do.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str], age: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::CACHE_CONTROL, value.parse().unwrap());
        }
        if let Some(age) = age {
            headers.insert(header::AGE, age.parse().unwrap());
        }
        lifetime(&headers).map(|lifetime| lifetime.as_secs())
    }

    #[test]
    fn it_is_what_the_answer_says() {
        assert_eq!(of(&["public, max-age=300"], None), Some(300));
        assert_eq!(of(&["Max-Age=\"300\""], None), Some(300));
        assert_eq!(
            of(&["max-age=300, s-maxage=9, stale-if-error=86400"], None),
            Some(300)
        );
        assert_eq!(of(&["max-age=300", "max-age=60"], None), Some(60));
        assert_eq!(of(&["max-age=300, no-cache"], None), Some(0));
        assert_eq!(of(&["no-store"], None), Some(0));
        assert_eq!(
            of(&["max-age=99999999999999999999999"], None),
            Some(u64::MAX)
        );
        for none in [&[][..], &["public"], &["xmax-age=5"]] {
            assert_eq!(of(none, None), None, "{none:?}");
        }
        for bad in [
            "max-age",
            "max-age=",
            "max-age=-1",
            "max-age=+1",
            "max-age=x",
        ] {
            assert_eq!(of(&[bad], None), Some(0), "{bad}");
        }
    }

    #[test]
    fn what_lay_on_the_way_is_older() {
        assert_eq!(of(&["max-age=300"], Some("100")), Some(200));
        assert_eq!(of(&["max-age=300"], Some("400")), Some(0));
        assert_eq!(of(&["max-age=300"], Some("old")), Some(300));
    }
}
