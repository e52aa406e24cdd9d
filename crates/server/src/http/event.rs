//! What happened: how an event is shown, and those of one's own account.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use relatch_core::event::{EventRow, own};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{answer, authorization::Authorized, fields::Fields, page, problem::Problem};
use crate::app::App;

/// One event.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    at: String,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a Value>,
}

impl<'a> From<&'a EventRow> for Shown<'a> {
    fn from(event: &'a EventRow) -> Self {
        Self {
            at: answer::time(event.at),
            event: &event.name,
            session_id: event.session.map(|session| session.0),
            address: event.address.as_deref(),
            agent: event.agent.as_deref(),
            detail: event.detail.as_ref(),
        }
    }
}

/// `GET /auth/events?limit=&cursor=`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    Authorized(caller): Authorized,
) -> Result<Response, Problem> {
    let mut fields = Fields::of_query(query.as_deref());
    let list = format!("events {}", caller.user);
    let page = page::asked(&app, &mut fields, &list);
    fields.finish()?;
    let before = page.after.as_deref().and_then(|number| number.parse().ok());
    let mut events = own::list(&app.domain, &caller, before, page.wanted()).await?;
    let next = page.cut(&app, &list, &mut events, |event| event.number.to_string());
    let shown = events.iter().map(Shown::from);
    Ok(page::answer("events", &shown.collect::<Vec<_>>(), next))
}
