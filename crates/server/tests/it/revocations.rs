//! GET /revocations and /revocations/snapshot: who may follow, where one begins, and what is told.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http_body_util::BodyExt as _;
use insta::assert_snapshot;
use relatch_core::session::{EndReason, store::Ending, store::Which};
use relatch_verify::{KeySet, Verifier};
use serde_json::{Value, json};

use crate::server::{Answer, Server, decode};

/// One stream, read event by event.
struct Stream {
    body: Body,
    text: String,
}

/// An event: name, id and data.
type Event = (String, String, Value);

impl Stream {
    async fn open(server: &Server, credential: &str, last: Option<&str>) -> Self {
        let request =
            Request::get("/revocations").header("authorization", format!("Bearer {credential}"));
        let request = match last {
            Some(last) => request.header("last-event-id", last),
            None => request,
        };
        let response = server
            .relatch
            .answer(request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(response.status(), 200);
        Self {
            body: response.into_body(),
            text: String::new(),
        }
    }

    /// The next event; nothing at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let event = event(block);
                self.text = rest.into();
                if event.is_some() {
                    return event;
                }
            }
            let patience = Duration::from_secs(10);
            let frame = tokio::time::timeout(patience, self.body.frame())
                .await
                .unwrap()?;
            let bytes = frame.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// The next that is no heartbeat.
    async fn news(&mut self) -> Option<Event> {
        loop {
            let event = self.next().await?;
            if event.0 != "heartbeat" {
                return Some(event);
            }
        }
    }
}

fn event(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    let data = serde_json::from_str(field("data: ")?).unwrap();
    let id = field("id: ").unwrap_or_default().to_owned();
    Some((field("event: ").unwrap().to_owned(), id, data))
}

fn number(id: &str) -> u64 {
    id.split_once('.').unwrap().1.parse().unwrap()
}

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

async fn snapshot(server: &Server, credential: &str) -> Answer {
    server.get_as(credential, "/revocations/snapshot").await
}

#[tokio::test]
async fn a_follower_hears_of_an_end_at_once_and_goes_on_where_it_was() {
    let server = Server::start().await;
    let credential = server.resource_server("notes").await;
    let [one, two] = [server.ada().await, server.ada_on("Phone").await];
    let mut stream = Stream::open(&server, &credential, None).await;
    let (name, begin, data) = stream.next().await.unwrap();
    assert_eq!((name.as_str(), number(&begin)), ("heartbeat", 0));
    assert_eq!(data, json!({ "id": begin, "at": 1_795_348_800 }));
    server.post_as(&one.refresh, "/auth/logout", "").await;
    let (name, first, data) = stream.news().await.unwrap();
    assert_eq!((name.as_str(), number(&first)), ("revoked", 1));
    // A quarter of an hour for the token, three minutes for clocks and caches.
    assert_eq!(
        data,
        json!({ "sid": one.session, "exp": 1_795_348_800 + 900 + 180 })
    );
    drop(stream);
    server.post_as(&two.refresh, "/auth/logout", "").await;
    let mut again = Stream::open(&server, &credential, Some(&first)).await;
    let (_, second, data) = again.news().await.unwrap();
    assert_eq!((number(&second), &data["sid"]), (2, &json!(two.session)));
    let mut whole = Stream::open(&server, &credential, None).await;
    let told = [whole.next().await.unwrap().1, whole.next().await.unwrap().1];
    assert_eq!(told, [first, second.clone()]);
    let (name, id, _) = whole.next().await.unwrap();
    assert_eq!((name.as_str(), id), ("heartbeat", second));
}

#[tokio::test]
async fn what_another_process_ends_is_told_within_a_quarter_of_a_second() {
    let server = Server::start().await;
    let credential = server.resource_server("notes").await;
    let ada = server.ada().await;
    let mut stream = Stream::open(&server, &credential, None).await;
    stream.next().await.unwrap();
    let store = server.store();
    let id = relatch_core::session::SessionId(ada.session.parse().unwrap());
    let user = store.find_session(id).await.unwrap().unwrap().user;
    let ending = Ending {
        user,
        which: Which::All,
        reason: EndReason::EndedByAdministrator,
        origin: relatch_core::event::Origin::default(),
        now: server.now(),
    };
    store.end_sessions(ending).await.unwrap();
    let told = tokio::time::timeout(Duration::from_millis(900), stream.news()).await;
    assert_eq!(told.unwrap().unwrap().2["sid"], ada.session);
}

