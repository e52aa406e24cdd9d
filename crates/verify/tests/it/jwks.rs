//! Keys that are fetched: when, how often, and what becomes of tokens while they cannot be had. Time stands still but for what
//! the tests let pass.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header as name};
use relatch_verify::transport::{Body, Pending, Request, Response, Transport, TransportError};
use relatch_verify::{Clock, KeySet, KeySource, ResourceServer, Revocation, VerifyError};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::support::{ISSUER, NOW, claims, header, keys, sign, verifier, with};

/// What the issuer answers.
#[derive(Clone)]
enum Answer {
    Keys(KeySet, Option<&'static str>),
    Status(u16),
    Text(&'static str),
    Refuses,
    NeverComes,
    NeverEnds,
}

#[derive(Clone)]
struct Issuer {
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
    /// How long an answer takes.
    takes: Duration,
}

struct Endless;
struct Whole(Option<Bytes>);

impl Issuer {
    fn new(answer: Answer) -> Self {
        Self {
            answer: Arc::new(Mutex::new(answer)),
            asked: Arc::default(),
            takes: Duration::from_millis(10),
        }
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn server(&self, source: KeySource) -> ResourceServer {
        let builder = ResourceServer::builder(verifier()).clock(clock());
        builder.transport(self.clone()).fetch(source).unwrap()
    }
}

impl Transport for Issuer {
    fn get(&self, request: Request) -> Pending<'_, Result<Response, TransportError>> {
        assert_eq!(
            request.url,
            "https://auth.example.com/.well-known/jwks.json"
        );
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer.lock().unwrap().clone();
        Box::pin(async move {
            sleep(self.takes).await;
            let (status, text, cached) = match answer {
                Answer::Keys(set, cached) => (200, serde_json::to_string(&set).unwrap(), cached),
                Answer::Status(status) => (status, serde_json::to_string(&keys()).unwrap(), None),
                Answer::Text(text) => (200, text.to_owned(), None),
                Answer::Refuses => return Err(TransportError::new("refused")),
                Answer::NeverComes => std::future::pending().await,
                Answer::NeverEnds => return Ok(response(200, None, Box::new(Endless))),
            };
            Ok(response(status, cached, Box::new(Whole(Some(text.into())))))
        })
    }
}

fn response(status: u16, cached: Option<&'static str>, body: Box<dyn Body>) -> Response {
    let mut headers = HeaderMap::new();
    if let Some(cached) = cached {
        headers.insert(name::CACHE_CONTROL, cached.parse().unwrap());
    }
    Response {
        status,
        headers,
        body,
    }
}

impl Body for Whole {
    fn chunk(&mut self) -> Pending<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(async { Ok(self.0.take()) })
    }
}

/// Without the bound on size the test would end with the machine's memory.
impl Body for Endless {
    fn chunk(&mut self) -> Pending<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(async { Ok(Some(Bytes::from_static(&[b' '; 4096]))) })
    }
}

fn clock() -> impl Clock + 'static {
    let start = Instant::now();
    move || NOW + i64::try_from(start.elapsed().as_secs()).unwrap()
}

/// A token that outlives every test, signed by the key `ed`, which it calls `kid`.
fn token(kid: &str) -> String {
    let claims = with(claims(), "exp", json!(NOW + 100_000_000));
    sign(with(header(), "kid", json!(kid)), claims)
}

fn published(cached: Option<&'static str>) -> Answer {
    Answer::Keys(keys(), cached)
}

fn source() -> KeySource {
    KeySource::of(ISSUER)
}

