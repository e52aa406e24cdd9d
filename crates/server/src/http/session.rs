//! Logging in, turning the refresh token, logging out, the list of devices.

use std::sync::Arc;

use axum::{
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::StatusCode,
    response::Response,
};
use relatch_core::{
    password::{Busy, Password},
    permission::{Permission, PermissionFault},
    session::{
        Login, Session, SessionId,
        list::{self, CallerError, Logout, LogoutError},
        refresh::{self, Possession, RefreshError},
        store::Which,
    },
    store::StoreError,
    user::{
        Username,
        login::{self, LoginError},
    },
};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    answer,
    arrival::Note,
    authorization::Authorized,
    body::{Input, TokenInput},
    delivery::{self, Kept},
    device, dpop,
    problem::{Code, Problem},
    user::describe_password,
};
use crate::app::App;

/// `POST /auth/login`
pub(super) async fn login(
    State(app): State<Arc<App>>,
    mut input: Input,
) -> Result<Response, Problem> {
    let origin = input.origin();
    let fields = &mut input.fields;
    let username = fields.string("username");
    let password = fields.parsed("password", Password::attempt, describe_password);
    let device = device::name(fields, origin.agent.as_deref());
    let remember_me = fields.flag("remember_me");
    let delivery = delivery::field(fields);
    let scope = fields
        .optional_string("scope")
        .map(|scope| scope_of(&scope));
    if let Some(Err(fault)) = &scope {
        fields.fault("scope", "invalid_format", fault.to_string());
    }
    fields.finish()?;
    let (Some(username), Some(password)) = (username, password) else {
        return Err(input.fields.refused());
    };
    let older = delivery::older(&input, &app, delivery).await?;
    let key = dpop::key_at_login(&input, &app)?;
    let now = input.arrival.now;
    let login = Login {
        device,
        remember_me,
        delivery,
        key,
        scope: scope.and_then(Result::ok),
        origin,
        now,
    };
    // A name that nobody can have gets the same answer after the same work as one that nobody has.
    let username = Username::parse(&username).ok();
    let (user, tokens) = login::login(&app.domain, username, password, login, older).await?;
    let answer = answer::tokens(StatusCode::OK, &tokens, Some(&user), now);
    let answer = delivery::deliver(answer, &tokens, &input, &app);
    Ok(Note::of(tokens.session).on(answer))
}

/// Permissions with single spaces between them (RFC 6749 §3.3).
fn scope_of(text: &str) -> Result<Vec<Permission>, PermissionFault> {
    text.split(' ')
        .filter(|word| !word.is_empty())
        .map(Permission::parse)
        .collect()
}

/// `POST /auth/refresh`
pub(super) async fn refresh(
    State(app): State<Arc<App>>,
    TokenInput(mut input): TokenInput,
) -> Result<Response, Problem> {
    let sent = delivery::refresh_token(&mut input, &app).await?;
    let (session, presented) = (sent.token.session(), sent.token.generation());
    let now = input.arrival.now;
    let request = refresh::Request {
        token: sent.token,
        delivery: sent.by,
        proof: dpop::shown(&input, &app)?,
        origin: input.origin(),
        now,
    };
    match refresh::refresh(&app.domain, request).await {
        Ok((tokens, turn)) => {
            let answer = answer::tokens(StatusCode::OK, &tokens, None, now);
            let answer = delivery::deliver(answer, &tokens, &input, &app);
            Ok(Note::turned(session, &turn).on(answer))
        }
        Err(RefreshError::Unproven(possession)) => {
            Err(unproven(possession, &app).about(session, presented))
        }
        Err(error) => Err(Problem::from(error).about(session, presented)),
    }
}

/// `POST /auth/logout`
pub(super) async fn logout(
    State(app): State<Arc<App>>,
    TokenInput(mut input): TokenInput,
) -> Result<Response, Problem> {
    let sent = delivery::refresh_token(&mut input, &app).await?;
    let logout = Logout {
        token: sent.token.clone(),
        by: sent.by,
        proof: dpop::shown(&input, &app)?,
        origin: input.origin(),
        now: input.arrival.now,
    };
    let session = match list::logout(&app.domain, logout).await {
        Err(LogoutError::Unproven(possession)) => return Err(unproven(possession, &app)),
        answered => answered?,
    };
    let answer = json!({ "session_id": session.0, "ended": true });
    let answer = answer::json(StatusCode::OK, &answer);
    Ok(Note::of(session).on(delivery::clear(answer, &sent, &input, &app)))
}

