//! Logging in, turning the refresh token, logging out, the list of devices.

use serde_json::json;

use super::{BODY, CALLER, CLEARS_COOKIE, SESSIONS, SETS_COOKIE, SETS_COOKIES, STORE};
use crate::http::{
    openapi::{Operation, example, schema},
    problem::Code,
};

pub(in crate::http) fn login() -> Operation {
    let example = json!({
        "username": "ada",
        "password": "a long enough password",
        "device_name": "Phone",
        "remember_me": true,
    });
    Operation::new(
        "login",
        SESSIONS,
        "Log in",
        "Begins a session. Nobody learns from the answer, or from the time it takes, whether there is a user of that name. Past `session.max_per_user` live sessions, the longest unused one ends. In cookie mode, so does the session whose cookie came along. With a proof in the header `DPoP`, the session is bound to its key (RFC 9449).",
    )
    .body("Login", example)
    .answer(
        200,
        "The user and the tokens of the session.",
        "UserTokens",
        example::user_tokens(),
    )
    .with_cookie(200, SETS_COOKIES)
    .with_proof()
    .errors(BODY)
    .errors(&[
        Code::InvalidCredentials,
        Code::ProofOfWorkRequired,
        Code::UserDisabled,
        Code::OriginNotAllowed,
        Code::RateLimited,
    ])
    .errors(STORE)
}

pub(in crate::http) fn refresh() -> Operation {
    Operation::new(
        "refresh",
        SESSIONS,
        "Refresh",
        "Turns the refresh token: answers the next one and a new access token. Sent again within `session.retry_window` (a lost answer, a second tab), the spent token is answered with the very same successor. Sent later, it proves that two parties hold it, and the session ends. Where the session is bound to a key, a proof is wanted, and no token of it that comes late or twice ends it. A page in cookie mode begins with it: `no_session` says that nobody is logged in.",
    )
    .with_refresh_token()
    .answer(200, "The next tokens.", "Tokens", example::tokens())
    .with_cookie(200, SETS_COOKIE)
    .errors(BODY)
    .errors(&[
        Code::WrongDelivery,
        Code::NoSession,
        Code::OriginNotAllowed,
        Code::InvalidToken,
        Code::SessionEnded,
        Code::SessionUnknown,
    ])
    .errors(STORE)
}

pub(in crate::http) fn logout() -> Operation {
    Operation::new(
        "logout",
        SESSIONS,
        "Log out",
        "Ends the session of the refresh token, spent or not; where it is bound to a key, only for who proves to hold that. That it had ended before is no error.",
    )
    .with_refresh_token()
    .answer(
        200,
        "The session has ended.",
        "LoggedOut",
        example::logged_out(),
    )
    .with_cookie(200, "In cookie mode, clears it:")
    .errors(BODY)
    .errors(&[
        Code::WrongDelivery,
        Code::NoSession,
        Code::OriginNotAllowed,
        Code::InvalidToken,
    ])
    .errors(STORE)
}

pub(in crate::http) fn list() -> Operation {
    Operation::new("sessions", SESSIONS, "Devices", "The user's live sessions.")
        .with_access_token()
        .answer(200, "The devices.", "Devices", example::devices())
        .errors(CALLER)
        .errors(STORE)
}

pub(in crate::http) fn end() -> Operation {
    Operation::new(
        "end_session",
        SESSIONS,
        "End one device",
        "Ends one of the user's own sessions, the caller's included. Wants a login within `session.reauth_within`.",
    )
    .with_access_token()
    .parameter(json!({
        "name": "id",
        "in": "path",
        "required": true,
        "description": "The id of a session, from the list of devices.",
        "schema": schema::reference("Id"),
    }))
    .answer(200, "It has ended.", "EndedCount", json!({ "ended": 1 }))
    .with_cookie(200, CLEARS_COOKIE)
    .errors(CALLER)
    .errors(&[Code::ReauthenticationRequired, Code::NotFound])
    .errors(STORE)
}

pub(in crate::http) fn end_all() -> Operation {
    Operation::new(
        "end_sessions",
        SESSIONS,
        "End the other devices, or all",
        "Logs out everywhere else, or everywhere. Wants a login within `session.reauth_within`.",
    )
    .with_access_token()
    .parameter(json!({
        "name": "keep",
        "in": "query",
        "required": false,
        "description": "Whether the caller's own session goes on. No other parameter is taken.",
        "schema": { "type": "string", "enum": ["current", "none"], "default": "current" },
    }))
    .answer(200, "They have ended.", "EndedCount", json!({ "ended": 3 }))
    .with_cookie(200, CLEARS_COOKIE)
    .errors(CALLER)
    .errors(&[Code::ReauthenticationRequired])
    .errors(STORE)
}
