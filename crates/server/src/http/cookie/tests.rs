//! Cookies as they come and as they are set, and on which channel.

use axum::http::Request;
use fuzz::Target;
use relatch_core::Timestamp;

use super::*;
use crate::{Config, Relatch};

fn headers(name: &HeaderName, lines: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(name, HeaderValue::from_bytes(line).expect("a value"));
    }
    headers
}

#[test]
fn one_pair_of_our_name_is_found_among_any_others() {
    for lines in [
        &[b"__Host-relatch_refresh=x".as_slice()] as &[&[u8]],
        &[b"a=b; __Host-relatch_refresh=x; c=d"],
        &[b"a=b", b"__Host-relatch_refresh=x", b"c=d"],
        &[b"a;__Host-relatch_refresh = x ;"],
        &[b"\xff=\xfe; __Host-relatch_refresh=x"],
        &[b"__host-relatch_refresh=y; __Host-relatch_refresh=x"],
        &[b"relatch_refresh_dev=y; __Host-relatch_refresh=x"],
        &[b"a=__Host-relatch_refresh=y; __Host-relatch_refresh=x"],
    ] {
        let headers = headers(&header::COOKIE, lines);
        let found = REFRESH.find(&headers, Channel::Https);
        assert_eq!(found, Found::One(b"x"), "{lines:?}");
    }
}

const PAGE: &str = "http://localhost:5173";
const OTHERS: [&str; 2] = ["https://localhost:5173", "https://app.example.com"];

/// The channel of a request with these headers, from a client at this address, over TLS or not.
fn channel(app: &App, lines: &[(&str, &str)], peer: Option<(&str, bool)>) -> Channel {
    let request = lines
        .iter()
        .fold(Request::new(()), |mut request, (name, value)| {
            let name: HeaderName = name.parse().expect("a name");
            let value = HeaderValue::from_str(value).expect("a value");
            request.headers_mut().append(name, value);
            request
        });
    let (mut parts, ()) = request.into_parts();
    let peer = peer.map(|(address, encrypted)| Peer {
        address: address.parse().expect("an address"),
        encrypted,
    });
    peer.map(|peer| parts.extensions.insert(peer));
    let arrival = Arrival {
        now: Timestamp::from_seconds(0),
        address: peer.map(|peer| peer.address),
    };
    Channel::of(&parts, &arrival, app)
}

async fn open(issuer: &str, change: impl FnOnce(&mut Config)) -> (Relatch, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::in_folder(folder.path()).issued_by(issuer);
    let origins = [PAGE, OTHERS[0], OTHERS[1]].map(WebOrigin::parse);
    config.browser.origins = origins.map(|origin| origin.expect("an origin")).to_vec();
    change(&mut config);
    (Relatch::open(config).await.expect("opens"), folder)
}

#[tokio::test]
async fn a_single_sign_of_https_or_of_another_machine_is_enough() {
    let here = Some(("127.0.0.1", false));
    let from = [("origin", PAGE)];
    let (relatch, _folder) = open("http://127.0.0.1:8080", |_| {}).await;
    let app = &relatch.app;
    for (lines, peer) in [
        (&from[..], here),
        (&from, Some(("::1", false))),
        // Without a page nothing is read or set.
        (&[], here),
        (&[("origin", "https://evil.test")], here),
    ] {
        let found = channel(app, lines, peer);
        assert_eq!(found, Channel::PlainLoopback, "{lines:?} {peer:?}");
    }
    for (lines, peer) in [
        (&from[..], Some(("127.0.0.1", true))),
        (&from, Some(("192.0.2.7", false))),
        (&from, None),
        (&[("origin", PAGE), ("x-forwarded-proto", "https")], here),
        (&[("origin", PAGE), ("forwarded", "proto=https")], here),
        (&[("origin", OTHERS[0])], here),
        (&[("origin", OTHERS[1])], here),
    ] {
        let found = channel(app, lines, peer);
        assert_eq!(found, Channel::Https, "{lines:?} {peer:?}");
    }
    relatch.close();
    let behind = |config: &mut Config| config.server.behind_tls_proxy = true;
    for (relatch, _folder) in [
        open("https://auth.example.com", |_| {}).await,
        open("http://127.0.0.1:8080", behind).await,
    ] {
        assert_eq!(channel(&relatch.app, &from, here), Channel::Https);
        relatch.close();
    }
}

