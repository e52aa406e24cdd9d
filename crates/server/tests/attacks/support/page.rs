//! A page of a listed origin, and what its visitor's browser keeps: the attacker's victim.

use serde_json::{Value, json};

use super::{Reply, Request, Server, account, post, refresh_token::generation};

/// The page that is listed.
pub(crate) const APP: &str = "https://app.relatch.test";
pub(crate) const COOKIE: &str = "__Host-relatch_refresh";

/// A server behind HTTPS, whatever carries it here, that lists one page.
pub(crate) fn listing() -> Server {
    Server::start(&[
        ("browser.origins", APP),
        ("issuer.url", "https://relatch.test"),
    ])
}

/// A visitor who is logged in.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) access: String,
    pub(crate) session: String,
    /// The value of the cookie.
    pub(crate) refresh: String,
}

/// The body of a registration in cookie mode.
pub(crate) fn registration(name: &str) -> Value {
    in_cookie_mode(account::registration(name))
}

/// The body of a login in cookie mode.
pub(crate) fn login(name: &str) -> Value {
    in_cookie_mode(json!({ "username": name, "password": account::PASSWORD }))
}

fn in_cookie_mode(mut body: Value) -> Value {
    body["delivery"] = "cookie".into();
    body
}

/// What the page fetches.
pub(crate) fn fetched(path: &str, body: &Value) -> Request {
    post(path).header("Origin", APP).json(body)
}

impl Request {
    /// The same with a cookie.
    pub(crate) fn cookie(self, value: &str) -> Self {
        self.header("Cookie", &format!("{COOKIE}={value}"))
    }
}

impl Reply {
    /// What it has the browser keep.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        let set = self.headers.iter();
        set.filter(|header| header.0 == "set-cookie")
            .map(|header| header.1.as_str())
            .collect()
    }

    /// The value of the one cookie that it sets.
    #[track_caller]
    pub(crate) fn kept(&self) -> String {
        let [cookie] = self.cookies()[..] else {
            panic!("{self:?}");
        };
        let (_, value) = cookie.split_once('=').unwrap();
        value.split(';').next().unwrap().to_owned()
    }
}

impl Visitor {
    /// Out of an answer that must have him logged in.
    #[track_caller]
    pub(crate) fn of(reply: &Reply) -> Self {
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
        Self {
            access: reply.string("access_token"),
            session: reply.string("session_id"),
            refresh: reply.kept(),
        }
    }
}

impl Server {
    #[track_caller]
    pub(crate) fn visit(&self, name: &str) -> Visitor {
        Visitor::of(&fetched("/auth/register", &registration(name)).send(self.address))
    }

    /// What the page gets that refreshes with the visitor's cookie.
    pub(crate) fn fetch_tokens(&self, cookie: &str) -> Reply {
        fetched("/auth/refresh", &json!({}))
            .cookie(cookie)
            .send(self.address)
    }

    /// The visitor's session goes on where it was.
    #[track_caller]
    pub(crate) fn still_serves(&self, visitor: &Visitor) {
        let next = Visitor::of(&self.fetch_tokens(&visitor.refresh));
        assert_eq!(next.session, visitor.session);
        let turned = generation(&visitor.refresh) + 1;
        assert_eq!(generation(&next.refresh), turned);
    }
}
