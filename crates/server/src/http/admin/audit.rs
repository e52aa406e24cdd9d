//! The record of events, as whoever audits it reads it.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use relatch_core::{
    Timestamp,
    event::{EventQuery, EventRow},
    permission::grant,
    session::SessionId,
    user::UserId,
};
use serde::Serialize;
use uuid::Uuid;

use super::guard;
use crate::{
    app::App,
    http::{authorization::Authorized, event, fields::Fields, page, problem::Problem},
};

/// A row of the record.
#[derive(Serialize)]
struct Shown<'a> {
    number: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    #[serde(flatten)]
    happened: event::Shown<'a>,
}

impl<'a> From<&'a EventRow> for Shown<'a> {
    fn from(row: &'a EventRow) -> Self {
        Self {
            number: row.number,
            user_id: (!row.user.0.is_nil()).then_some(row.user.0),
            happened: event::Shown::from(row),
        }
    }
}

/// `GET /admin/v1/audit?user=&session=&event=&since=&until=&limit=&cursor=`
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    Authorized(caller): Authorized,
) -> Result<Response, Problem> {
    guard::look(&app, &caller, grant::AUDIT).await?;
    let mut fields = Fields::of_query(query.as_deref());
    let mut query = EventQuery {
        user: id(&mut fields, "user").map(UserId),
        session: id(&mut fields, "session").map(SessionId),
        name: fields.optional_string("event"),
        since: time(&mut fields, "since"),
        until: time(&mut fields, "until"),
        ..EventQuery::default()
    };
    // A cursor goes on in the list that it is from, with all that narrows it.
    let list = format!("audit {query:?}");
    let page = page::asked(&app, &mut fields, &list);
    fields.finish()?;
    query.before = page.after.as_deref().and_then(|number| number.parse().ok());
    query.limit = page.wanted();
    let mut events = app.domain.store.search_events(query).await?;
    let next = page.cut(&app, &list, &mut events, |event| event.number.to_string());
    let shown = events.iter().map(Shown::from);
    Ok(page::answer("events", &shown.collect::<Vec<_>>(), next))
}

fn id(fields: &mut Fields, name: &str) -> Option<Uuid> {
    let text = fields.optional_string(name)?;
    let id = text.parse().ok();
    if id.is_none() {
        fields.fault(name, "invalid_format", "Expected an id (a UUID).");
    }
    id
}

fn time(fields: &mut Fields, name: &str) -> Option<Timestamp> {
    let text = fields.optional_string(name)?;
    let time = text.parse::<jiff::Timestamp>().ok();
    if time.is_none() {
        let detail = "Expected a time as in 2026-11-22T12:00:00Z (RFC 3339).";
        fields.fault(name, "invalid_format", detail);
    }
    time.map(|time| Timestamp::from_millis(time.as_millisecond()))
}
