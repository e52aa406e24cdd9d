//! Revocations as they are written: server-sent events (WHATWG HTML §9.2), and the entries of the snapshot.

use axum::body::Bytes;
use relatch_core::{
    Timestamp,
    revocation::{Position, Revocation, Revoked},
};
use serde::Serialize;
use uuid::Uuid;

/// What a follower is told who has to take the snapshot; the empty id makes a client of the standard forget its own.
pub(super) const RESET: Bytes = Bytes::from_static(b"event: reset\nid\ndata: {}\n\n");

/// What a stream begins with: how long a client of the standard waits before it connects anew, in milliseconds.
pub(super) const GREETING: Bytes = Bytes::from_static(b"retry: 2000\n\n");

/// One revocation.
#[derive(Serialize)]
pub(super) struct Entry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    #[serde(rename = "gen", skip_serializing_if = "Option::is_none")]
    generation: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    /// Seconds since the Unix epoch.
    exp: i64,
}

impl<'a> From<&'a Revocation> for Entry<'a> {
    fn from(revocation: &'a Revocation) -> Self {
        let (sid, generation, kid) = match &revocation.what {
            Revoked::Session(id) => (Some(id.0), None, None),
            Revoked::Generations(id, through) => (Some(id.0), Some(through.0), None),
            Revoked::Key(kid) => (None, None, Some(kid.as_str())),
        };
        Self {
            sid,
            generation,
            kid,
            exp: round_up(revocation.until),
        }
    }
}

/// An entry must not end early.
fn round_up(time: Timestamp) -> i64 {
    let whole = time.as_seconds();
    let broken = Timestamp::from_seconds(whole) < time;
    whole.saturating_add(i64::from(broken))
}

/// The event of one revocation.
pub(super) fn revoked(id: &Position, revocation: &Revocation) -> Bytes {
    // Serializing numbers and names to memory has no way to fail.
    let data = serde_json::to_string(&Entry::from(revocation)).unwrap_or_default();
    Bytes::from(format!("event: revoked\nid: {id}\ndata: {data}\n\n"))
}

/// That everything up to `id` was told at `at`.
pub(super) fn heartbeat(id: &Position, at: Timestamp) -> Bytes {
    let at = at.as_seconds();
    let data = format!(r#"{{"id":"{id}","at":{at}}}"#);
    Bytes::from(format!("event: heartbeat\nid: {id}\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use relatch_core::session::{Generation, SessionId};

    use super::*;

    #[test]
    fn events_are_what_the_documentation_says() {
        let id = Position {
            epoch: "0f3c".to_owned(),
            sequence: 7,
        };
        let session = SessionId(Uuid::from_u128(1));
        let event = |what| {
            let until = Timestamp::from_millis(9_001);
            revoked(&id, &Revocation { what, until })
        };
        let sid = "00000000-0000-0000-0000-000000000001";
        for (what, data) in [
            (
                Revoked::Session(session),
                format!(r#"{{"sid":"{sid}","exp":10}}"#),
            ),
            (
                Revoked::Generations(session, Generation(3)),
                format!(r#"{{"sid":"{sid}","gen":3,"exp":10}}"#),
            ),
            (
                Revoked::Key("k".to_owned()),
                r#"{"kid":"k","exp":10}"#.to_owned(),
            ),
        ] {
            let text = format!("event: revoked\nid: 0f3c.7\ndata: {data}\n\n");
            assert_eq!(event(what), text);
        }
        assert_eq!(
            heartbeat(&id, Timestamp::from_millis(8_999)),
            "event: heartbeat\nid: 0f3c.7\ndata: {\"id\":\"0f3c.7\",\"at\":8}\n\n"
        );
    }
}
