//! What is done once for every request, before its route and after: the id, the time, the log line, the last headers.

use std::{
    convert::Infallible,
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts, Request},
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use relatch_core::{
    Entropy, Timestamp, chance,
    event::Origin,
    session::{SessionId, refresh::Turn},
};
use tower::Service as _;

use super::{
    cors, dpop, forwarded, health, last_resort,
    problem::{Code, Problem},
};
use crate::{app::App, serve::Alarm};

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// A client's address, or its proxy's.
    pub(crate) address: IpAddr,
    /// Whether it speaks TLS with us.
    pub(crate) encrypted: bool,
}

/// Names one request in the log and in its answer. No secret, and no two alike for longer than any log is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RequestId(u64);

/// Gives out ids: a random beginning, then steps by an odd number, which meets every id before any of them twice.
#[derive(Debug)]
pub(crate) struct RequestIds(AtomicU64);

impl RequestIds {
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        Self(AtomicU64::new(u64::from_be_bytes(chance::draw(entropy))))
    }

    fn next(&self) -> RequestId {
        RequestId(self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What the routes know of a request beside its content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) now: Timestamp,
    pub(super) address: Option<IpAddr>,
}

impl Arrival {
    /// Of this request.
    pub(super) fn of(parts: &Parts, app: &App) -> Self {
        let default = || Self {
            now: app.clock.now(),
            address: None,
        };
        parts.extensions.get().copied().unwrap_or_else(default)
    }

    /// Who sent it, for the records.
    pub(super) fn origin(&self, headers: &axum::http::HeaderMap) -> Origin {
        let agent = headers
            .get(header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok());
        Origin {
            address: self.address,
            agent: agent.map(|agent| cut(agent, 256).to_owned()),
        }
    }
}

impl FromRequestParts<Arc<App>> for Arrival {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self::of(parts, app))
    }
}

/// What a route wants in the request's log line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Note {
    /// What became of it: an error's code, or how a refresh went.
    pub(super) outcome: Option<&'static str>,
    /// Why a session is over, or what is wrong here.
    pub(super) reason: Option<&'static str>,
    pub(super) session: Option<SessionId>,
    /// Of the refresh token that was answered, or of the one that was refused.
    pub(super) generation: Option<u32>,
}

impl Note {
    /// That of a request about this session.
    pub(super) fn of(session: SessionId) -> Self {
        Self {
            session: Some(session),
            ..Self::default()
        }
    }

    /// The answer with this note.
    pub(super) fn on(self, mut answer: Response) -> Response {
        answer.extensions_mut().insert(self);
        answer
    }

