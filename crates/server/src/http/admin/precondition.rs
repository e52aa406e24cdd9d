//! In which state a thing must be for a change to happen (RFC 9110 §13.1). What is asked for here, the store looks at in the
//! transaction that changes it.

use axum::http::{HeaderMap, HeaderName, header};
use relatch_core::{Tag, permission::store::Expected};

use crate::http::problem::Problem;

/// The state of a user, or of what he holds: any, if the header is not there or says `*`.
pub(super) fn tag(headers: &HeaderMap) -> Result<Option<Tag>, Problem> {
    Ok(match if_match(headers)? {
        None | Some(Matching::Anything) => None,
        Some(Matching::Tag(tag)) => Some(Tag::claimed(tag)),
    })
}

/// The state of a role, which may also have to be absent: `If-None-Match: *`.
pub(super) fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    let absent = match one(headers, &header::IF_NONE_MATCH)? {
        None => false,
        Some("*") => true,
        Some(_) => {
            let detail = "The one value that is taken is *: make it only if it is not there.";
            return Err(Problem::field("If-None-Match", "invalid_format", detail));
        }
    };
    match (if_match(headers)?, absent) {
        (None, true) => Ok(Expected::Absent),
        (None, false) => Ok(Expected::Anything),
        (Some(_), true) => {
            let detail = "Send If-Match or If-None-Match.";
            Err(Problem::field("If-Match", "conflicting", detail))
        }
        (Some(Matching::Anything), false) => Ok(Expected::Present),
        // No role has the version 0.
        (Some(Matching::Tag(tag)), false) => Ok(Expected::Version(tag.parse().unwrap_or(0))),
    }
}

enum Matching<'a> {
    Anything,
    Tag(&'a str),
}

fn if_match(headers: &HeaderMap) -> Result<Option<Matching<'_>>, Problem> {
    let Some(value) = one(headers, &header::IF_MATCH)? else {
        return Ok(None);
    };
    if value == "*" {
        return Ok(Some(Matching::Anything));
    }
    let inner = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    // A weak one is another one: it does not name one state alone.
    let tag = inner.filter(|tag| !tag.contains('"')).ok_or_else(|| {
        let detail =
            "Expected the ETag of the answer that is to be changed, in its quotes: one, or *.";
        Problem::field("If-Match", "invalid_format", detail)
    })?;
    Ok(Some(Matching::Tag(tag)))
}

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let called = if *name == header::IF_MATCH {
        "If-Match"
    } else {
        "If-None-Match"
    };
    let mut found = headers.get_all(name).iter();
    let Some(value) = found.next() else {
        return Ok(None);
    };
    if found.next().is_some() {
        let detail = "This header comes more than once.";
        return Err(Problem::field(called, "duplicate", detail));
    }
    let malformed = |_| Problem::field(called, "invalid_format", "Expected plain letters.");
    value
        .to_str()
        .map(|value| Some(value.trim()))
        .map_err(malformed)
}