/// Lets time pass, and the fetch that became due come to its end.
async fn after(seconds: u64) {
    sleep(Duration::from_secs(seconds) + Duration::from_millis(100)).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_token_waits_for_the_first_keys() {
    let issuer = Issuer::new(published(None));
    let server = issuer.server(source());
    assert_eq!(
        server.check(&token("ed")),
        Err(VerifyError::KeysUnavailable)
    );
    server.verify(&token("ed")).await.unwrap();
    server.check(&token("ed")).unwrap();
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_wants_to_can_wait_for_keys() {
    let issuer = Issuer::new(Answer::Refuses);
    let server = issuer.server(source());
    let waiting = tokio::spawn({
        let server = server.clone();
        async move { server.ready().await }
    });
    after(1).await;
    assert!(!waiting.is_finished());
    issuer.answers(published(None));
    waiting.await.unwrap();
    server.check(&token("ed")).unwrap();
    server.ready().await;
    ResourceServer::builder(verifier())
        .keys(keys())
        .ready()
        .await;
}

/// From three quarters of the lifetime to nine tenths, so that it is never missing and not everybody comes at once.
#[tokio::test(start_paused = true)]
async fn they_are_fetched_again_ahead_of_their_end() {
    for (cached, lifetime) in [
        (None, 300),
        (Some("public, max-age=600"), 600),
        (Some("no-store"), 60),
        (Some("max-age=1"), 60),
        (Some("max-age=31536000"), 3600),
    ] {
        let issuer = Issuer::new(published(cached));
        let server = issuer.server(source());
        server.ready().await;
        after(lifetime * 3 / 4 - 2).await;
        assert_eq!(issuer.asked(), 1, "{cached:?}");
        after(lifetime * 15 / 100 + 3).await;
        assert_eq!(issuer.asked(), 2, "{cached:?}");
    }
}

/// Whatever the answer says and whatever was allowed.
#[tokio::test(start_paused = true)]
async fn they_are_never_fetched_without_a_pause() {
    for cached in ["max-age=0", "no-store"] {
        let issuer = Issuer::new(published(Some(cached)));
        let server = issuer.server(source().lifetime(Duration::ZERO..=Duration::from_mins(5)));
        server.ready().await;
        after(60).await;
        assert!(issuer.asked() < 90, "{cached}: {}", issuer.asked());
        server.verify(&token("ed")).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn no_duration_is_too_long() {
    let (issuer, most) = (Issuer::new(published(None)), Duration::MAX);
    let source = source().lifetime(most..=most).outage(most).pause(most);
    let server = issuer.server(source.timeout(most));
    server.verify(&token("ed")).await.unwrap();
    assert_eq!(
        server.verify(&token("other")).await,
        Err(VerifyError::KeyUnknown)
    );
    after(100_000).await;
    server.verify(&token("ed")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_removed_key_is_refused_from_the_next_fetch_on() {
    let issuer = Issuer::new(published(None));
    let server = issuer.server(source());
    server.verify(&token("ed")).await.unwrap();
    let others = keys()
        .iter()
        .filter(|key| key.kid() != Some("ed"))
        .cloned()
        .collect();
    issuer.answers(Answer::Keys(KeySet::new(others).unwrap(), None));
    server.verify(&token("ed")).await.unwrap();
    after(280).await;
    assert_eq!(
        server.verify(&token("ed")).await,
        Err(VerifyError::KeyUnknown)
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let issuer = Issuer::new(Answer::Keys(KeySet::default(), None));
    let server = issuer.server(source());
    server.ready().await;
    assert_eq!(
        server.verify(&token("ed")).await,
        Err(VerifyError::KeyUnknown)
    );
    issuer.answers(published(None));
    assert_eq!(
        server.verify(&token("ed")).await,
        Err(VerifyError::KeyUnknown)
    );
    assert_eq!(issuer.asked(), 1);
    after(10).await;
    server.verify(&token("ed")).await.unwrap();
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_keys_makes_one_fetch() {
    let issuer = Issuer::new(published(Some("max-age=3600")));
    let server = issuer.server(source());
    server.ready().await;
    for round in 1..4 {
        after(11).await;
        let flood = (0..500).map(|n| {
            let (server, token) = (server.clone(), token(&format!("made up {n}")));
            tokio::spawn(async move { server.verify(&token).await })
        });
        for answer in flood.collect::<Vec<_>>() {
            assert_eq!(answer.await.unwrap(), Err(VerifyError::KeyUnknown));
        }
        for n in 0..500 {
            let answer = server.verify(&token(&format!("more {n}"))).await;
            assert_eq!(answer, Err(VerifyError::KeyUnknown));
        }
        server.verify(&token("ed")).await.unwrap();
        assert_eq!(issuer.asked(), 1 + round);
    }
}

/// Who hangs up takes nobody else's keys along.
#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_stops_no_fetch() {
    let issuer = Issuer::new(published(None));
    let server = issuer.server(source());
    let (one, other) = (server.clone(), server.clone());
    let given_up = tokio::spawn(async move { one.verify(&token("ed")).await });
    let patient = tokio::spawn(async move { other.verify(&token("ed")).await });
    tokio::task::yield_now().await;
    given_up.abort();
    patient.await.unwrap().unwrap();
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn old_keys_go_on_while_the_issuer_is_away_but_not_for_ever() {
    let issuer = Issuer::new(published(Some("max-age=300")));
    let server = issuer.server(source().outage(Duration::from_secs(1000)));
    server.ready().await;
    issuer.answers(Answer::Refuses);
    after(1295).await;
    server.verify(&token("ed")).await.unwrap();
    after(10).await;
    assert_eq!(
        server.verify(&token("ed")).await,
        Err(VerifyError::KeysUnavailable)
    );
    assert!(
        issuer.asked() > 10 && issuer.asked() < 200,
        "{}",
        issuer.asked()
    );
    issuer.answers(published(None));
    after(61).await;
    server.verify(&token("ed")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_no_key_set_changes_nothing() {
    let wrong = [
        Answer::Status(302),
        Answer::Status(404),
        Answer::Status(500),
        Answer::Status(204),
        Answer::Text(""),
        Answer::Text("<html>"),
        Answer::Text("[]"),
        Answer::Text(r#"{"keys":{}}"#),
        Answer::Text(r#"{"keys":[],"keys":[]}"#),
        Answer::Refuses,
        Answer::NeverComes,
        Answer::NeverEnds,
    ];
    for (n, answer) in wrong.into_iter().enumerate() {
        let issuer = Issuer::new(published(None));
        let server = issuer.server(source());
        server.ready().await;
        issuer.answers(answer);
        after(11).await;
        let unknown = server.verify(&token("other")).await;
        assert_eq!(
            (unknown, issuer.asked()),
            (Err(VerifyError::KeyUnknown), 2),
            "{n}"
        );
        server.verify(&token("ed")).await.unwrap();
    }
}

/// The entry ends, and an answer of before may lie in a cache for longer.
#[tokio::test(start_paused = true)]
async fn a_revoked_key_does_not_come_back_with_an_old_answer() {
    let issuer = Issuer::new(published(None));
    let server = issuer.server(source());
    server.verify(&token("ed")).await.unwrap();
    server.revoke(Revocation::key("ed", NOW + 400));
    assert_eq!(server.verify(&token("ed")).await, Err(VerifyError::Revoked));
    after(300).await;
    assert_eq!(issuer.asked(), 2);
    assert_eq!(server.verify(&token("ed")).await, Err(VerifyError::Revoked));
    issuer.answers(Answer::Refuses);
    after(100).await;
    assert_eq!(
        server.verify(&token("ed")).await,
        Err(VerifyError::KeyUnknown)
    );
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_last_clone() {
    let issuer = Issuer::new(published(None));
    let server = issuer.server(source());
    let clone = server.clone();
    server.ready().await;
    drop(server);
    after(300).await;
    assert_eq!(issuer.asked(), 2);
    drop(clone);
    after(3000).await;
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn keys_do_not_come_in_the_clear() {
    use relatch_verify::UrlError::{Insecure, Malformed};
    let fetch = |source| ResourceServer::builder(verifier()).fetch(source).err();
    assert_eq!(
        fetch(KeySource::of("http://auth.example.com")),
        Some(Insecure)
    );
    assert_eq!(fetch(KeySource::at("/jwks.json")), Some(Malformed));
    assert_eq!(
        fetch(KeySource::of("http://auth.example.com").dangerous_plain_http()),
        None
    );
}