#[tokio::test]
async fn an_id_of_another_place_is_told_to_take_the_snapshot() {
    let server = Server::start().await;
    let credential = server.resource_server("notes").await;
    let ada = server.ada().await;
    server.post_as(&ada.refresh, "/auth/logout", "").await;
    let mut stream = Stream::open(&server, &credential, None).await;
    let (_, known, _) = stream.news().await.unwrap();
    let epoch = known.split_once('.').unwrap().0;
    let ahead = format!("{epoch}.2");
    let huge = format!("{epoch}.18446744073709551615");
    let long = "9".repeat(2_000);
    for last in [
        ahead.as_str(),
        &huge,
        "0000000000000000.1",
        "garbage",
        "é",
        "'; DROP TABLE revocation; --",
        &long,
    ] {
        let mut stream = Stream::open(&server, &credential, Some(last)).await;
        assert_eq!(
            stream.next().await,
            Some(("reset".to_owned(), String::new(), json!({}))),
            "{last}"
        );
        assert_eq!(stream.next().await, None, "{last}");
    }
    let mut stream = Stream::open(&server, &credential, Some("")).await;
    assert_eq!(stream.next().await.unwrap().1, known, "an empty id is none");
}

#[tokio::test]
async fn one_that_missed_more_than_is_kept_takes_the_snapshot() {
    let server = Server::with(|config| config.resource_servers.buffer = 2).await;
    let credential = server.resource_server("notes").await;
    let first = server.ada().await;
    server.post_as(&first.refresh, "/auth/logout", "").await;
    let mut slow = Stream::open(&server, &credential, None).await;
    let (_, known, _) = slow.news().await.unwrap();
    assert_eq!(slow.next().await.unwrap().0, "heartbeat");
    for n in 0..3 {
        let one = server.ada_on(&format!("Phone {n}")).await;
        server.post_as(&one.refresh, "/auth/logout", "").await;
        if n == 1 {
            let mut stream = Stream::open(&server, &credential, Some(&known)).await;
            assert_eq!(number(&stream.news().await.unwrap().1), 2);
            assert_eq!(number(&stream.news().await.unwrap().1), 3);
        }
    }
    let mut quick = Stream::open(&server, &credential, None).await;
    assert_eq!(quick.next().await.unwrap().0, "reset");
    // It read nothing meanwhile: it is cut off, and told nothing wrong.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(slow.news().await, None);
}

#[tokio::test]
async fn a_stream_ends_with_the_server_and_with_its_credential() {
    let server = Server::start().await;
    let credential = server.resource_server("notes").await;
    let other = server.resource_server("billing").await;
    let mut stream = Stream::open(&server, &credential, None).await;
    let mut others = Stream::open(&server, &other, None).await;
    stream.next().await.unwrap();
    let name = relatch_core::resource_server::ResourceServerName::parse("notes").unwrap();
    let removed = server
        .store()
        .remove_resource_server(name, server.command_line())
        .await;
    removed.unwrap();
    let patience = Duration::from_secs(2);
    let end = tokio::time::timeout(patience, async { while stream.next().await.is_some() {} });
    assert!(end.await.is_ok());
    assert_eq!(server.get_as(&credential, "/revocations").await.status, 401);
    assert!(others.next().await.is_some());
    server.relatch.close();
    let end = tokio::time::timeout(patience, async { while others.next().await.is_some() {} });
    assert!(end.await.is_ok());
}

