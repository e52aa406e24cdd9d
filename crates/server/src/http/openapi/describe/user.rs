//! Registering, and who one is.

use serde_json::json;

use super::{BODY, CALLER, SETS_COOKIES, STORE, USERS};
use crate::http::{
    openapi::{Operation, example},
    problem::Code,
};

pub(in crate::http) fn register() -> Operation {
    let example = json!({
        "username": "ada",
        "email": "ada@example.com",
        "password": "a long enough password",
        "device_name": "Laptop",
    });
    Operation::new(
        "register",
        USERS,
        "Register",
        "A new user is logged in at once. With a proof in the header `DPoP`, the session is bound to its key (RFC 9449).",
    )
    .body("Registration", example)
    .answer(
        201,
        "The user and the tokens of his first session.",
        "UserTokens",
        example::user_tokens(),
    )
    .with_cookie(201, SETS_COOKIES)
    .with_proof()
    .errors(BODY)
    .errors(&[
        Code::ProofOfWorkRequired,
        Code::RegistrationClosed,
        Code::OriginNotAllowed,
        Code::UsernameTaken,
        Code::RateLimited,
    ])
    .errors(STORE)
}

pub(in crate::http) fn me() -> Operation {
    Operation::new(
        "me",
        USERS,
        "Who am I",
        "The user of the access token. The session is looked up: once it has ended, its access tokens are refused here at once.",
    )
    .with_access_token()
    .answer(200, "The user.", "User", example::user())
    .errors(CALLER)
    .errors(STORE)
}
