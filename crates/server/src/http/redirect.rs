//! The listener for plain HTTP: leads browsers to HTTPS and refuses everything else. A token that came here may have
//! been read on its way, so that its session ends; a password is neither checked nor kept.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Router,
    body::{Body, HttpBody as _},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    response::Response,
};
use relatch_core::{
    Timestamp,
    event::Origin,
    session::exposed::{self, Exposed},
};

use super::{
    arrival::{Arrival, Note},
    authorization::{authenticate, bearer_tokens, own_session},
    body::read,
    cookie::{Channel, REFRESH},
    fields::Fields,
    problem::{Code, Problem},
};
use crate::app::App;

/// Answers every path alike.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new().fallback(answer).with_state(app)
}

async fn answer(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    if is_harmless(&parts, &body) {
        return redirect(&app, &parts.uri);
    }
    let arrival = Arrival::of(&parts, &app);
    let mut ended = false;
    for token in tokens(&parts.headers, body, &app).await {
        ended |= end(&app, &token, arrival.origin(&parts.headers), arrival.now).await;
    }
    let problem = Problem::new(Code::HttpsRequired);
    Err(if ended {
        problem.detail("The token may have been read on its way: its session has been ended.")
    } else {
        problem
    })
}

fn is_harmless(parts: &Parts, body: &Body) -> bool {
    matches!(parts.method, Method::GET | Method::HEAD)
        && !parts.headers.contains_key(header::AUTHORIZATION)
        && exposed_cookies(&parts.headers).next().is_none()
        && body.is_end_stream()
}

/// Those that browsers send by HTTPS alone: who sent them here is none, or was made to.
fn exposed_cookies(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    REFRESH.all(headers, Channel::Https)
}

/// To the same path where the configuration says that the server is. What the client calls it counts for nothing.
fn redirect(app: &App, uri: &Uri) -> Result<Response, Problem> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let location = format!("{}{path}", origin(&app.domain.issuer.url));
    let location = HeaderValue::try_from(location)
        .map_err(|_| Problem::field("path", "invalid_characters", "Encode what is not ASCII."))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(header::LOCATION, location);
    response.extensions_mut().insert(Note {
        outcome: Some("redirected"),
        ..Note::default()
    });
    Ok(response)
}

/// The scheme and the host of an address, with its port.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |place| place + 3);
    let end = url.get(host..).and_then(|rest| rest.find('/'));
    end.and_then(|end| url.get(..host + end)).unwrap_or(url)
}

/// Everything in the request that may be a token. A body that cannot be read has none.
async fn tokens(headers: &HeaderMap, body: Body, app: &App) -> Vec<String> {
    let cookies = exposed_cookies(headers).map(String::from_utf8_lossy);
    let mut tokens: Vec<_> = bearer_tokens(headers).map(str::to_owned).collect();
    tokens.extend(cookies.map(Cow::into_owned));
    if let Ok(body) = read(body, &app.config.server).await
        && let Ok(mut fields) = Fields::of_json_or_form(headers, &body)
    {
        tokens.extend(fields.optional_string("refresh_token"));
    }
    tokens
}

/// Ends the session of a token of ours; whether it was live.
async fn end(app: &App, token: &str, origin: Origin, now: Timestamp) -> bool {
    let genuine;
    let exposed = match own_session(token, app, now) {
        Ok((user, session)) => Exposed::Access { user, session },
        Err(_) => match authenticate(token, app, now).await {
            Ok(token) => {
                genuine = token;
                Exposed::Refresh(&genuine)
            }
            Err(_) => return false,
        },
    };
    match exposed::end(&app.domain, exposed, origin, now).await {
        Ok(Some(session)) => {
            tracing::warn!(%session, "a token came over plain HTTP: its session was ended");
            true
        }
        Ok(None) => false,
        // Whoever sent it is not to be asked for it again.
        Err(error) => {
            tracing::error!(%error, "a token came over plain HTTP, and its session could not be ended");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn an_origin_has_no_path() {
        for url in ["https://a.test", "https://a.test/auth", "https://a.test/"] {
            assert_eq!(origin(url), "https://a.test");
        }
        assert_eq!(origin("https://[::1]:8443/x/y"), "https://[::1]:8443");
    }
}
