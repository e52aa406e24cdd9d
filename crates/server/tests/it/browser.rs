//! A browser with a page in it: says where the page is from, keeps the cookies that it is told to, sends them back.

use std::{collections::BTreeMap, sync::Mutex};

use axum::http::Method;
use relatch::config::WebOrigin;

use crate::server::{Answer, Server};

pub(crate) const PAGE: &str = "https://app.example.com";
pub(crate) const COOKIE: &str = "__Host-relatch_refresh";

pub(crate) const ADA: &str = r#"{"username":"ada","email":"ada@example.com","password":"correct horse battery","delivery":"cookie"}"#;
pub(crate) const LOGIN: &str =
    r#"{"username":"ada","password":"correct horse battery","delivery":"cookie"}"#;

/// A server that lists these pages.
pub(crate) async fn listing(origins: &[&str]) -> Server {
    Server::with(|config| {
        let origins = origins.iter().map(|origin| WebOrigin::parse(origin));
        config.browser.origins = origins.collect::<Result<_, _>>().unwrap();
    })
    .await
}

/// One page of one origin.
pub(crate) struct Browser<'a> {
    server: &'a Server,
    page: &'a str,
    kept: Mutex<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        Self {
            server,
            page: PAGE,
            kept: Mutex::default(),
        }
    }

    /// What a page there fetches with credentials.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.fetch(Method::POST, path, None, body).await
    }

    pub(crate) async fn fetch(
        &self,
        method: Method,
        path: &str,
        access: Option<&str>,
        body: &str,
    ) -> Answer {
        let bearer = access.map(|token| format!("Bearer {token}"));
        let cookies = self.cookies();
        let mut headers = vec![("origin", self.page), ("sec-fetch-site", "same-site")];
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        headers.extend((!cookies.is_empty()).then_some(("cookie", cookies.as_str())));
        let answer = self
            .server
            .send(method, path, &headers, body.to_owned())
            .await;
        self.keep(&answer);
        answer
    }

    fn keep(&self, answer: &Answer) {
        let mut kept = self.kept.lock().unwrap();
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (pair, attributes) = cookie.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                kept.remove(name);
            } else {
                kept.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The refresh token in it, which no page could read.
    pub(crate) fn token(&self) -> Option<String> {
        self.kept.lock().unwrap().get(COOKIE).cloned()
    }

    /// Puts a cookie there.
    pub(crate) fn plant(&self, value: &str) {
        let mut kept = self.kept.lock().unwrap();
        kept.insert(COOKIE.to_owned(), value.to_owned());
    }

    fn cookies(&self) -> String {
        let kept = self.kept.lock().unwrap();
        let pairs = kept.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }
}

/// What an answer says of cookies, in one line each, tokens left out.
pub(crate) fn set(answer: &Answer) -> Vec<String> {
    let values = answer.headers.get_all("set-cookie").iter();
    values
        .map(|value| {
            let value = value.to_str().unwrap();
            match value.find("relatch_rt_") {
                Some(place) => format!("{}…{}", &value[..place], &value[place + 83..]),
                None => value.to_owned(),
            }
        })
        .collect()
}