    /// That of a refresh that was let in.
    pub(super) fn turned(session: SessionId, turn: &Turn) -> Self {
        let (outcome, generation) = match turn {
            Turn::Rotate { to, lagged: false } => ("rotated", Some(to.0)),
            Turn::Rotate { to, lagged: true } => ("rotated_forward", Some(to.0)),
            Turn::Retry { of, late: false } => ("retried", Some(of.0)),
            Turn::Retry { of, late: true } => ("retried_late", Some(of.0)),
            Turn::Over(_) | Turn::Unproven(_) | Turn::End(_) => ("refused", None),
        };
        Self {
            outcome: Some(outcome),
            generation,
            ..Self::of(session)
        }
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// What keeps browsers from making more of an answer than it is. Routes that need something else say it themselves.
const GUARDS: [(HeaderName, HeaderValue); 4] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    // Other sites get nothing of it without being asked for by CORS, on which this has no bearing: browsers look at it only
    // where a page asks without CORS, as an image or a script would.
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Answers one request, within the time that `alarm` keeps.
pub(crate) async fn handle(
    app: Arc<App>,
    mut router: Router,
    mut request: Request,
    alarm: Alarm,
) -> Response {
    let started = Instant::now();
    let id = app.request_ids.next();
    let now = app.clock.now();
    let peer: Option<Peer> = request.extensions().get().copied();
    let limits = &app.config.server;
    let address = peer.map(|peer| forwarded::client(peer.address, request.headers(), limits));
    request.extensions_mut().insert(Arrival { now, address });
    if let Some(asked) = strip_slash(request.uri_mut()) {
        request.extensions_mut().insert(dpop::AskedFor(asked));
    }
    let has_proof = dpop::has_proof(request.headers());
    let page = cors::page(request.headers(), &app);
    let (method, path) = (request.method().clone(), request.uri().clone());
    // What a proxy asks for itself is nobody's share.
    let place = app
        .requests
        .take(address.filter(|address| !limits.trusts(*address)));
    let response = if place.is_ok() || path.path() == health::LIVE {
        // The body has its own time, which ends first.
        let patience = limits.request_timeout * 2;
        let answered = last_resort::answered(async move {
            // The router is always ready and never fails.
            match router.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        });
        let answered = alarm.limit(patience, answered).await;
        answered.unwrap_or_else(|| Problem::new(Code::Unavailable).into_response())
    } else {
        Problem::new(Code::Overloaded).into_response()
    };
    drop(place);
    let mut response = finish(&app, peer, response, id);
    if let Some(nonce) = dpop::next_nonce(&app, has_proof, now) {
        response.headers_mut().insert(dpop::NONCE, nonce);
    }
    let response = cors::open(response, page, &app);
    log(&response, id, &method, path.path(), started.elapsed());
    response
}

/// The bytes of an answer to a head that could not be read, as HTTP/1.1 has them; none for a status that is no such answer's.
pub(crate) fn refuse(
    app: &App,
    peer: Option<Peer>,
    status: StatusCode,
    date: &str,
) -> Option<Vec<u8>> {
    let problem = match status {
        StatusCode::BAD_REQUEST => Problem::field("head", "malformed", "It is no head of HTTP."),
        StatusCode::URI_TOO_LONG => Problem::new(Code::UriTooLong),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Problem::new(Code::HeadTooLarge),
        _ => return None,
    };
    let (id, started) = (app.request_ids.next(), Instant::now());
    let body = problem.render(id);
    let response = finish(app, peer, problem.into_response(), id);
    log(&response, id, &Method::default(), "", started.elapsed());
    let mut bytes = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for (name, value) in response.headers() {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    let length = body.len();
    let rest = format!("content-length: {length}\r\nconnection: close\r\ndate: {date}\r\n\r\n");
    bytes.extend(rest.into_bytes());
    bytes.extend(body);
    Some(bytes)
}

/// The body of an error and the headers that every answer has.
fn finish(app: &App, peer: Option<Peer>, mut response: Response, id: RequestId) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() {
        *response.body_mut() = Body::from(problem.render(id));
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    for (name, value) in GUARDS {
        headers.entry(name).or_insert(value);
    }
    if let (true, Some(hsts)) = (peer.is_some_and(|peer| peer.encrypted), &app.hsts) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts.clone());
    }
    response
}

/// What tells browsers to come by HTTPS alone for so long (RFC 6797); nothing for no time at all.
pub(crate) fn keep_to_https(time: Duration) -> Option<HeaderValue> {
    let value = format!("max-age={}", time.as_secs());
    HeaderValue::try_from(value)
        .ok()
        .filter(|_| !time.is_zero())
}

fn log(response: &Response, id: RequestId, method: &Method, path: &str, took: Duration) {
    let note = response
        .extensions()
        .get::<Note>()
        .copied()
        .unwrap_or_default();
    let (status, micros) = (
        response.status().as_u16(),
        u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    );
    // Too short for any token that somebody put into an address.
    let path = cut(path, 64);
    let session = note.session.map(tracing::field::display);
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                request_id = %id, %method, path, status, outcome = note.outcome, reason = note.reason, session, generation = note.generation, micros,
                "request"
            )
        };
    }
    match (status, note.outcome) {
        (500.., _) => line!(error),
        // The database has forgotten a rotation: after a crash or a failover that is right, without one an alarm.
        (_, Some("rotated_forward")) => line!(warn),
        // Every page asks that before it does anything, whether somebody is logged in or not.
        (_, Some("no_session" | "preflight")) => line!(debug),
        _ => line!(info),
    }
}

/// `/auth/login/` is `/auth/login`; what it was, if it was another.
fn strip_slash(uri: &mut Uri) -> Option<Uri> {
    let path = uri.path();
    if path.len() < 2 || !path.ends_with('/') {
        return None;
    }
    let shorter = path.trim_end_matches('/');
    let shorter = match uri.query() {
        Some(query) => format!("{shorter}?{query}"),
        None => shorter.to_owned(),
    };
    let shorter = shorter.parse().ok()?;
    Some(std::mem::replace(uri, shorter))
}

/// At most so many bytes of a text, cut between characters.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    text.get(..end).unwrap_or_default()
}
