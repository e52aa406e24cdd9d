//! Sessions of everybody: looking at them, what happened to one, and ending them.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use relatch_core::{
    Timestamp,
    permission::grant,
    session::{
        Session, SessionId,
        administer::{self, EndedOne},
        store::SessionQuery,
    },
    user::UserId,
};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    guard,
    path::{self, Named},
    user,
};
use crate::{
    app::App,
    http::{
        answer,
        authorization::Authorized,
        event,
        fields::Fields,
        page,
        problem::{Code, Problem},
    },
};
/// The newest events that a story has room for.
const LONGEST_STORY: u32 = 200;

/// A session as administrators see it: without what its tokens are made with.
#[derive(Serialize)]
struct Shown<'a> {
    id: Uuid,
    user_id: Uuid,
    device: &'a str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    created_at: String,
    last_used_at: String,
    expires_at: String,
    remember_me: bool,
}

impl<'a> Shown<'a> {
    fn of(session: &'a Session, app: &App, now: Timestamp) -> Self {
        let policy = &app.domain.policy;
        let ended = session.life.over(policy, now);
        Self {
            id: session.id.0,
            user_id: session.user.0,
            device: &session.device,
            state: if ended.is_some() { "ended" } else { "live" },
            reason: ended.map(|ended| ended.reason.name()),
            ended_at: ended.map(|ended| answer::time(ended.at)),
            created_at: answer::time(session.created_at),
            last_used_at: answer::time(session.life.rotated_at),
            expires_at: answer::time(session.life.ends_at(policy)),
            remember_me: session.life.remember_me,
        }
    }
}

/// All that is known of one session.
#[derive(Serialize)]
struct Story<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Shown<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<user::Shown<'a>>,
    events: Vec<event::Shown<'a>>,
    around_end: Vec<event::Shown<'a>>,
}

/// `GET /admin/v1/sessions?user=&ended=&limit=&cursor=`
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    Authorized(caller): Authorized,
) -> Result<Response, Problem> {
    guard::look(&app, &caller, grant::READ).await?;
    let mut fields = Fields::of_query(query.as_deref());
    let user = fields.optional_string("user").map(|id| id.parse());
    if let Some(Err(_)) = user {
        fields.fault("user", "invalid_format", "Expected the id of a user.");
    }
    let user = user.and_then(Result::ok).map(UserId);
    listed(&app, fields, user, caller.now).await
}

/// `GET /admin/v1/users/{id}/sessions?ended=&limit=&cursor=`
pub(in crate::http) async fn of_user(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    Authorized(caller): Authorized,
    id: Named,
) -> Result<Response, Problem> {
    guard::look(&app, &caller, grant::READ).await?;
    let user = user::found(&app, UserId(path::id(id)?)).await?.id;
    let fields = Fields::of_query(query.as_deref());
    listed(&app, fields, Some(user), caller.now).await
}

async fn listed(
    app: &App,
    mut fields: Fields,
    user: Option<UserId>,
    now: Timestamp,
) -> Result<Response, Problem> {
    let ended = fields.choice("ended", &[("true", true), ("false", false)]);
    let ended = ended.unwrap_or(false);
    let whose = user.map_or_else(String::new, |user| user.to_string());
    let list = format!("sessions {whose} {ended}");
    let page = page::asked(app, &mut fields, &list);
    fields.finish()?;
    let query = SessionQuery {
        user,
        ended,
        after: page
            .after
            .as_deref()
            .and_then(|id| id.parse().ok())
            .map(SessionId),
        limit: page.wanted(),
    };
    let mut sessions = app.domain.store.browse_sessions(query).await?;
    let next = page.cut(app, &list, &mut sessions, |session| session.id.to_string());
    // Those that ran out stand among those that nobody ended: a page may be shorter for them, and still not the last.
    sessions.retain(|session| ended || !session.is_over(&app.domain.policy, now));
    let shown = sessions.iter().map(|session| Shown::of(session, app, now));
    Ok(page::answer("sessions", &shown.collect::<Vec<_>>(), next))
}

/// `GET /admin/v1/sessions/{id}`
pub(in crate::http) async fn show(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
    id: Named,
) -> Result<Response, Problem> {
    guard::look(&app, &caller, grant::READ).await?;
    let id = SessionId(path::id(id)?);
    let history = app.domain.store.session_history(id, LONGEST_STORY).await?;
    if history.session.is_none() && history.events.is_empty() {
        return Err(Problem::new(Code::NotFound));
    }
    let session = history.session.as_ref();
    let story = Story {
        session: session.map(|session| Shown::of(session, &app, caller.now)),
        user: history.user.as_ref().map(user::Shown::from),
        events: history.events.iter().map(event::Shown::from).collect(),
        around_end: history.around_end.iter().map(event::Shown::from).collect(),
    };
    Ok(answer::json(StatusCode::OK, &story))
}

/// `DELETE /admin/v1/sessions/{id}`
pub(in crate::http) async fn end(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
    id: Named,
) -> Result<Response, Problem> {
    let by = guard::change(&app, &caller, grant::SESSIONS).await?;
    let id = SessionId(path::id(id)?);
    let ended = administer::end(app.domain.store.as_ref(), id, by).await?;
    Ok(count(usize::from(ended == EndedOne::Ended)))
}

/// `DELETE /admin/v1/users/{id}/sessions`
pub(in crate::http) async fn end_all(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
    id: Named,
) -> Result<Response, Problem> {
    let by = guard::change(&app, &caller, grant::SESSIONS).await?;
    let id = UserId(path::id(id)?);
    Ok(count(
        administer::end_all(app.domain.store.as_ref(), id, by).await?,
    ))
}

fn count(ended: usize) -> Response {
    answer::json(StatusCode::OK, &json!({ "ended": ended }))
}
