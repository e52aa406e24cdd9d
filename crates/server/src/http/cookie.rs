//! Cookies by the rules of RFC 6265bis: how one of ours is named, read, set and cleared. Must not know what is in them.
//!
//! A cookie `__Host-…` is taken by browsers from HTTPS alone, for one host and all of its paths, so that neither a sibling
//! host nor anybody on the way can plant one. In development, on plain loopback, there is no HTTPS: there and nowhere else it
//! goes without the prefix and without `Secure`.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
    response::Response,
};

use super::{
    arrival::{Arrival, Peer},
    origin,
};
use crate::{app::App, config::WebOrigin};

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// How a browser reaches this server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Channel {
    /// By HTTPS, as far as anybody can tell.
    Https,
    /// In the clear, and without leaving the machine.
    PlainLoopback,
}

impl Channel {
    /// That of this request. Whatever speaks for HTTPS counts, whoever says it, for a cookie that is `Secure` without need
    /// does no harm: TLS here, an issuer with `https`, a proxy that ends TLS by the configuration or by its headers, a page
    /// or a client that is not on this machine.
    pub(super) fn of(parts: &Parts, arrival: &Arrival, app: &App) -> Self {
        let peer: Option<&Peer> = parts.extensions.get();
        let encrypted = peer.is_none_or(|peer| peer.encrypted)
            || app.config.server.behind_tls_proxy
            || app.domain.issuer.url.starts_with("https://")
            || is_said_to_be_encrypted(&parts.headers);
        let is_here = arrival.address.is_some_and(|client| client.is_loopback());
        let page = origin::listed(&parts.headers, app);
        if !encrypted && is_here && page.is_none_or(WebOrigin::is_plain_loopback) {
            Self::PlainLoopback
        } else {
            Self::Https
        }
    }
}

/// Whether a proxy, or whoever calls itself one, says anything but `http`.
fn is_said_to_be_encrypted(headers: &HeaderMap) -> bool {
    let is_http = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"http");
    let told = headers.get_all(X_FORWARDED_PROTO).iter();
    let mut told = told.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let forwarded = headers.get_all(header::FORWARDED).iter();
    let mut forwarded = forwarded
        .flat_map(|value| value.as_bytes().split(|byte| matches!(byte, b',' | b';')))
        .filter_map(|pair| {
            let place = pair.iter().position(|byte| *byte == b'=')?;
            let (name, value) = pair.split_at_checked(place)?;
            let is_proto = name.trim_ascii().eq_ignore_ascii_case(b"proto");
            is_proto.then(|| value.get(1..).unwrap_or_default())
        });
    told.any(|value| !is_http(value)) || forwarded.any(|value| !is_http(value))
}

/// A cookie of ours, by its two names.
pub(super) struct Cookie {
    /// Begins with `__Host-`.
    https: &'static str,
    /// Does not.
    plain_loopback: &'static str,
}

/// The refresh token of a session in cookie mode.
pub(super) const REFRESH: Cookie = Cookie {
    https: "__Host-relatch_refresh",
    plain_loopback: "relatch_refresh_dev",
};

/// What a request brings of one cookie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found<'a> {
    /// None of that name.
    Nothing,
    /// This value, of whatever bytes.
    One(&'a [u8]),
    /// Several: at most one of them is ours, and nobody can tell which.
    Several,
}

impl Cookie {
    /// Its name on that channel; the other one means nothing there.
    pub(super) fn name(&self, channel: Channel) -> &'static str {
        match channel {
            Channel::Https => self.https,
            Channel::PlainLoopback => self.plain_loopback,
        }
    }

    /// What the request has of it. Quotes are part of a value, percent signs too: what we set has neither.
    pub(super) fn find<'a>(&self, headers: &'a HeaderMap, channel: Channel) -> Found<'a> {
        let mut values = self.all(headers, channel);
        match (values.next(), values.next()) {
            (None, _) => Found::Nothing,
            (Some(value), None) => Found::One(value),
            (Some(_), Some(_)) => Found::Several,
        }
    }

    /// Every value of that name, for where none belongs.
    pub(super) fn all<'a>(
        &self,
        headers: &'a HeaderMap,
        channel: Channel,
    ) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        values(headers, self.name(channel).as_bytes())
    }

    /// The answer with this value in it, for so many seconds, or until the browser is closed. The value must be one by RFC
    /// 6265 §4.1.1: no spaces, quotes, commas, semicolons or backslashes.
    pub(super) fn set(
        &self,
        response: Response,
        channel: Channel,
        value: &str,
        seconds: Option<i64>,
    ) -> Response {
        let name = self.name(channel);
        let secure = match channel {
            Channel::Https => " Secure;",
            Channel::PlainLoopback => "",
        };
        let age = seconds.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
        let text = format!("{name}={value}; Path=/;{secure} HttpOnly; SameSite=Strict{age}");
        with(response, &text)
    }

    /// The answer that has the browser forget it.
    pub(super) fn clear(&self, response: Response, channel: Channel) -> Response {
        self.set(response, channel, "", Some(0))
    }
}

fn with(mut response: Response, text: &str) -> Response {
    // No name, token or number that is put together here has a byte that a header cannot have.
    if let Ok(mut value) = HeaderValue::from_str(text) {
        value.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// The values of the pairs of that name, in all fields, for HTTP/2 may bring each pair in one of its own (RFC 9113 §8.2.3).
fn values<'a>(headers: &'a HeaderMap, name: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
    let fields = headers.get_all(header::COOKIE).iter();
    let pairs = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| {
        let pair = pair.trim_ascii();
        // A pair without a sign is a value without a name (RFC 6265bis §5.7).
        let sign = pair.iter().position(|byte| *byte == b'=')?;
        let (found, value) = pair.split_at_checked(sign)?;
        let value = value.get(1..).unwrap_or_default();
        (found.trim_ascii() == name).then(|| value.trim_ascii())
    })
}

#[cfg(test)]
mod tests;
