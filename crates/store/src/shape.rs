//! Between columns and the domain's types, as far as that is the same in every database. Knows none of them.

use std::net::IpAddr;

use relatch_core::{
    Timestamp,
    event::{EventQuery, EventRow},
    key::{Algorithm, KeyRecord, KeyState, Purpose},
    permission::{Permission, RoleName, store::Expected},
    revocation::{Backlog, Position, Revocation, Revoked},
    session::{
        Delivery, EndReason, Ended, Generation, Policy, Session, SessionId,
        store::{Ending, Which},
    },
    user::UserState,
};

/// A row that cannot be, by the name of what is wrong.
#[derive(Debug)]
pub(crate) struct Corrupt(pub(crate) &'static str);

pub(crate) fn scope(text: Option<&str>) -> Result<Option<Vec<Permission>>, Corrupt> {
    text.map(permissions).transpose()
}

/// Permissions as a column holds them.
pub(crate) fn permission_text<'a>(all: impl IntoIterator<Item = &'a Permission>) -> String {
    let words: Vec<_> = all.into_iter().map(Permission::as_str).collect();
    words.join(" ")
}

pub(crate) fn role_name(text: &str) -> Result<RoleName, Corrupt> {
    RoleName::parse(text).map_err(|_| Corrupt("role.name"))
}

/// Names with spaces between them.
pub(crate) fn role_names(text: &str) -> Result<Vec<RoleName>, Corrupt> {
    text.split(' ').map(role_name).collect()
}

/// The roles that come with a session, in their order.
pub(crate) fn roles(text: Option<&str>) -> Result<Vec<RoleName>, Corrupt> {
    let mut roles = text.map_or_else(|| Ok(Vec::new()), role_names)?;
    roles.sort();
    Ok(roles)
}

/// Permissions with spaces between them.
pub(crate) fn permissions(text: &str) -> Result<Vec<Permission>, Corrupt> {
    let words = text.split(' ').filter(|word| !word.is_empty());
    words
        .map(|word| Permission::parse(word).map_err(|_| Corrupt("permissions")))
        .collect()
}

pub(crate) fn ended(at: Option<i64>, reason: Option<u8>) -> Result<Option<Ended>, Corrupt> {
    let (Some(at), Some(number)) = (at, reason) else {
        return Ok(None);
    };
    let reason = EndReason::from_number(number).ok_or(Corrupt("session.end_reason"))?;
    Ok(Some(Ended {
        reason,
        at: Timestamp::from_millis(at),
    }))
}

pub(crate) fn delivery(number: i64) -> Result<Delivery, Corrupt> {
    match number {
        0 => Ok(Delivery::Body),
        1 => Ok(Delivery::Cookie),
        _ => Err(Corrupt("session.delivery")),
    }
}

pub(crate) fn user_state(disabled: bool) -> UserState {
    if disabled {
        UserState::Disabled
    } else {
        UserState::Active
    }
}

/// Where a key stands, by the three columns that say so.
pub(crate) fn key_state(
    name: &str,
    since: Timestamp,
    until: Option<Timestamp>,
) -> Result<KeyState, Corrupt> {
    Ok(match (name, until) {
        ("announced", None) => KeyState::Announced { at: since },
        ("active", replace_from) => KeyState::Active {
            since,
            replace_from,
        },
        ("retired", Some(until)) => KeyState::Retired { since, until },
        ("compromised", None) => KeyState::Compromised { at: since },
        _ => return Err(Corrupt("key.state")),
    })
}

/// The column `until` of a key in that state.
pub(crate) fn key_until(state: &KeyState) -> Option<Timestamp> {
    match *state {
        KeyState::Active { replace_from, .. } => replace_from,
        KeyState::Retired { until, .. } => Some(until),
        KeyState::Announced { .. } | KeyState::Compromised { .. } => None,
    }
}

/// What a key is for, and what it signs with if it is for signing.
pub(crate) fn key_kind(
    purpose: &str,
    algorithm: Option<&str>,
) -> Result<(Purpose, Option<Algorithm>), Corrupt> {
    let purpose = Purpose::from_name(purpose).ok_or(Corrupt("key.purpose"))?;
    let algorithm = algorithm.and_then(Algorithm::from_name);
    if (purpose == Purpose::Signing) != algorithm.is_some() {
        return Err(Corrupt("key.algorithm"));
    }
    Ok((purpose, algorithm))
}