#[test]
fn fuzz_cookies() {
    let target = Target {
        name: "cookies",
        seeds: &[
            b"a=b; __Host-relatch_refresh=x; c=d",
            b"theme=dark; =y; relatch_refresh_dev=z",
            b"",
        ],
        words: &["__Host-relatch_refresh", "=", ";", " ", "\"", "\t", "%3D"],
    };
    fuzz::run(&target, |input| {
        let ours: &[u8] = b"__Host-relatch_refresh=ours";
        let behind = [input, b";", ours].concat();
        let (Ok(alone), Ok(behind)) = (input.try_into(), behind.try_into()) else {
            return;
        };
        let (alone, behind): (HeaderValue, HeaderValue) = (alone, behind);
        let with = |values: &[HeaderValue]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::COOKIE, value.clone());
            }
            headers
        };
        let (alone, behind) = (with(std::slice::from_ref(&alone)), with(&[behind]));
        // Whatever stands before a cookie neither hides it nor takes its place.
        let expected = match REFRESH.find(&alone, Channel::Https) {
            Found::Nothing => Found::One(b"ours".as_slice()),
            Found::One(_) | Found::Several => Found::Several,
        };
        assert_eq!(REFRESH.find(&behind, Channel::Https), expected);
    });
}

#[test]
fn values_are_taken_as_they_are() {
    for value in ["", "\"x\"", "%78", "a=b", "x, y", "x y"] {
        let line = format!("relatch_refresh_dev={value}; other=1");
        let headers = headers(&header::COOKIE, &[line.as_bytes()]);
        let found = REFRESH.find(&headers, Channel::PlainLoopback);
        assert_eq!(found, Found::One(value.as_bytes()));
    }
}

#[test]
fn two_of_our_name_are_none() {
    for lines in [
        &[b"__Host-relatch_refresh=x; __Host-relatch_refresh=y".as_slice()] as &[&[u8]],
        &[b"__Host-relatch_refresh=x", b"__Host-relatch_refresh=x"],
        // What browsers once sent of a cookie without a name.
        &[b"__Host-relatch_refresh=x; =y; __Host-relatch_refresh=y"],
    ] {
        let headers = headers(&header::COOKIE, lines);
        let found = REFRESH.find(&headers, Channel::Https);
        assert_eq!(found, Found::Several, "{lines:?}");
    }
    let none = headers(&header::COOKIE, &[b"relatch_refresh_dev=x; __Host-relatch"]);
    assert_eq!(REFRESH.find(&none, Channel::Https), Found::Nothing);
}

#[test]
fn a_cookie_is_set_for_this_host_alone_and_cleared_in_the_same_words() {
    let set = |response: Response| {
        let value = response.headers()[header::SET_COOKIE].clone();
        assert!(value.is_sensitive());
        value.to_str().expect("text").to_owned()
    };
    let blank = Response::default;
    assert_eq!(
        set(REFRESH.set(blank(), Channel::Https, "x", Some(60))),
        "__Host-relatch_refresh=x; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=60"
    );
    assert_eq!(
        set(REFRESH.set(blank(), Channel::PlainLoopback, "x", None)),
        "relatch_refresh_dev=x; Path=/; HttpOnly; SameSite=Strict"
    );
    assert_eq!(
        set(REFRESH.clear(blank(), Channel::Https)),
        "__Host-relatch_refresh=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"
    );
}

#[test]
fn whoever_speaks_of_https_is_heard() {
    for (name, line, said) in [
        (X_FORWARDED_PROTO, "https", true),
        (X_FORWARDED_PROTO, "http", false),
        (X_FORWARDED_PROTO, "HTTP", false),
        (X_FORWARDED_PROTO, "https, http", true),
        (X_FORWARDED_PROTO, "http,https", true),
        (X_FORWARDED_PROTO, "wss", true),
        (X_FORWARDED_PROTO, "", true),
        (header::FORWARDED, "for=192.0.2.7;proto=https", true),
        (header::FORWARDED, "for=192.0.2.7; Proto=\"https\"", true),
        (header::FORWARDED, "proto=http, for=x;proto=https", true),
        (header::FORWARDED, "for=192.0.2.7;proto=http", false),
        (header::FORWARDED, "for=192.0.2.7", false),
    ] {
        let headers = headers(&name, &[line.as_bytes()]);
        assert_eq!(is_said_to_be_encrypted(&headers), said, "{name}: {line}");
    }
    assert!(!is_said_to_be_encrypted(&HeaderMap::new()));
}