#[tokio::test]
async fn one_follower_too_many_is_told_to_come_again() {
    let server = Server::with(|config| config.resource_servers.max_followers = 1).await;
    let credential = server.resource_server("notes").await;
    let stream = Stream::open(&server, &credential, None).await;
    assert_snapshot!(server.get_as(&credential, "/revocations").await, @r#"
    503 Service Unavailable
    content-type: application/problem+json
    cache-control: no-store
    retry-after: 1

    {
      "code": "overloaded",
      "detail": "Too many follow already: resource_servers.max_followers.",
      "request_id": "[request id]",
      "status": 503,
      "title": "Too much is waiting already; `Retry-After` says when to ask again.",
      "type": "urn:relatch:error:overloaded"
    }
    "#);
    drop(stream);
    assert_eq!(server.get_as(&credential, "/revocations").await.status, 200);
}

#[tokio::test]
async fn a_credential_is_wanted() {
    let server = Server::start().await;
    let credential = server.resource_server("notes").await;
    let ada = server.ada().await;
    assert_snapshot!(server.send(Method::GET, "/revocations", &[], "").await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store
    www-authenticate: Bearer realm="resource server", Basic realm="resource server"

    {
      "code": "invalid_client",
      "request_id": "[request id]",
      "status": 401,
      "title": "The credential of the resource server is missing or not known.",
      "type": "urn:relatch:error:invalid_client"
    }
    "#);
    let ask = async |value: &str| {
        let headers = [("authorization", value)];
        server
            .send(Method::GET, "/revocations/snapshot", &headers, "")
            .await
            .status
    };
    for good in [
        format!("Bearer {credential}"),
        format!("bEARER {credential}"),
        basic(&format!("notes:{credential}")),
    ] {
        assert_eq!(ask(&good).await, 200, "{good}");
    }
    let other = format!("{}A", &credential[..credential.len() - 1]);
    for bad in [
        String::new(),
        "Bearer".to_owned(),
        format!("Bearer {other}"),
        format!("Bearer {}", ada.access),
        format!("Bearer {}", ada.refresh),
        format!("Bearer  {credential}"),
        format!("Digest {credential}"),
        credential.clone(),
        basic(&format!("billing:{credential}")),
        basic(&format!(":{credential}")),
        basic(&credential),
        "Basic ====".to_owned(),
    ] {
        assert_eq!(ask(&bad).await, 401, "{bad}");
    }
    let twice = [
        ("authorization", "Bearer x"),
        ("authorization", &format!("Bearer {credential}")),
    ];
    assert_eq!(
        server
            .send(Method::GET, "/revocations/snapshot", &twice, "")
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn the_snapshot_is_signed_and_complete() {
    let server = Server::start().await;
    let credential = server.resource_server("notes").await;
    let [one, two] = [server.ada().await, server.ada_on("Phone").await];
    server.post_as(&one.refresh, "/auth/logout", "").await;
    server.give_ada("reader", &["notes:read"], true).await;
    let answer = snapshot(&server, &credential).await;
    let keys = server
        .send(Method::GET, "/.well-known/jwks.json", &[], "")
        .await;
    let keys: KeySet = serde_json::from_value(keys.json).unwrap();
    let parts: Vec<_> = answer.text.split('.').collect();
    let (header, mut payload) = (decode(parts[0]), decode(parts[1]));
    assert_eq!(header["typ"], "relatch-revocations+jwt");
    let epoch = payload["last"]
        .as_str()
        .unwrap()
        .split_once('.')
        .unwrap()
        .0
        .to_owned();
    payload["last"] = payload["last"]
        .as_str()
        .unwrap()
        .replace(&epoch, "[epoch]")
        .into();
    assert_eq!(
        payload,
        json!({
            "iss": "https://auth.example.com",
            "iat": 1_795_348_800,
            "exp": 1_795_348_860,
            "last": "[epoch].2",
            "revoked": [
                { "sid": one.session, "exp": 1_795_348_800 + 1_080 },
                { "sid": two.session, "gen": 0, "exp": 1_795_348_800 + 1_080 },
            ],
        })
    );
    // An access token's verifier must not take it for one.
    let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
    let taken = verifier.verify(&answer.text, &keys, 1_795_348_800);
    assert_eq!(
        taken.unwrap_err(),
        relatch_verify::VerifyError::TypeMismatch
    );
}

#[tokio::test]
async fn a_cache_may_keep_a_snapshot_for_two_seconds_and_ask_whether_it_is_new() {
    let server = Server::start().await;
    let credential = server.resource_server("notes").await;
    let first = snapshot(&server, &credential).await;
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(first.headers["cache-control"], "public, max-age=2");
    assert_eq!(first.headers["content-type"], "application/jwt");
    let bearer = format!("Bearer {credential}");
    let known = async |tag: &str| {
        let headers = [("authorization", bearer.as_str()), ("if-none-match", tag)];
        server
            .send(Method::GET, "/revocations/snapshot", &headers, "")
            .await
    };
    for sent in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"other\", {tag}"),
        "*".to_owned(),
    ] {
        let answer = known(&sent).await;
        assert_eq!((answer.status, answer.text.as_str()), (304, ""), "{sent}");
        assert_eq!(answer.headers["etag"], tag.as_str());
        assert_eq!(answer.headers["cache-control"], "public, max-age=2");
    }
    assert_eq!(known("\"other\"").await.status, 200);
    let ada = server.ada().await;
    server.post_as(&ada.refresh, "/auth/logout", "").await;
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let new = known(&tag).await;
    assert_eq!(new.status, 200);
    assert_ne!(new.headers["etag"], tag.as_str());
}

#[tokio::test]
async fn what_has_run_its_time_is_not_in_the_snapshot() {
    let server = Server::start().await;
    let credential = server.resource_server("notes").await;
    let ada = server.ada().await;
    server.post_as(&ada.refresh, "/auth/logout", "").await;
    server.wait(Duration::from_mins(18));
    let answer = snapshot(&server, &credential).await;
    assert!(answer.text.len() < 500, "{}", answer.text);
}