/// What was revoked, by its three columns.
pub(crate) fn revoked(
    session: Option<SessionId>,
    generation: Option<u32>,
    kid: Option<String>,
) -> Result<Revoked, Corrupt> {
    Ok(match (session, generation, kid) {
        (Some(id), None, None) => Revoked::Session(id),
        (Some(id), Some(through), None) => Revoked::Generations(id, Generation(through)),
        (None, None, Some(kid)) => Revoked::Key(kid),
        _ => return Err(Corrupt("revocation")),
    })
}

/// The same the other way.
pub(crate) fn revoked_columns(
    what: &Revoked,
) -> (Option<SessionId>, Option<Generation>, Option<&str>) {
    match what {
        Revoked::Session(id) => (Some(*id), None, None),
        Revoked::Generations(id, through) => (Some(*id), Some(*through), None),
        Revoked::Key(kid) => (None, None, Some(kid)),
    }
}

/// Whether the version that was found is one that a change may go on from.
pub(crate) fn is_expected(expected: Expected, found: Option<i64>) -> bool {
    match expected {
        Expected::Anything => true,
        Expected::Absent => found.is_none(),
        Expected::Present => found.is_some(),
        Expected::Version(version) => found == Some(version),
    }
}

/// An hour in milliseconds: failed logins are counted by it.
pub(crate) const HOUR: i64 = 3_600_000;

/// The hour of a time, counted from the Unix epoch.
pub(crate) fn hour(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(HOUR)
}

/// The network of an address. One of IPv6 stands for its /64: whoever has one has them all.
pub(crate) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// The user in the count of failed logins: an unknown name has one of zeros.
pub(crate) fn counted_user(user: Option<relatch_core::user::UserId>) -> uuid::Uuid {
    user.map_or(uuid::Uuid::nil(), |user| user.0)
}

/// What takes the place of the name of a deleted user. It can be nobody's: a name has no colon.
pub(crate) fn nobody(id: relatch_core::user::UserId) -> String {
    format!("deleted:{id}")
}

/// Milliseconds as a column holds them.
pub(crate) fn millis(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Every name that begins so comes before the same with the last of all characters behind it.
pub(crate) fn behind(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

/// Whether an order to end sessions means this one, which was read under its user's lock. Of all, those are meant, too, that
/// have run out.
pub(crate) fn is_meant(session: &Session, ending: &Ending, policy: &Policy) -> bool {
    let chosen = match ending.which {
        Which::One(_) => !session.is_over(policy, ending.now),
        Which::All => true,
        Which::AllBut(spared) => session.id != spared,
    };
    session.user == ending.user && session.life.ended.is_none() && chosen
}

/// The names that the index of rare ones leaves out.
const COMMON: [&str; 3] = ["session.opened", "session.ended", "user.registered"];

/// To the letter what the index says of itself: else it is not used.
pub(crate) const RARE: &str = "name NOT IN ('session.opened', 'session.ended', 'user.registered')";

/// Whether a search is for names that are in that index.
pub(crate) fn is_rare(query: &EventQuery) -> bool {
    let rare = |name: &String| {
        !COMMON
            .iter()
            .any(|common| common.starts_with(name.as_str()))
    };
    query.name.as_ref().is_some_and(rare)
}

/// When a session was ended, by its row or by its events, the oldest first.
pub(crate) fn end_of(session: Option<&Session>, events: &[EventRow]) -> Option<Timestamp> {
    let by_row = session.and_then(|session| session.life.ended);
    let by_event = events
        .iter()
        .rev()
        .find(|event| event.name == "session.ended");
    by_row
        .map(|ended| ended.at)
        .or(by_event.map(|event| event.at))
}

/// The signing keys that are in wrong hands and were not yet, and since when.
pub(crate) fn withdrawn<'a>(
    before: &[KeyRecord],
    after: &'a [KeyRecord],
) -> Vec<(&'a str, Timestamp)> {
    let known = |record: &KeyRecord| {
        before.iter().any(|known| {
            known.purpose == record.purpose
                && known.id == record.id
                && matches!(known.state, KeyState::Compromised { .. })
        })
    };
    let at = |record: &'a KeyRecord| match (record.purpose, record.state) {
        (Purpose::Signing, KeyState::Compromised { at }) if !known(record) => {
            Some((record.id.as_str(), at))
        }
        _ => None,
    };
    after.iter().filter_map(at).collect()
}

/// At most `limit` entries of those that were read, of which one more tells whether there are more.
pub(crate) fn page_of_backlog(
    mut last: Position,
    mut entries: Vec<(u64, Revocation)>,
    limit: u32,
) -> Backlog {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = entries.len() > limit;
    entries.truncate(limit);
    if let (true, Some(entry)) = (more, entries.last()) {
        last.sequence = entry.0;
    }
    Backlog {
        last,
        entries,
        more,
    }
}
