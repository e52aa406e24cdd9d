//! Users.

use serde_json::{Value, json};

use super::{BODY, JUDGED, TAG, if_match, in_pages, in_query, look, order, user_id};
use crate::http::{openapi::Operation, problem::Code};

pub(super) fn account() -> Value {
    json!({
        "id": "019ab3c4-5d6e-7aaa-8bbb-0123456789ab",
        "username": "ada",
        "email": "ada@example.com",
        "state": "active",
        "created_at": "2026-11-22T12:00:00.000Z",
    })
}

fn reset_code() -> Value {
    json!({ "code": "7K3MQ-0XW9R-B4TZD-HE2VC", "expires_at": "2026-11-22T13:00:00.000Z" })
}

pub(in crate::http) fn list() -> Operation {
    let search = "Only those with this text in their name or e-mail address, without regard to the case of a to z.";
    let operation = look(
        "admin_users",
        "List users",
        "By name, in pages. Takes `relatch:read`.",
    )
    .parameter(in_query("search", search, json!({ "type": "string" })));
    in_pages(operation).answer(
        200,
        "A page of users.",
        "Accounts",
        json!({ "users": [account()], "next": "q83vEjRWeJCrze8SNFZ4kGFkYQ" }),
    )
}

pub(in crate::http) fn create() -> Operation {
    let example = json!({ "username": "ada", "email": "ada@example.com" });
    order(
        "admin_create_user",
        "Make a user",
        "Answers a one-time code with which the user chooses a password: nobody else ever knows one. He begins with `registration.default_role`. Takes `relatch:users`.",
    )
    .body("NewUser", example)
    .answer(
        201,
        "The user and the code.",
        "NewAccount",
        json!({ "user": account(), "password_reset": reset_code() }),
    )
    .header("Location", "Where the user is.")
    .errors(BODY)
    .errors(&[Code::UsernameTaken])
}

pub(in crate::http) fn show() -> Operation {
    look("admin_user", "Show a user", "Takes `relatch:read`.")
        .parameter(user_id())
        .answer(200, "The user.", "Account", account())
        .header("ETag", TAG)
}

pub(in crate::http) fn change() -> Operation {
    order(
        "admin_change_user",
        "Disable a user, let him in again, or change his e-mail address",
        "One change at a time. Disabling ends every session in the same step and refuses every login; what ended stays ended. Another address ends none, and makes a one-time code void that he has not used yet: it may be in the old mailbox. Takes `relatch:users`.",
    )
    .parameter(user_id())
    .parameter(if_match())
    .body("UserChange", json!({ "state": "disabled" }))
    .answer(200, "The user as he is now.", "Account", account())
    .header("ETag", TAG)
    .errors(BODY)
    .errors(JUDGED)
}

pub(in crate::http) fn delete() -> Operation {
    order(
        "admin_delete_user",
        "Delete a user",
        "For good: every session ends, name, address and password are overwritten, the name is free at once. Takes `relatch:users`.",
    )
    .parameter(user_id())
    .parameter(if_match())
    .answer(200, "He is gone, and so many sessions ended.", "EndedCount", json!({ "ended": 2 }))
    .errors(JUDGED)
}

pub(in crate::http) fn issue_code() -> Operation {
    order(
        "admin_reset_password",
        "Issue a code for a new password",
        "Good once, for `password.reset_code_lifetime`, in the place of any older one; void once the password changes otherwise, and after a thousand wrong ones. Sessions end when it is used, not before. Takes `relatch:users`.",
    )
    .parameter(user_id())
    .answer(201, "The code, shown this once.", "ResetCode", reset_code())
    .errors(BODY)
    .errors(&[Code::BeyondOwnRights])
}
