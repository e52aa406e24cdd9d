//! The record of one's own account.

use super::{CALLER, STORE, USERS, in_pages};
use crate::http::openapi::{Operation, example};

pub(in crate::http) fn list() -> Operation {
    let operation = Operation::new(
        "events",
        USERS,
        "What happened",
        "The security events of the caller's own account, the last first: logins, ends of sessions, changes of the password, failed logins by the hour. What an administrator did says so, and neither who nor from where.",
    )
    .with_access_token();
    in_pages(operation)
        .answer(200, "A page of events.", "Events", example::events())
        .errors(CALLER)
        .errors(STORE)
}
