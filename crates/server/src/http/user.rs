//! Registering, and who one is.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use relatch_core::{
    password::{Password, PasswordFault},
    session::{Login, list},
    user::{
        Email, EmailFault, Username, UsernameFault,
        register::{self, RegisterError, Registration},
    },
};

use super::{
    answer::{self, Person},
    arrival::Note,
    authorization::Authorized,
    body::Input,
    delivery, device, dpop,
    problem::{Code, Problem},
};
use crate::{app::App, config};

/// `POST /auth/register`
pub(super) async fn register(
    State(app): State<Arc<App>>,
    mut input: Input,
) -> Result<Response, Problem> {
    if app.config.registration.mode == config::Registration::Closed {
        return Err(Problem::new(Code::RegistrationClosed));
    }
    let mut registration = registration(&mut input)?;
    registration.older = delivery::older(&input, &app, registration.login.delivery).await?;
    registration.login.key = dpop::key_at_login(&input, &app)?;
    let now = input.arrival.now;
    let (user, tokens) = register::register(&app.domain, registration).await?;
    let answer = answer::tokens(StatusCode::CREATED, &tokens, Some(&user), now);
    let answer = delivery::deliver(answer, &tokens, &input, &app);
    Ok(Note::of(tokens.session).on(answer))
}

fn registration(input: &mut Input) -> Result<Registration, Problem> {
    let origin = input.origin();
    let fields = &mut input.fields;
    let username = fields.parsed("username", Username::parse, describe_username);
    let email = fields.parsed("email", Email::parse, describe_email);
    let choose = |text: &str| Password::choose(text, username.as_ref(), email.as_ref());
    let password = fields.parsed("password", choose, describe_password);
    let device = device::name(fields, origin.agent.as_deref());
    let remember_me = fields.flag("remember_me");
    let delivery = delivery::field(fields);
    fields.finish()?;
    let (Some(username), Some(email), Some(password)) = (username, email, password) else {
        return Err(Problem::new(Code::InvalidRequest));
    };
    let login = Login {
        device,
        remember_me,
        delivery,
        key: None,
        scope: None,
        origin,
        now: input.arrival.now,
    };
    Ok(Registration {
        username,
        email,
        password,
        login,
        older: None,
    })
}

/// `GET /auth/me`
pub(super) async fn me(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
) -> Result<Response, Problem> {
    list::current(&app.domain, &caller).await?;
    let found = app.domain.store.credentials_of(caller.user).await?;
    let user = found
        .ok_or_else(|| Problem::new(Code::SessionUnknown))?
        .user;
    Ok(answer::json(StatusCode::OK, &Person::from(&user)))
}

pub(crate) fn describe_username(fault: UsernameFault) -> (&'static str, &'static str) {
    match fault {
        UsernameFault::TooShort => ("too_short", "At least one character."),
        UsernameFault::TooLong => ("too_long", "At most 64 characters."),
        UsernameFault::InvalidCharacters => (
            "invalid_characters",
            "Letters a to z, digits and . _ - + only, beginning with a letter or digit.",
        ),
    }
}

pub(crate) fn describe_email(fault: EmailFault) -> (&'static str, &'static str) {
    match fault {
        EmailFault::TooLong => ("too_long", "At most 254 bytes."),
        EmailFault::InvalidFormat => (
            "invalid_format",
            "Expected an address like name@example.com.",
        ),
    }
}

pub(crate) fn describe_password(fault: PasswordFault) -> (&'static str, &'static str) {
    match fault {
        PasswordFault::TooShort => ("too_short", "At least 8 characters."),
        PasswordFault::TooLong => ("too_long", "At most 256 characters."),
        PasswordFault::InvalidCharacters => {
            ("invalid_characters", "Control characters are not allowed.")
        }
        PasswordFault::TooCommon => (
            "too_common",
            "This password is among the most used, which are tried first.",
        ),
        PasswordFault::MatchesUsername => {
            ("matches_username", "The password must not be the username.")
        }
        PasswordFault::MatchesEmail => (
            "matches_email",
            "The password must not be the e-mail address.",
        ),
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::UsernameTaken => Self::new(Code::UsernameTaken),
            RegisterError::Busy(busy) => busy.into(),
            RegisterError::Store(error) => error.into(),
        }
    }
}
