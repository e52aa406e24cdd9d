//! Pages that may work with cookies: those of the origins that the operator lists, and no others, be they on the same site.
//!
//! A browser says in `Origin` which page a request comes from, and no page can make it lie. That alone decides; what it says
//! in `Sec-Fetch-Site` and `Sec-Fetch-Mode`, if it says that, must not contradict it.

use axum::http::{HeaderMap, HeaderName, header};

use super::{
    fields::media_type,
    problem::{Code, Problem},
};
use crate::{app::App, config::WebOrigin};

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// The page that the request comes from, if it is listed.
pub(super) fn listed<'a>(headers: &HeaderMap, app: &'a App) -> Option<&'a WebOrigin> {
    let mut sent = headers.get_all(header::ORIGIN).iter();
    let (Some(sent), None) = (sent.next(), sent.next()) else {
        return None;
    };
    let mut origins = app.config.browser.origins.iter();
    origins.find(|origin| origin.as_str().as_bytes() == sent.as_bytes())
}

/// Refuses whatever is not a request in JSON from a listed page, to a host of the same site.
pub(super) fn demand(headers: &HeaderMap, app: &App) -> Result<(), Problem> {
    demand_page(headers, app)?;
    if media_type(headers) != "application/json" {
        let detail = "Where a cookie is read or set, the body must be application/json.";
        return Err(Problem::new(Code::UnsupportedMediaType).detail(detail));
    }
    Ok(())
}

/// The same, whatever the body is.
pub(super) fn demand_page(headers: &HeaderMap, app: &App) -> Result<(), Problem> {
    let refuse = |detail: &str| Err(Problem::new(Code::OriginNotAllowed).detail(detail));
    if app.config.browser.origins.is_empty() {
        return refuse(
            "Cookie mode is off: browser.origins lists no page. An operator adds the origin of the app there.",
        );
    }
    if listed(headers, app).is_none() {
        return refuse(
            "The header Origin is not one of browser.origins, letter by letter: scheme, host and port.",
        );
    }
    let says = |name: &HeaderName, fitting: &[&[u8]]| {
        let mut said = headers.get_all(name).iter();
        said.all(|value| fitting.contains(&value.as_bytes()))
    };
    if !says(&SITE, &[b"same-origin", b"same-site"]) {
        return refuse(
            "The page is on another site than this server (Sec-Fetch-Site), so that the browser would neither keep nor send the \
             cookie: let both share a domain as app.example.com and api.example.com do, and a host where that is localhost.",
        );
    }
    if !says(&MODE, &[b"cors", b"same-origin"]) {
        return refuse(
            "Only what a page fetches is taken, no form and no navigation (Sec-Fetch-Mode).",
        );
    }
    Ok(())
}
