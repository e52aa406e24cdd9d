//! What a user may see of the record: what concerns him, and of others nothing but that it was an administrator.

use serde_json::{Value, json};

use super::{EventQuery, EventRow};
use crate::{
    Domain,
    session::{
        EndReason,
        list::{self, Caller, CallerError},
    },
    user::UserId,
};

/// The caller's own events before `before`, the last first, at most `limit`.
///
/// # Errors
/// [`CallerError`].
pub async fn list(
    domain: &Domain,
    caller: &Caller,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<EventRow>, CallerError> {
    list::current(domain, caller).await?;
    let query = EventQuery {
        user: Some(caller.user),
        before,
        limit,
        ..EventQuery::default()
    };
    let rows = domain.store.search_events(query).await?;
    let events = rows.into_iter().map(|row| seen_by(caller.user, row));
    Ok(events.collect())
}

/// The row without what is another person's.
fn seen_by(user: UserId, mut row: EventRow) -> EventRow {
    let by = row.detail.as_mut().and_then(|detail| detail.get_mut("by"));
    let by_another = by.is_some_and(|by| {
        let own = by.as_str() == Some(&user.to_string());
        *by = json!(if own { "yourself" } else { "an administrator" });
        !own
    });
    let reason = row.detail.as_ref().and_then(|detail| detail.get("reason"));
    let reason = reason.and_then(Value::as_str);
    if by_another || (row.name == "session.ended" && !reason.is_some_and(is_of_his_session)) {
        (row.address, row.agent) = (None, None);
    }
    row
}

/// Whether an end for this reason came from whoever held one of the user's sessions or passwords. A reset ends sessions for
/// the same reason as the user's own change, which has a row of its own that says from where.
fn is_of_his_session(reason: &str) -> bool {
    use EndReason::{EndedByUser, Logout, LogoutEverywhere, Reuse, SessionLimit};
    [Logout, LogoutEverywhere, EndedByUser, Reuse, SessionLimit]
        .iter()
        .any(|own| own.name() == reason)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::Timestamp;

    const USER: UserId = UserId(Uuid::from_u128(1));

    fn seen(name: &str, detail: Option<Value>) -> EventRow {
        let row = EventRow {
            number: 5,
            at: Timestamp::from_seconds(7),
            name: name.to_owned(),
            user: USER,
            session: None,
            address: Some("192.0.2.7".to_owned()),
            agent: Some("a browser".to_owned()),
            detail,
        };
        seen_by(USER, row)
    }

    #[test]
    fn an_administrator_has_neither_name_nor_place() {
        for by in [
            "command_line",
            "server",
            "019ab3c4-5d6e-7aaa-8bbb-0123456789ab",
        ] {
            let event = seen("user.disabled", Some(json!({ "by": by })));
            assert_eq!(event.detail, Some(json!({ "by": "an administrator" })));
            assert_eq!((event.address, event.agent), (None, None));
        }
        let event = seen(
            "user.roles_assigned",
            Some(json!({ "by": USER.to_string(), "roles": [] })),
        );
        assert_eq!(event.detail, Some(json!({ "by": "yourself", "roles": [] })));
        assert!(event.address.is_some());
    }

    #[test]
    fn only_ends_of_his_own_say_from_where() {
        for reason in EndReason::all() {
            let event = seen("session.ended", Some(json!({ "reason": reason.name() })));
            let own = [
                "logout",
                "logout_everywhere",
                "ended_by_user",
                "reuse",
                "session_limit",
            ];
            assert_eq!(
                event.address.is_some(),
                own.contains(&reason.name()),
                "{reason:?}"
            );
            assert_eq!(event.address.is_some(), event.agent.is_some());
        }
        assert_eq!(seen("session.ended", None).address, None);
        assert!(seen("session.opened", None).address.is_some());
    }
}
