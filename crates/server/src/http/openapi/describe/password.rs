//! Proving the password again, and changing it.

use serde_json::json;

use super::{BODY, CALLER, PASSWORDS, WRITES};
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
    .errors(&[Code::InvalidCredentials])
    .errors(WRITES)
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
        "Ends every session of the user, the caller's included, and answers the tokens of a fresh one.",
    )
    .with_access_token()
    .body("PasswordChange", example)
    .answer(
        200,
        "The tokens of the fresh session.",
        "Tokens",
        example::tokens(),
    )
    .errors(BODY)
    .errors(CALLER)
    .errors(&[Code::InvalidCredentials, Code::UserDisabled])
    .errors(WRITES)
}
