//! Bodies in, within the limits of size and time.

use std::sync::Arc;

use super::{
    arrival::Arrival,
    fields::Fields,
    problem::{Code, Problem},
};
use crate::{app::App, config::ServerConfig};
use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::{FromRequest, Request},
    http::{HeaderMap, request::Parts},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use relatch_core::event::Origin;

/// A request with a body of named fields.
pub(super) struct Input {
    pub(super) parts: Parts,
    pub(super) arrival: Arrival,
    pub(super) fields: Fields,
}

impl Input {
    /// Who sent it, for the records.
    pub(super) fn origin(&self) -> Origin {
        self.arrival.origin(&self.parts.headers)
    }
}

impl FromRequest<Arc<App>> for Input {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        take(request, app, Fields::of_json).await
    }
}

/// The same, for the routes that take a refresh token: from a form as well. Nowhere else, for a page of another site may
/// send a form without being asked, and could log its visitor in as somebody.
pub(super) struct TokenInput(pub(super) Input);

impl FromRequest<Arc<App>> for TokenInput {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        take(request, app, Fields::of_json_or_form).await.map(Self)
    }
}

/// The same for what OAuth defines: a form and nothing else.
pub(super) struct FormInput(pub(super) Input);

impl FromRequest<Arc<App>> for FormInput {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        take(request, app, Fields::of_form).await.map(Self)
    }
}

async fn take(
    request: Request,
    app: &App,
    fields: fn(&HeaderMap, &Bytes) -> Result<Fields, Problem>,
) -> Result<Input, Problem> {
    let (parts, body) = request.into_parts();
    let mut arrival = Arrival::of(&parts, app);
    let bytes = read(body, &app.config.server).await?;
    if !bytes.is_empty() {
        // Whoever holds a body back must not be judged by the time of its head.
        arrival.now = app.clock.now();
    }
    let fields = fields(&parts.headers, &bytes)?;
    Ok(Input {
        parts,
        arrival,
        fields,
    })
}

/// The whole body, within the limits of size and time.
pub(super) async fn read(body: Body, limits: &ServerConfig) -> Result<Bytes, Problem> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let read = Limited::new(body, limits.max_body).collect();
    match tokio::time::timeout(limits.request_timeout, read).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let detail = format!("The body is larger than {} bytes.", limits.max_body);
            Err(Problem::new(Code::PayloadTooLarge).detail(detail))
        }
        Ok(Err(_)) => Err(Problem::field("body", "malformed", "The body broke off.")),
        Err(_) => Err(Problem::new(Code::RequestTimeout)),
    }
}
