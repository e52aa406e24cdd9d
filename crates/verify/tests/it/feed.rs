//! The feed over a real port: snapshot, stream, and everything that can go wrong on the way.

use std::time::Duration;

use relatch_verify::{Feed, ResourceServer, VerifyError, WhenStale};
use serde_json::{Value, json};

use crate::support::{ISSUER, NOW, claims, good, header, sign, verifier, with};
use crate::wire::{Call, Issuer, until};

const STREAM: &str = "/revocations";
const SNAPSHOT: &str = "/revocations/snapshot";
const ENDS: i64 = NOW + 1000;

fn feed(issuer: &Issuer) -> Feed {
    Feed::at(format!("{}{STREAM}", issuer.url()))
}

/// A server that follows; the issuer's name in tokens is another than its address here.
fn following(issuer: &Issuer, feed: Feed) -> ResourceServer {
    let builder = ResourceServer::builder(verifier()).clock(|| NOW);
    builder.follow(feed).fetch(issuer.keys()).unwrap()
}

fn snapshot(last: &str, revoked: Value) -> String {
    let header = with(header(), "typ", json!("relatch-revocations+jwt"));
    sign(
        header,
        json!({"iss": ISSUER, "iat": NOW, "exp": NOW + 60, "last": last, "revoked": revoked}),
    )
}

fn revoked(id: &str, entry: &Value) -> String {
    format!("id: {id}\nevent: revoked\ndata: {entry}\n\n")
}

fn heartbeat(id: &str, at: i64) -> String {
    format!(
        "event: heartbeat\ndata: {}\n\n",
        json!({"id": id, "at": at})
    )
}

fn session(sid: &str) -> Value {
    json!({"sid": sid, "exp": ENDS})
}

/// A token of this session.
fn token(sid: &str) -> String {
    sign(header(), with(claims(), "sid", json!(sid)))
}

fn is_refused(server: &ResourceServer, sid: &str) -> bool {
    server.check(&token(sid)) == Err(VerifyError::Revoked)
}

/// Answers for an empty snapshot; the stream that is asked for next.
async fn begin(issuer: &mut Issuer, last: &str) -> Call {
    let call = issuer.call(SNAPSHOT).await;
    call.answer("application/jwt", &snapshot(last, json!([])))
        .await;
    let call = issuer.call(STREAM).await;
    assert_eq!(call.header("last-event-id"), Some(last));
    call.stream().await
}

#[tokio::test]
async fn the_snapshot_first_then_what_happens() {
    let mut issuer = Issuer::start().await;
    let server = following(&issuer, feed(&issuer).credential("secret"));
    let call = issuer.call(SNAPSHOT).await;
    assert_eq!(call.header("authorization"), Some("Bearer secret"));
    let entries = json!([session("a"), {"sid": "b", "gen": 6, "exp": ENDS}, {"new": 1, "exp": 1}]);
    call.answer("application/jwt", &snapshot("e.41", entries))
        .await;
    let call = issuer.call(STREAM).await;
    assert_eq!(call.header("authorization"), Some("Bearer secret"));
    assert_eq!(call.header("accept"), Some("text/event-stream"));
    assert_eq!(call.header("last-event-id"), Some("e.41"));
    let mut stream = call.stream().await;
    assert!(is_refused(&server, "a"));
    server.check(&token("b")).unwrap();
    server.check(&good()).unwrap();

    stream
        .write(&revoked(
            "e.42",
            &json!({"sid": "b", "gen": 7, "exp": ENDS}),
        ))
        .await;
    until(&server, |server| is_refused(server, "b")).await;
    server.check(&good()).unwrap();
    stream
        .write(&revoked("e.43", &json!({"kid": "ed", "exp": ENDS})))
        .await;
    until(&server, |server| {
        server.check(&good()) == Err(VerifyError::Revoked)
    })
    .await;
}

#[tokio::test]
async fn a_broken_stream_is_taken_up_where_it_was() {
    let mut issuer = Issuer::start().await;
    let server = following(&issuer, feed(&issuer));
    let mut stream = begin(&mut issuer, "e.1").await;
    stream.write(&revoked("e.2", &session("a"))).await;
    // Half an event is none.
    stream
        .write("id: e.3\nevent: revoked\ndata: {\"sid\":\"b\",\"exp\":1900000000}\n")
        .await;
    until(&server, |server| is_refused(server, "a")).await;
    drop(stream);
    let call = issuer.call(STREAM).await;
    assert_eq!(call.header("last-event-id"), Some("e.2"));
    server.check(&token("b")).unwrap();
    let mut stream = call.stream().await;
    stream.write(&heartbeat("e.9", NOW)).await;
    until(&server, |server| server.revocations_stale_for() == Some(0)).await;
    stream.write(&revoked("e.10", &session("c"))).await;
    until(&server, |server| is_refused(server, "c")).await;
    drop(stream);
    let call = issuer.call(STREAM).await;
    assert_eq!(call.header("last-event-id"), Some("e.10"));
    assert!(is_refused(&server, "a"));
}

