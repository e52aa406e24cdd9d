//! Proving the password again, and changing it.

use serde_json::json;

use super::{BODY, CALLER, PASSWORDS, SETS_COOKIES, STORE};
use crate::http::{
    openapi::{Operation, example},
    problem::Code,
};

pub(in crate::http) fn reauthenticate() -> Operation {
    Operation::new(
        "reauthenticate",
        PASSWORDS,
        "Prove the password again",
        "Answers an access token with a new `auth_time`, for routes that want a recent login (RFC 9470). The refresh token stays as it is.",
    )
    .with_access_token()
    .body("Reauthentication", json!({ "password": "a long enough password" }))
    .answer(
        200,
        "The access token.",
        "FreshAccessToken",
        example::fresh_access_token(),
    )
    .errors(BODY)
    .errors(CALLER)
    .errors(&[Code::InvalidCredentials, Code::RateLimited])
    .errors(STORE)
}

pub(in crate::http) fn change() -> Operation {
    let example = json!({
        "old_password": "a long enough password",
        "new_password": "another password, as long",
    });
    Operation::new(
        "change_password",
        PASSWORDS,
        "Change the password",
        "Ends every session of the user, the caller's included, and answers the tokens of a fresh one, delivered as those of the caller's were.",
    )
    .with_access_token()
    .body("PasswordChange", example)
    .answer(
        200,
        "The tokens of the fresh session.",
        "Tokens",
        example::device_tokens(),
    )
    .with_cookie(200, SETS_COOKIES)
    .errors(BODY)
    .errors(CALLER)
    .errors(&[
        Code::InvalidCredentials,
        Code::UserDisabled,
        Code::OriginNotAllowed,
        Code::RateLimited,
    ])
    .errors(STORE)
}

pub(in crate::http) fn reset() -> Operation {
    let example = json!({
        "username": "ada",
        "code": "7K3MQ-0XW9R-B4TZD-HE2VC",
        "new_password": "another password, as long",
    });
    Operation::new(
        "reset_password",
        PASSWORDS,
        "Choose a new password with a code",
        "Takes the one-time code that an administrator issued, and ends every session of the user; log in with the new password then. Nobody learns from the answer, or from the time it takes, whether there is such a user or code. A thousand wrong codes end the right one; of one network `attempts` lets through five, and then one in a while.",
    )
    .body("PasswordReset", example)
    .answer(
        200,
        "The password is set, and so many sessions ended.",
        "EndedCount",
        json!({ "ended": 2 }),
    )
    .errors(BODY)
    .errors(&[
        Code::InvalidResetCode,
        Code::UserDisabled,
        Code::RateLimited,
    ])
    .errors(STORE)
}
