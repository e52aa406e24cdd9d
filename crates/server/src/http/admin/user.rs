//! Users: looking for them, making, disabling and deleting them, and codes for a new password.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use relatch_core::{
    permission::grant,
    user::{
        Email, User, UserId, UserState, Username,
        administer::{self, UserKey},
        create,
        reset::{self, IssuedCode},
        store::UserQuery,
    },
};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    guard,
    path::{self, Named},
    precondition,
};
use crate::{
    app::App,
    http::{
        answer,
        authorization::{Authorized, caller_of},
        body::Input,
        fields::Fields,
        page,
        problem::Problem,
        user::{describe_email, describe_username},
    },
};

/// A user as administrators see him.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    id: Uuid,
    username: &'a str,
    email: &'a str,
    state: &'static str,
    created_at: String,
}

impl<'a> From<&'a User> for Shown<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id.0,
            username: user.username.as_str(),
            email: user.email.as_str(),
            state: user.state.name(),
            created_at: answer::time(user.created_at),
        }
    }
}

#[derive(Serialize)]
struct Code {
    code: String,
    expires_at: String,
}

impl From<IssuedCode> for Code {
    fn from(issued: IssuedCode) -> Self {
        Self {
            code: issued.code.expose(),
            expires_at: answer::time(issued.expires_at),
        }
    }
}

/// `GET /admin/v1/users?search=&limit=&cursor=`
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    Authorized(caller): Authorized,
) -> Result<Response, Problem> {
    guard::look(&app, &caller, grant::READ).await?;
    let mut fields = Fields::of_query(query.as_deref());
    let search = fields.optional_string("search");
    let list = format!("users {}", search.as_deref().unwrap_or_default());
    let page = page::asked(&app, &mut fields, &list);
    fields.finish()?;
    let query = UserQuery {
        search,
        after: page
            .after
            .as_deref()
            .and_then(|name| Username::parse(name).ok()),
        limit: page.wanted(),
    };
    let mut users = app.domain.store.list_users(query).await?;
    let next = page.cut(&app, &list, &mut users, |user| user.username.to_string());
    let users: Vec<_> = users.iter().map(Shown::from).collect();
    Ok(page::answer("users", &users, next))
}

/// `POST /admin/v1/users`
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    mut input: Input,
) -> Result<Response, Problem> {
    let caller = caller_of(&input, &app)?;
    let by = guard::change(&app, &caller, grant::USERS).await?;
    let fields = &mut input.fields;
    let username = fields.parsed("username", Username::parse, describe_username);
    let email = fields.parsed("email", Email::parse, describe_email);
    fields.finish()?;
    let (Some(username), Some(email)) = (username, email) else {
        return Err(input.fields.refused());
    };
    let lifetime = app.config.password.reset_code_lifetime;
    let (user, issued) = create::invite(&app.domain, username, email, lifetime, by).await?;
    let body = json!({ "user": Shown::from(&user), "password_reset": Code::from(issued) });
    let mut response = answer::json(StatusCode::CREATED, &body);
    if let Some(place) = place(&app, user.id) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// Where clients find the user: below the issuer, which has a path where the routes lie under a prefix.
fn place(app: &App, id: UserId) -> Option<HeaderValue> {
    let issuer: Uri = app.domain.issuer.url.parse().ok()?;
    let prefix = issuer.path().trim_end_matches('/');
    HeaderValue::from_str(&format!("{prefix}/admin/v1/users/{id}")).ok()
}

/// `GET /admin/v1/users/{id}`
pub(in crate::http) async fn show(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
    id: Named,
) -> Result<Response, Problem> {
    guard::look(&app, &caller, grant::READ).await?;
    shown(&app, UserId(path::id(id)?)).await
}

/// `PATCH /admin/v1/users/{id}`
pub(in crate::http) async fn change(
    State(app): State<Arc<App>>,
    id: Named,
    mut input: Input,
) -> Result<Response, Problem> {
    let caller = caller_of(&input, &app)?;
    let by = guard::change(&app, &caller, grant::USERS).await?;
    let id = UserId(path::id(id)?);
    let expected = precondition::tag(&input.parts.headers)?;
    let Some(change) = asked(&mut input.fields)? else {
        return Err(input.fields.refused());
    };
    let store = app.domain.store.as_ref();
    match change {
        UserChange::State(state) => {
            administer::set_state(store, id, state, expected, by).await?;
        }
        UserChange::Email(email) => {
            administer::set_email(store, id, email, expected, by).await?;
        }
    }
    shown(&app, id).await
}

/// One order is one event, and one tag is good for one.
enum UserChange {
    State(UserState),
    Email(Email),
}

fn asked(fields: &mut Fields) -> Result<Option<UserChange>, Problem> {
    let (has_state, has_email) = (fields.has("state"), fields.has("email"));
    if has_state && has_email {
        let detail = "One change at a time: send state or email.";
        return Err(Problem::field("email", "conflicting", detail));
    }
    let change = if has_email {
        let email = fields.parsed("email", Email::parse, describe_email);
        email.map(UserChange::Email)
    } else {
        let choices = [UserState::Active, UserState::Disabled].map(|state| (state.name(), state));
        let state = fields.required_choice("state", &choices);
        state.map(UserChange::State)
    };
    fields.finish()?;
    Ok(change)
}

/// `DELETE /admin/v1/users/{id}`
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
    headers: HeaderMap,
    id: Named,
) -> Result<Response, Problem> {
    let by = guard::change(&app, &caller, grant::USERS).await?;
    let (id, expected) = (UserId(path::id(id)?), precondition::tag(&headers)?);
    let store = app.domain.store.as_ref();
    let ended = administer::delete(store, id, expected, by).await?;
    Ok(answer::json(StatusCode::OK, &json!({ "ended": ended })))
}

/// `POST /admin/v1/users/{id}/password-reset`
pub(in crate::http) async fn issue_code(
    State(app): State<Arc<App>>,
    id: Named,
    mut input: Input,
) -> Result<Response, Problem> {
    let caller = caller_of(&input, &app)?;
    let by = guard::change(&app, &caller, grant::USERS).await?;
    input.fields.finish()?;
    let id = UserId(path::id(id)?);
    let (store, entropy) = (app.domain.store.as_ref(), app.domain.entropy.as_ref());
    let lifetime = app.config.password.reset_code_lifetime;
    let issued = reset::issue(store, entropy, id, lifetime, by).await?;
    Ok(answer::json(StatusCode::CREATED, &Code::from(issued)))
}

/// The user of that id, or 404.
pub(super) async fn found(app: &App, id: UserId) -> Result<User, Problem> {
    Ok(administer::find(app.domain.store.as_ref(), &UserKey::Id(id)).await?)
}

async fn shown(app: &App, id: UserId) -> Result<Response, Problem> {
    let user = found(app, id).await?;
    let tag = user.tag();
    Ok(answer::tagged(
        StatusCode::OK,
        tag.as_str(),
        &Shown::from(&user),
    ))
}