/// A long silence but for heartbeats must not make the position too old.
#[tokio::test]
async fn a_heartbeat_moves_the_position() {
    let mut issuer = Issuer::start().await;
    let server = following(&issuer, feed(&issuer));
    let mut stream = begin(&mut issuer, "e.1").await;
    stream.write(&heartbeat("e.77", NOW)).await;
    stream.write(&revoked("", &session("a"))).await;
    until(&server, |server| is_refused(server, "a")).await;
    drop(stream);
    assert_eq!(
        issuer.call(STREAM).await.header("last-event-id"),
        Some("e.77")
    );
}

#[tokio::test]
async fn a_reset_asks_for_the_snapshot() {
    let mut issuer = Issuer::start().await;
    let server = following(&issuer, feed(&issuer));
    let mut stream = begin(&mut issuer, "e.1").await;
    stream.write(&revoked("e.2", &session("a"))).await;
    stream.write("event: reset\ndata: {}\n\n").await;
    let call = issuer.call(SNAPSHOT).await;
    call.answer("application/jwt", &snapshot("f.7", json!([session("b")])))
        .await;
    let call = issuer.call(STREAM).await;
    assert_eq!(call.header("last-event-id"), Some("f.7"));
    // What the new timeline has forgotten stays refused.
    assert!(is_refused(&server, "a") && is_refused(&server, "b"));
}

#[tokio::test]
async fn another_timeline_is_a_reset() {
    let mut issuer = Issuer::start().await;
    let _server = following(&issuer, feed(&issuer));
    let mut stream = begin(&mut issuer, "e.1").await;
    stream.write(&heartbeat("f.1", NOW)).await;
    issuer.call(SNAPSHOT).await;
}

/// What it said is not known, so it must not be passed over.
#[tokio::test]
async fn a_garbled_revocation_asks_for_the_snapshot() {
    let mut issuer = Issuer::start().await;
    let server = following(&issuer, feed(&issuer));
    let mut stream = begin(&mut issuer, "e.1").await;
    stream.write(&revoked("e.2", &session("a"))).await;
    stream
        .write("id: e.3\nevent: revoked\ndata: {\"sid\":\n\n")
        .await;
    issuer.call(SNAPSHOT).await;
    assert!(is_refused(&server, "a"));
}

#[tokio::test]
async fn what_is_not_known_is_ignored() {
    let mut issuer = Issuer::start().await;
    let server = following(&issuer, feed(&issuer));
    let mut stream = begin(&mut issuer, "e.1").await;
    stream.write(": welcome\n\nretry: 1\nevent: weather\ndata: [1,\n\nid: e.2\nevent: revoked\nmood: good\n").await;
    stream
        .write("data: {\"sid\":\"a\",\"exp\":1900000000,\"why\":{\"reuse\":true}}\n\n")
        .await;
    stream
        .write(&revoked("e.3", &json!({"jti": "x", "exp": ENDS})))
        .await;
    stream.write(&revoked("e.4", &session("b"))).await;
    until(&server, |server| is_refused(server, "b")).await;
    assert!(is_refused(&server, "a"));
}

#[tokio::test]
async fn a_huge_line_ends_the_stream() {
    let mut issuer = Issuer::start().await;
    let server = following(&issuer, feed(&issuer));
    let mut stream = begin(&mut issuer, "e.1").await;
    // In one piece: what was whole before the line counts.
    let huge = format!(
        "{}data: {}",
        revoked("e.2", &session("a")),
        "x".repeat(1_000_000)
    );
    stream.write(&huge).await;
    stream.closed().await;
    let call = issuer.call(STREAM).await;
    assert_eq!(call.header("last-event-id"), Some("e.2"));
    assert!(is_refused(&server, "a"));
}

