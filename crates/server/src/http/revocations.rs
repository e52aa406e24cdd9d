//! The feed of revocations: the stream, and the snapshot of all that is revoked.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use relatch_core::revocation::Position;

use super::{
    arrival::Arrival,
    credential::Asker,
    problem::{Code, Problem},
};
use crate::{app::App, feed::Follower};

/// How long caches may answer with a snapshot, in seconds.
pub(super) const SNAPSHOT_CACHE: &str = "public, max-age=2";

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells nginx not to gather what should be there at once.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// `GET /revocations`
pub(super) async fn stream(
    State(app): State<Arc<App>>,
    asker: Asker,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let slot = app.feed.slot().ok_or_else(|| {
        Problem::new(Code::Overloaded)
            .detail("Too many follow already: resource_servers.max_followers.")
    })?;
    let begin = place(&app, &headers).await?;
    let credential = asker.server.map(|server| server.1);
    let follower = Follower::new(Arc::clone(&app), credential, begin, slot);
    let mut response = Response::new(follower.into_body());
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/event-stream");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
    Ok(response)
}

/// An id that none of ours looks like is as unknown as one of another timeline, and none has an empty name; an empty id is
/// no id (WHATWG HTML §9.2.6).
async fn place(app: &App, headers: &HeaderMap) -> Result<Position, Problem> {
    let unknown = || Position {
        epoch: String::new(),
        sequence: 0,
    };
    let sent = headers.get(LAST_EVENT_ID).filter(|last| !last.is_empty());
    let last = sent.map(|last| last.to_str().ok().and_then(Position::parse));
    let last = last.map(|last| last.unwrap_or_else(unknown));
    Ok(app.feed.place(app.domain.store.as_ref(), last).await?)
}

/// `GET /revocations/snapshot`
pub(super) async fn snapshot(
    State(app): State<Arc<App>>,
    _asker: Asker,
    arrival: Arrival,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let snapshot = app.snapshots.newest(&app.domain, arrival.now).await?;
    let mut response = if is_known(&headers, &snapshot.tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::from(snapshot.text.clone()));
        let kind = HeaderValue::from_static("application/jwt");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    };
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(SNAPSHOT_CACHE),
    );
    if let Ok(tag) = HeaderValue::from_str(&snapshot.tag) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Whether the client has it (RFC 9110 §13.1.2: weakly compared).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let sent = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = sent
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim);
    tags.any(|sent| sent == "*" || sent.strip_prefix("W/").unwrap_or(sent) == tag)
}