/// The session is bound to a key, and the request did not prove to hold it.
fn unproven(possession: Possession, app: &App) -> Problem {
    match possession {
        Possession::NotShown | Possession::Proven => dpop::proof_required(app),
        Possession::Refused => dpop::wrong_key(),
    }
}

/// One entry of the list of devices.
#[derive(Serialize)]
struct Device<'a> {
    id: Uuid,
    #[serde(rename = "device")]
    name: &'a str,
    created_at: String,
    last_used_at: String,
    expires_at: String,
    remember_me: bool,
    current: bool,
}

/// `GET /auth/sessions`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
) -> Result<Response, Problem> {
    let sessions = list::list(&app.domain, &caller).await?;
    let device = |session: &Session| {
        serde_json::to_value(Device {
            id: session.id.0,
            name: &session.device,
            created_at: answer::time(session.created_at),
            last_used_at: answer::time(session.life.rotated_at),
            expires_at: answer::time(session.life.ends_at(&app.domain.policy)),
            remember_me: session.life.remember_me,
            current: session.id == caller.session,
        })
        .unwrap_or_default()
    };
    let sessions: Vec<_> = sessions.iter().map(device).collect();
    Ok(answer::json(
        StatusCode::OK,
        &json!({ "sessions": sessions }),
    ))
}

/// `DELETE /auth/sessions/{id}`
pub(super) async fn end(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
    kept: Kept,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let id = id
        .ok()
        .and_then(|Path(id)| id.parse().ok())
        .ok_or_else(|| Problem::field("id", "invalid_format", "Expected the id of a session."))?;
    let count = list::end(&app.domain, &caller, Which::One(SessionId(id))).await?;
    Ok(kept.clear(ended(count), |session| session == SessionId(id)))
}

/// `DELETE /auth/sessions?keep=current|none`
pub(super) async fn end_all(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    Authorized(caller): Authorized,
    kept: Kept,
) -> Result<Response, Problem> {
    let which = match query.as_deref() {
        None | Some("" | "keep=current") => Which::AllBut(caller.session),
        Some("keep=none") => Which::All,
        Some(_) => {
            let detail = "The one parameter is keep=current or keep=none.";
            return Err(Problem::field("keep", "invalid_format", detail));
        }
    };
    let count = list::end(&app.domain, &caller, which).await?;
    Ok(kept.clear(ended(count), |session| {
        which == Which::All && session == caller.session
    }))
}

fn ended(count: usize) -> Response {
    answer::json(StatusCode::OK, &json!({ "ended": count }))
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::UnknownSession => Self::new(Code::SessionUnknown),
            RefreshError::Forged => {
                Self::invalid_token("The refresh token is not one of this server's.")
            }
            RefreshError::WrongDelivery => Self::new(Code::WrongDelivery),
            RefreshError::Over(ended) => Self::ended(ended),
            RefreshError::Unproven(_) => Self::new(Code::ProofRequired),
            RefreshError::Store(error) => error.into(),
        }
    }
}

impl From<LogoutError> for Problem {
    fn from(error: LogoutError) -> Self {
        match error {
            LogoutError::Forged => {
                Self::invalid_token("The refresh token is not one of this server's.")
            }
            LogoutError::WrongDelivery => Self::new(Code::WrongDelivery),
            LogoutError::Unproven(_) => Self::new(Code::ProofRequired),
            LogoutError::Store(error) => error.into(),
        }
    }
}

impl From<CallerError> for Problem {
    fn from(error: CallerError) -> Self {
        match error {
            CallerError::UnknownSession => Self::new(Code::SessionUnknown),
            CallerError::Over(ended) => Self::ended(ended),
            CallerError::NotFound => Self::new(Code::NotFound),
            CallerError::Reauthenticate => Self::new(Code::ReauthenticationRequired)
                .challenge("Bearer error=\"insufficient_user_authentication\""),
            CallerError::Store(error) => error.into(),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials => Self::new(Code::InvalidCredentials),
            LoginError::UserDisabled => Self::new(Code::UserDisabled),
            LoginError::UnknownSession => Self::new(Code::SessionUnknown),
            LoginError::Over(ended) => Self::ended(ended),
            LoginError::Busy(busy) => busy.into(),
            LoginError::Store(error) => error.into(),
        }
    }
}

impl From<Busy> for Problem {
    fn from(_: Busy) -> Self {
        Self::new(Code::Overloaded).detail("Too many logins wait already.")
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Overloaded => Self::new(Code::Overloaded),
            StoreError::Unavailable => Self::new(Code::Unavailable),
            StoreError::Corrupt(what) => Self::internal(what),
        }
    }
}
