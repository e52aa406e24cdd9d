//! Keys: where each of them stands, turning them, and withdrawing one. Secrets stay where they are.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use relatch_core::{
    key::{Algorithm, KeyRecord, KeyState, KeyTable, Purpose},
    permission::grant,
};
use serde::Serialize;
use serde_json::json;

use super::{
    guard,
    path::{self, Named},
};
use crate::{
    app::App,
    http::{
        answer,
        authorization::{Authorized, caller_of},
        body::Input,
        problem::{Code, Problem},
    },
    key_order::{self, OrderError},
};

#[derive(Serialize)]
struct Shown<'a> {
    purpose: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<&'static str>,
    state: &'static str,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    replacement_wanted: bool,
}

impl<'a> From<&'a KeyRecord> for Shown<'a> {
    fn from(record: &'a KeyRecord) -> Self {
        let (until, wanted) = match record.state {
            KeyState::Retired { until, .. } => (Some(answer::time(until)), false),
            KeyState::Active { replace_from, .. } => (None, replace_from.is_some()),
            KeyState::Announced { .. } | KeyState::Compromised { .. } => (None, false),
        };
        Self {
            purpose: record.purpose.name(),
            id: &record.id,
            algorithm: record.algorithm.map(Algorithm::name),
            state: record.state.name(),
            since: answer::time(record.state.since()),
            until,
            replacement_wanted: wanted,
        }
    }
}

/// `GET /admin/v1/keys`
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    Authorized(caller): Authorized,
) -> Result<Response, Problem> {
    guard::look(&app, &caller, grant::READ).await?;
    Ok(shown(&app.domain.store.load_keys().await?))
}

/// `POST /admin/v1/keys/rotate`
pub(in crate::http) async fn rotate(
    State(app): State<Arc<App>>,
    mut input: Input,
) -> Result<Response, Problem> {
    const BOTH: &[Purpose] = &[Purpose::Signing, Purpose::RefreshTag];
    let caller = caller_of(&input, &app)?;
    let by = guard::change(&app, &caller, grant::KEYS).await?;
    let choices: [(&str, &'static [Purpose]); 3] = [
        ("all", BOTH),
        ("signing", &[Purpose::Signing]),
        ("refresh_tag", &[Purpose::RefreshTag]),
    ];
    let which = input.fields.choice("purpose", &choices);
    input.fields.finish()?;
    Ok(shown(
        &key_order::rotate(&app, which.unwrap_or(BOTH), &by).await?,
    ))
}

/// `POST /admin/v1/keys/{id}/compromise`
pub(in crate::http) async fn compromise(
    State(app): State<Arc<App>>,
    id: Named,
    mut input: Input,
) -> Result<Response, Problem> {
    let caller = caller_of(&input, &app)?;
    let by = guard::change(&app, &caller, grant::KEYS).await?;
    let log_out = input.fields.flag("log_out");
    input.fields.finish()?;
    let id = path::key(id)?;
    Ok(shown(
        &key_order::compromise(&app, &id, log_out, &by).await?,
    ))
}

fn shown(table: &KeyTable) -> Response {
    let keys: Vec<_> = table.records.iter().map(Shown::from).collect();
    answer::json(StatusCode::OK, &json!({ "keys": keys }))
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::NotFound => Self::new(Code::NotFound),
            OrderError::LogsOut => {
                let detail = "Every device whose refresh token was made with this key has to log in again; say true if that is what you want.";
                Self::field("log_out", "missing", detail)
            }
            OrderError::Contended => Self::new(Code::KeysBusy),
            OrderError::Store(error) => error.into(),
        }
    }
}
