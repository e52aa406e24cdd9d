//! What happened to one's own account.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use relatch_core::event::own::{self, OwnEvent};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{answer, arrival::cut, authorization::Authorized, cursor, problem::Problem};
use crate::app::App;

/// How many events a page has if nothing is said, and at most.
pub(super) const PAGE: u32 = 50;
pub(super) const LARGEST_PAGE: u32 = 100;

/// One event.
#[derive(Serialize)]
struct Shown<'a> {
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

impl<'a> From<&'a OwnEvent> for Shown<'a> {
    fn from(event: &'a OwnEvent) -> Self {
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
    let page = Page::parse(query.as_deref().unwrap_or_default())?;
    let name = format!("events/{}", caller.user);
    let before = page.cursor.map(|cursor| cursor::read(&app, &name, &cursor));
    let (events, more) = own::list(&app.domain, &caller, before.transpose()?, page.limit).await?;
    let last = events.last().filter(|_| more);
    let next = last.and_then(|event| cursor::write(&app, &name, event.number));
    let events: Vec<_> = events.iter().map(Shown::from).collect();
    let mut body = json!({ "events": events });
    if let (Some(next), Some(members)) = (next, body.as_object_mut()) {
        members.insert("next".to_owned(), next.into());
    }
    Ok(answer::json(StatusCode::OK, &body))
}

/// Which part of a list is wanted.
struct Page {
    limit: u32,
    cursor: Option<String>,
}

impl Page {
    fn parse(query: &str) -> Result<Self, Problem> {
        let (mut limit, mut cursor) = (None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let twice = match name.as_ref() {
                "limit" => limit.replace(number(&value)?).is_some(),
                "cursor" => cursor.replace(value.into_owned()).is_some(),
                _ => {
                    let detail = "There is no such parameter here.";
                    return Err(Problem::field(cut(&name, 64), "unknown", detail));
                }
            };
            if twice {
                let detail = "This parameter comes more than once.";
                return Err(Problem::field(&name, "duplicate", detail));
            }
        }
        Ok(Self {
            limit: limit.unwrap_or(PAGE),
            cursor,
        })
    }
}

fn number(text: &str) -> Result<u32, Problem> {
    let number = text.parse().ok();
    number
        .filter(|number| (1..=LARGEST_PAGE).contains(number))
        .ok_or_else(|| {
            let detail = format!("Expected a number from 1 to {LARGEST_PAGE}.");
            Problem::field("limit", "invalid_format", detail)
        })
}
