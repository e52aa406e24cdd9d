//! How a refresh token gets to its holder and back: in bodies of JSON, or in a cookie that no script reads.
//!
//! Where a cookie is read or set, the request must come from a listed page; see [`super::origin`].

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
    response::Response,
};
use relatch_core::{
    session::{
        Delivery, SessionId,
        list::{self, Caller},
    },
    token::{Genuine, IssuedTokens},
};

use super::{
    answer,
    arrival::Arrival,
    authorization::{authenticate, bearer},
    body::Input,
    cookie::{Channel, Found, REFRESH},
    fields::Fields,
    origin,
    problem::{Code, Problem},
};
use crate::app::App;

/// A refresh token, and which way it came.
pub(super) struct Sent {
    pub(super) token: Genuine,
    pub(super) by: Delivery,
}

/// The refresh token of a request: as Bearer, as `refresh_token` in the body, or else in the cookie.
pub(super) async fn refresh_token(input: &mut Input, app: &App) -> Result<Sent, Problem> {
    let headers = &input.parts.headers;
    let in_header = bearer(headers)?;
    let in_body = input.fields.optional_string("refresh_token");
    if let (Some(header), Some(body)) = (in_header, &in_body)
        && header != body
    {
        let detail = "Another token is in the Authorization header; send one of them.";
        input.fields.fault("refresh_token", "conflicting", detail);
    }
    input.fields.finish()?;
    let told = in_header.or(in_body.as_deref());
    let in_cookie = in_cookie(input, told, app)?;
    let (token, by) = match (told, in_cookie) {
        (Some(token), None) => (token, Delivery::Body),
        (None, Some(token)) => (token, Delivery::Cookie),
        // Whoever can write it elsewhere has read it where nobody should.
        (Some(token), Some(cookie)) if token == cookie => (token, Delivery::Body),
        (Some(_), Some(_)) => {
            let detail = "Another token is in the cookie; send one of them.";
            return Err(Problem::field("refresh_token", "conflicting", detail));
        }
        (None, None) if headers.contains_key(header::ORIGIN) => {
            return Err(Problem::new(Code::NoSession));
        }
        (None, None) => {
            let detail = "Send the refresh token as Authorization: Bearer … or as this field.";
            return Err(Problem::field("refresh_token", "missing", detail));
        }
    };
    let token = authenticate(token, app, input.arrival.now).await?;
    Ok(Sent { token, by })
}

/// What is in the cookie, once it is clear that the request may use it. While no page is listed there is no cookie mode, and
/// no cookie is looked at.
fn in_cookie<'a>(
    input: &'a Input,
    told: Option<&str>,
    app: &App,
) -> Result<Option<&'a str>, Problem> {
    let headers = &input.parts.headers;
    let found = if app.config.browser.origins.is_empty() {
        Found::Nothing
    } else {
        REFRESH.find(headers, Channel::of(&input.parts, &input.arrival, app))
    };
    let bootstraps = told.is_none() && headers.contains_key(header::ORIGIN);
    if found != Found::Nothing || bootstraps {
        origin::demand(headers, app)?;
    }
    only(found)
}

/// The one value that was found. What is no text is no token: the empty one is none, too.
fn only(found: Found<'_>) -> Result<Option<&str>, Problem> {
    match found {
        Found::Nothing => Ok(None),
        Found::One(value) => Ok(Some(std::str::from_utf8(value).unwrap_or_default())),
        Found::Several => {
            let detail = "The cookie of the session comes more than once. Clear the cookies of this host and log in.";
            Err(Problem::field("Cookie", "duplicate", detail))
        }
    }
}

/// The field `delivery` of a login or registration.
pub(super) fn field(fields: &mut Fields) -> Delivery {
    let choices = [("body", Delivery::Body), ("cookie", Delivery::Cookie)];
    fields.choice("delivery", &choices).unwrap_or_default()
}

/// Refuses a login in cookie mode that does not come from a listed page. What is in its cookie is the session that the new one
/// takes the place of; a cookie that holds no token of ours holds nothing.
pub(super) async fn older(
    input: &Input,
    app: &App,
    delivery: Delivery,
) -> Result<Option<Genuine>, Problem> {
    if delivery == Delivery::Body {
        return Ok(None);
    }
    let headers = &input.parts.headers;
    origin::demand(headers, app)?;
    let channel = Channel::of(&input.parts, &input.arrival, app);
    let Some(token) = only(REFRESH.find(headers, channel))? else {
        return Ok(None);
    };
    match authenticate(token, app, input.arrival.now).await {
        Ok(token) => Ok(Some(token)),
        Err(problem) if problem.code() == Code::InvalidToken => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Refuses what would set the cookie of the caller's session, unless it comes from a listed page.
pub(super) async fn demand_page(input: &Input, app: &App, caller: &Caller) -> Result<(), Problem> {
    let session = list::current(&app.domain, caller).await?;
    match session.delivery {
        Delivery::Body => Ok(()),
        // How tokens are delivered never changes, so that it may be read before anything is done.
        Delivery::Cookie => origin::demand(&input.parts.headers, app),
    }
}

/// The answer with these tokens, the refresh token being in it or in a cookie. Without `remember_me` the cookie goes with the
/// browser.
pub(super) fn deliver(
    answer: Response,
    tokens: &IssuedTokens,
    input: &Input,
    app: &App,
) -> Response {
    if tokens.delivery == Delivery::Body {
        return answer;
    }
    let channel = Channel::of(&input.parts, &input.arrival, app);
    let seconds = answer::seconds_until(tokens.refresh_ends_at, input.arrival.now);
    let seconds = tokens.remember_me.then_some(seconds);
    REFRESH.set(answer, channel, tokens.refresh.expose(), seconds)
}

/// The cookie of a request that works with an access token, as far as a listed page sent it: such a request may end the
/// session whose cookie it is, and is as good without one.
pub(super) struct Kept {
    channel: Channel,
    session: Option<SessionId>,
}

impl FromRequestParts<Arc<App>> for Kept {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let arrival = Arrival::of(parts, app);
        let channel = Channel::of(parts, &arrival, app);
        let may = origin::demand_page(&parts.headers, app).is_ok();
        let session = match REFRESH.find(&parts.headers, channel) {
            Found::One(value) if may => session_of(value, app),
            _ => None,
        };
        Ok(Self { channel, session })
    }
}

fn session_of(value: &[u8], app: &App) -> Option<SessionId> {
    let token = std::str::from_utf8(value).ok()?;
    let token = app.domain.keys.load().tokens.authenticate(token).ok()?;
    Some(token.session())
}

impl Kept {
    /// The answer that has the browser forget the cookie, if it is of a session that is over now.
    pub(super) fn clear(&self, answer: Response, is_over: impl Fn(SessionId) -> bool) -> Response {
        if self.session.is_some_and(is_over) {
            REFRESH.clear(answer, self.channel)
        } else {
            answer
        }
    }
}

/// The answer to a logout; a token that came in the cookie goes from there.
pub(super) fn clear(answer: Response, sent: &Sent, input: &Input, app: &App) -> Response {
    match sent.by {
        Delivery::Body => answer,
        Delivery::Cookie => REFRESH.clear(answer, Channel::of(&input.parts, &input.arrival, app)),
    }
}