/// Comments, as a proxy may drip them for ever, are no sign of life of the issuer.
#[tokio::test]
async fn silence_ends_the_stream() {
    let mut issuer = Issuer::start().await;
    let _server = following(&issuer, feed(&issuer).quiet(Duration::from_millis(300)));
    let mut stream = begin(&mut issuer, "e.1").await;
    tokio::spawn(async move {
        loop {
            stream.write(": still here\n\n").await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    issuer.call(STREAM).await;
}

#[tokio::test]
async fn no_patience_is_too_long() {
    let mut issuer = Issuer::start().await;
    let server = following(&issuer, feed(&issuer).quiet(Duration::MAX));
    let mut stream = begin(&mut issuer, "e.1").await;
    stream.write(&revoked("e.2", &session("a"))).await;
    until(&server, |server| is_refused(server, "a")).await;
}

#[tokio::test]
async fn an_answer_that_is_no_stream_is_none() {
    let mut issuer = Issuer::start().await;
    let server = following(&issuer, feed(&issuer));
    let call = issuer.call(SNAPSHOT).await;
    call.answer("application/jwt", &snapshot("e.1", json!([])))
        .await;
    let event = revoked("e.2", &session("a"));
    issuer.call(STREAM).await.answer("text/html", &event).await;
    let refused = format!("HTTP/1.1 401 No\r\nContent-Type: text/event-stream\r\n\r\n{event}");
    issuer.call(STREAM).await.raw(&refused).await;
    let call = issuer.call(STREAM).await;
    assert_eq!(call.header("last-event-id"), Some("e.1"));
    server.check(&token("a")).unwrap();
}

#[tokio::test]
async fn a_forged_snapshot_is_no_beginning() {
    let mut issuer = Issuer::start().await;
    let server = following(&issuer, feed(&issuer));
    let call = issuer.call(SNAPSHOT).await;
    let forged = snapshot("e.1", json!([session("a")])).replacen('.', ".A", 1);
    call.answer("application/jwt", &forged).await;
    let call = issuer.call(SNAPSHOT).await;
    server.check(&token("a")).unwrap();
    assert_eq!(server.revocations_stale_for(), None);
    call.answer("application/jwt", &snapshot("e.1", json!([])))
        .await;
    issuer.call(STREAM).await;
}

/// It is as fresh as its heartbeats say, and not as their arrival does.
#[tokio::test]
async fn staleness_is_told_by_the_issuers_clock() {
    let mut issuer = Issuer::start().await;
    let builder = ResourceServer::builder(verifier()).clock(|| NOW + 100);
    let closed = builder.when_stale(WhenStale::FailClosed { after: 10 });
    let server = closed.follow(feed(&issuer)).fetch(issuer.keys()).unwrap();
    server.ready().await;
    assert_eq!(server.check(&good()), Err(VerifyError::RevocationsStale));
    let call = issuer.call(SNAPSHOT).await;
    let claims =
        json!({"iss": ISSUER, "iat": NOW + 50, "exp": NOW + 110, "last": "e.1", "revoked": []});
    let head = with(header(), "typ", json!("relatch-revocations+jwt"));
    call.answer("application/jwt", &sign(head, claims)).await;
    let mut stream = issuer.call(STREAM).await.stream().await;
    assert_eq!(server.revocations_stale_for(), Some(50));
    stream.write(&heartbeat("e.1", NOW + 80)).await;
    until(&server, |server| server.revocations_stale_for() == Some(20)).await;
    assert_eq!(server.check(&good()), Err(VerifyError::RevocationsStale));
    stream.write(&heartbeat("e.1", NOW + 90)).await;
    until(&server, |server| server.check(&good()).is_ok()).await;
    stream.write(&heartbeat("e.1", NOW + 9000)).await;
    until(&server, |server| server.revocations_stale_for() == Some(0)).await;
}

#[tokio::test]
async fn it_ends_with_the_server() {
    let mut issuer = Issuer::start().await;
    let server = following(&issuer, feed(&issuer));
    let stream = begin(&mut issuer, "e.1").await;
    drop(server);
    stream.closed().await;
}

#[tokio::test]
async fn the_feed_does_not_come_in_the_clear() {
    use relatch_verify::UrlError::{Credential, Insecure};
    let issuer = Issuer::start().await;
    let fetch = |feed| {
        let builder = ResourceServer::builder(verifier()).follow(feed);
        builder.fetch(issuer.keys()).err()
    };
    assert_eq!(fetch(Feed::of("http://auth.example.com")), Some(Insecure));
    assert_eq!(
        fetch(feed(&issuer).credential("line\nbreak")),
        Some(Credential)
    );
    let feed = feed(&issuer).credential("secret");
    assert!(!format!("{feed:?}").contains("secret"));
}
