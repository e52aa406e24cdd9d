//! Proving the password again, changing it, and choosing a new one with a code.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use relatch_core::{
    password::Password,
    user::{
        Username,
        change_password::{self, ChangePasswordError},
        login,
        reset::{self, Reset, ResetCode, ResetError},
    },
};
use serde_json::json;
use zeroize::Zeroizing;

use super::{
    answer,
    arrival::Note,
    authorization::{caller_of, token_type},
    body::Input,
    delivery,
    problem::{Code, Problem},
    user::describe_password,
};
use crate::app::App;

/// `POST /auth/password/change`
pub(super) async fn change(
    State(app): State<Arc<App>>,
    mut input: Input,
) -> Result<Response, Problem> {
    let caller = caller_of(&input, &app)?;
    let old = input
        .fields
        .parsed("old_password", Password::attempt, describe_password);
    let new = input.fields.string("new_password").map(Zeroizing::new);
    input.fields.finish()?;
    let (Some(old), Some(new)) = (old, new) else {
        return Err(input.fields.refused());
    };
    delivery::demand_page(&input, &app, &caller).await?;
    let tokens = change_password::change_password(&app.domain, &caller, old, &new).await?;
    let answer = answer::tokens(StatusCode::OK, &tokens, None, caller.now);
    let answer = delivery::deliver(answer, &tokens, &input, &app);
    Ok(Note::of(tokens.session).on(answer))
}

/// `POST /auth/password/reset`
pub(super) async fn reset(
    State(app): State<Arc<App>>,
    mut input: Input,
) -> Result<Response, Problem> {
    let username = input.fields.string("username");
    let username = username.map(|name| Username::parse(&name).ok());
    let code = input.fields.string("code").map(Zeroizing::new);
    let known = username.clone().flatten();
    let choose = |text: &str| Password::choose(text, known.as_ref(), None);
    let password = input
        .fields
        .parsed("new_password", choose, describe_password);
    input.fields.finish()?;
    let (Some(username), Some(code), Some(password)) = (username, code, password) else {
        return Err(input.fields.refused());
    };
    let reset = Reset {
        // What can be no name or no code gets the same answer after the same work as what is nobody's.
        username,
        code: ResetCode::parse(&code),
        password,
        origin: input.origin(),
        now: input.arrival.now,
    };
    let ended = reset::reset(&app.domain, reset).await?;
    Ok(answer::json(StatusCode::OK, &json!({ "ended": ended })))
}

impl From<ResetError> for Problem {
    fn from(error: ResetError) -> Self {
        match error {
            ResetError::Wrong => Self::new(Code::InvalidResetCode),
            ResetError::Password(fault) => {
                let (code, detail) = describe_password(fault);
                Self::field("new_password", code, detail)
            }
            ResetError::UserDisabled => Self::new(Code::UserDisabled),
            ResetError::Busy(busy) => busy.into(),
            ResetError::Store(error) => error.into(),
        }
    }
}

/// `POST /auth/reauthenticate`
pub(super) async fn reauthenticate(
    State(app): State<Arc<App>>,
    mut input: Input,
) -> Result<Response, Problem> {
    let caller = caller_of(&input, &app)?;
    let password = input
        .fields
        .parsed("password", Password::attempt, describe_password);
    input.fields.finish()?;
    let Some(password) = password else {
        return Err(input.fields.refused());
    };
    let (token, ends_at) = login::reauthenticate(&app.domain, &caller, password).await?;
    Ok(answer::json(
        StatusCode::OK,
        &json!({
            "access_token": token.expose(),
            "token_type": token_type(&input.parts.headers),
            "expires_in": answer::seconds_until(ends_at, caller.now),
            "session_id": caller.session.0,
        }),
    ))
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::NewPassword(fault) => {
                let (code, detail) = describe_password(fault);
                Self::field("new_password", code, detail)
            }
            ChangePasswordError::Login(login::LoginError::InvalidCredentials) => {
                Self::new(Code::InvalidCredentials).detail("The password is wrong.")
            }
            ChangePasswordError::Login(error) => error.into(),
        }
    }
}
