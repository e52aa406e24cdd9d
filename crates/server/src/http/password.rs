//! Proving the password again, and changing it.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use relatch_core::{
    password::Password,
    user::{
        change_password::{self, ChangePasswordError},
        login,
    },
};
use serde_json::json;

use super::{
    answer,
    arrival::Note,
    authorization::caller_of,
    body::Input,
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
    let new = input.fields.string("new_password");
    input.fields.finish()?;
    let (Some(old), Some(new)) = (old, new) else {
        return Err(input.fields.refused());
    };
    let tokens = change_password::change_password(&app.domain, &caller, old, &new).await?;
    let answer = answer::tokens(StatusCode::OK, &tokens, None, caller.now);
    Ok(Note::of(tokens.session).on(answer))
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
            "token_type": "Bearer",
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
