//! Whether the process runs, and whether it can serve.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use serde_json::json;

use super::{answer, problem::Problem};
use crate::app::App;

/// What is answered however much else there is to do.
pub(super) const LIVE: &str = "/health/live";

/// `GET /health/live`: the process answers.
pub(super) async fn live() -> Response {
    answer::json(StatusCode::OK, &json!({ "status": "ok" }))
}

/// `GET /health/ready`: the database answers too.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    app.domain.store.load_keys().await?;
    Ok(live().await)
}
