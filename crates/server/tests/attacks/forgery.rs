//! Tokens that are not ours, or not what they are taken for.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relatch_core::token::{AccessClaims, SigningKey};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Reply, Request, Server, Tokens,
    account::PASSWORD,
    delete, get, post,
    refresh_token::{PREFIX, decode, encode, generation},
};

const ISSUER: &str = "http://relatch.test";

/// The token is refused as anybody's garbage is.
#[track_caller]
fn refuses(server: &Server, token: &str) {
    let reply = server.refresh(token);
    reply.is(401, "invalid_token");
    assert!(reply.json().get("reason").is_none());
    assert!(
        reply
            .header("www-authenticate")
            .is_some_and(|asked| asked.starts_with("Bearer"))
    );
}

/// The owner's session goes on where it was.
#[track_caller]
fn unharmed(server: &Server, owner: &Tokens) {
    let next = server.turn(owner);
    assert_eq!(generation(&next.refresh), generation(&owner.refresh) + 1);
}

#[test]
fn a_refresh_token_with_any_one_bit_flipped_is_garbage() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let mut connection = crate::support::Connection::open(server.address);
    for place in 0..54 {
        for bit in 0..8 {
            let mut bytes = decode(&owner.refresh);
            bytes[place] ^= 1 << bit;
            connection.send(&post("/auth/refresh").bearer(&encode(&bytes)).bytes());
            let reply = connection.read().unwrap();
            assert_eq!(
                reply.outcome(),
                (401, "invalid_token".to_owned()),
                "byte {place} bit {bit}"
            );
        }
    }
    unharmed(&server, &owner);
}

#[test]
fn a_refresh_token_cut_off_or_drawn_out_is_garbage() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let bytes = decode(&owner.refresh);
    for length in [0, 1, 2, 18, 22, 37, 38, 52, 53] {
        refuses(&server, &encode(&bytes[..length]));
    }
    for length in [
        1,
        PREFIX.len(),
        owner.refresh.len() - 4,
        owner.refresh.len() - 1,
    ] {
        refuses(&server, &owner.refresh[..length]);
    }
    for more in [&[0][..], &[0; 3], &[0xff; 54]] {
        refuses(&server, &encode(&[&bytes[..], more].concat()));
    }
    for more in ["A", "=", "==", "AAAA", "%00", "."] {
        refuses(&server, &format!("{}{more}", owner.refresh));
    }
    unharmed(&server, &owner);
}

#[test]
fn a_refresh_token_has_one_spelling() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let bytes = decode(&owner.refresh);
    let text = &owner.refresh[PREFIX.len()..];
    let hex = bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let spellings = [
        text.to_owned(),
        format!("RELATCH_RT_{text}"),
        format!("{PREFIX}{PREFIX}{text}"),
        format!("{PREFIX}{hex}"),
        format!("{PREFIX}{}", text.to_ascii_uppercase()),
        format!("{PREFIX} {text}"),
        format!("\"{}\"", owner.refresh),
        format!(" {}", owner.refresh),
        owner.refresh.replace('_', "%5F"),
    ];
    for spelling in spellings
        .iter()
        .filter(|spelling| **spelling != owner.refresh)
    {
        refuses(&server, spelling);
        let reply = in_body(&server, spelling);
        reply.is(401, "invalid_token");
    }
    // The other alphabet of base64 differs only where the token has a letter of its own.
    let standard = owner
        .refresh
        .replacen(PREFIX, "", 1)
        .replace('-', "+")
        .replace('_', "/");
    if standard != text {
        refuses(&server, &format!("{PREFIX}{standard}"));
    }
    unharmed(&server, &owner);
}

fn in_body(server: &Server, token: &str) -> Reply {
    post("/auth/refresh")
        .json(&json!({ "refresh_token": token }))
        .send(server.address)
}

#[test]
fn an_access_token_is_no_refresh_token_and_the_other_way_round() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    refuses(&server, &owner.access);
    in_body(&server, &owner.access).is(401, "invalid_token");
    server.log_out(&owner.access).is(401, "invalid_token");
    for request in protected() {
        request
            .bearer(&owner.refresh)
            .send(server.address)
            .is(401, "invalid_token");
    }
    unharmed(&server, &owner);
}

/// One request to each route that wants an access token, all else being right.
fn protected() -> Vec<Request> {
    let change = json!({ "old_password": PASSWORD, "new_password": "taken over by a thief" });
    vec![
        get("/auth/me"),
        get("/auth/sessions"),
        delete("/auth/sessions"),
        delete("/auth/sessions?keep=none"),
        delete("/auth/sessions/00000000-0000-4000-8000-000000000000"),
        post("/auth/password/change").json(&change),
        post("/auth/reauthenticate").json(&json!({ "password": PASSWORD })),
    ]
}

/// The claims of a good token, to be changed.
struct Claims {
    issuer: String,
    audience: String,
    subject: Uuid,
    session: Uuid,
    issued: i64,
    ends: i64,
}

impl Claims {
    fn of(access: &str) -> Self {
        let claims = part(access, 1);
        let text = |name: &str| claims[name].as_str().unwrap().to_owned();
        Self {
            issuer: text("iss"),
            audience: text("aud"),
            subject: text("sub").parse().unwrap(),
            session: text("sid").parse().unwrap(),
            issued: claims["iat"].as_i64().unwrap(),
            ends: claims["exp"].as_i64().unwrap(),
        }
    }

    fn sign(&self, key: &SigningKey) -> String {
        let claims = AccessClaims {
            iss: &self.issuer,
            sub: self.subject,
            aud: &self.audience,
            client_id: "relatch",
            exp: self.ends,
            iat: self.issued,
            jti: "forged",
            sid: self.session,
            generation: 0,
            auth_time: self.issued,
            amr: &["pwd"],
        };
        key.mint(&claims).expose().to_owned()
    }
}

fn part(access: &str, place: usize) -> Value {
    let text = access.split('.').nth(place).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

#[test]
fn an_access_token_that_is_wrong_in_one_way_opens_no_route() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let key = server.folder.open_keys().signing;
    let good = || Claims::of(&owner.access);
    assert_eq!(good().issuer, ISSUER);
    assert_eq!(
        server.me(&good().sign(&key)).status,
        200,
        "the forger's tool works"
    );
    let foreign = SigningKey::from_seed(key.kid(), &[7; 32]).unwrap();
    let unknown = SigningKey::from_seed("another", &[7; 32]).unwrap();
    let wrong = [
        ("another key under our kid", good().sign(&foreign)),
        ("an unknown key", good().sign(&unknown)),
        (
            "another issuer",
            Claims {
                issuer: "http://evil.test".to_owned(),
                ..good()
            }
            .sign(&key),
        ),
        (
            "another audience",
            Claims {
                audience: "http://evil.test".to_owned(),
                ..good()
            }
            .sign(&key),
        ),
        (
            "expired",
            Claims {
                ends: good().issued - 1,
                issued: good().issued - 900,
                ..good()
            }
            .sign(&key),
        ),
        (
            "of the future",
            Claims {
                issued: good().issued + 500,
                ..good()
            }
            .sign(&key),
        ),
    ];
    for (what, token) in wrong {
        for request in protected() {
            let reply = request.bearer(&token).send(server.address);
            assert_eq!(reply.outcome(), (401, "invalid_token".to_owned()), "{what}");
        }
    }
    unharmed(&server, &owner);
}

#[test]
fn a_good_signature_opens_nobody_elses_session_and_none_that_never_was() {
    let server = Server::start(&[]);
    let (ada, bob) = (server.register("ada"), server.register("bob"));
    let key = server.folder.open_keys().signing;
    let mixed = Claims {
        session: Claims::of(&bob.access).session,
        ..Claims::of(&ada.access)
    };
    let nowhere = Claims {
        session: Uuid::from_bytes([9; 16]),
        ..Claims::of(&ada.access)
    };
    for claims in [mixed, nowhere] {
        for request in protected() {
            let reply = request.bearer(&claims.sign(&key)).send(server.address);
            reply.is(401, "session_unknown");
        }
    }
    unharmed(&server, &ada);
    unharmed(&server, &bob);
}

#[test]
fn no_algorithm_but_ours_opens_a_route() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let (header, rest) = owner.access.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let kid = part(&owner.access, 0)["kid"].clone();
    let mut wrong = vec![
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}..{signature}"),
        format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
    ];
    for algorithm in [
        "none", "None", "NONE", "HS256", "ES256", "RS256", "eddsa", "",
    ] {
        let header = json!({ "alg": algorithm, "typ": "at+jwt", "kid": kid }).to_string();
        let header = URL_SAFE_NO_PAD.encode(header);
        wrong.push(format!("{header}.{payload}."));
        wrong.push(format!("{header}.{payload}.{signature}"));
    }
    for token in wrong {
        server.me(&token).is(401, "invalid_token");
    }
    for place in 0..owner.access.len() {
        let mut bytes = owner.access.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let token = String::from_utf8(bytes).unwrap();
        assert_eq!(server.me(&token).status, 401, "letter {place}");
    }
}

#[test]
fn an_expired_access_token_opens_no_route() {
    let server = Server::start(&[("session.access_lifetime", "1s")]);
    let owner = server.register("ada");
    crate::support::pause(1_050);
    for request in protected() {
        request
            .bearer(&owner.access)
            .send(server.address)
            .is(401, "invalid_token");
    }
    unharmed(&server, &owner);
}

#[test]
fn a_token_in_the_query_string_is_never_read() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let tokens = format!(
        "access_token={}&refresh_token={}",
        owner.access, owner.refresh
    );
    get(&format!("/auth/me?{tokens}"))
        .send(server.address)
        .is(401, "invalid_token");
    let reply = post(&format!("/auth/refresh?{tokens}")).send(server.address);
    assert_eq!(reply.faults(), ["refresh_token: missing"]);
    let reply = post(&format!("/auth/logout?{tokens}")).send(server.address);
    assert_eq!(reply.faults(), ["refresh_token: missing"]);
    unharmed(&server, &owner);
    assert!(
        !server.folder.said().contains(&owner.refresh),
        "and never logged"
    );
}

#[test]
fn a_token_in_a_cookie_is_never_read() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let cookies = format!(
        "__Host-relatch_refresh={0}; relatch_refresh_dev={0}",
        owner.refresh
    );
    let reply = post("/auth/refresh")
        .header("Cookie", &cookies)
        .send(server.address);
    assert_eq!(reply.faults(), ["refresh_token: missing"]);
}

#[test]
fn two_different_tokens_in_one_request_turn_neither() {
    let server = Server::start(&[]);
    let (ada, bob) = (server.register("ada"), server.register("bob"));
    for path in ["/auth/refresh", "/auth/logout"] {
        let body = json!({ "refresh_token": bob.refresh });
        let reply = post(path)
            .bearer(&ada.refresh)
            .json(&body)
            .send(server.address);
        assert_eq!(reply.faults(), ["refresh_token: conflicting"]);
        let form = format!("refresh_token={}", bob.refresh);
        let kind = "application/x-www-form-urlencoded";
        let reply = post(path)
            .bearer(&ada.refresh)
            .body(kind, form)
            .send(server.address);
        assert_eq!(reply.faults(), ["refresh_token: conflicting"]);
        let twice = format!(
            "refresh_token={}&refresh_token={}",
            ada.refresh, bob.refresh
        );
        let reply = post(path).body(kind, twice).send(server.address);
        assert_eq!(reply.faults(), ["refresh_token: duplicate"]);
    }
    unharmed(&server, &ada);
    unharmed(&server, &bob);
    let body = json!({ "refresh_token": ada.refresh });
    let same = post("/auth/refresh")
        .bearer(&ada.refresh)
        .json(&body)
        .send(server.address);
    assert_eq!(
        generation(&Tokens::of(&same).refresh),
        1,
        "the same twice is one"
    );
}

#[test]
fn two_authorization_headers_are_refused_even_if_they_agree() {
    let server = Server::start(&[]);
    let (ada, bob) = (server.register("ada"), server.register("bob"));
    for second in [&bob, &ada] {
        for path in ["/auth/refresh", "/auth/logout"] {
            let reply = post(path)
                .bearer(&ada.refresh)
                .bearer(&second.refresh)
                .send(server.address);
            assert_eq!(reply.faults(), ["Authorization: duplicate"]);
        }
        for request in protected() {
            let reply = request
                .bearer(&ada.access)
                .bearer(&second.access)
                .send(server.address);
            assert_eq!(reply.faults(), ["Authorization: duplicate"]);
        }
    }
    unharmed(&server, &ada);
    unharmed(&server, &bob);
}

#[test]
fn an_authorization_header_that_is_no_bearer_token_is_named() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let basic = format!(
        "Basic {}",
        URL_SAFE_NO_PAD.encode(format!("ada:{PASSWORD}"))
    );
    let bare = owner.access.clone();
    let both = format!("Bearer{}", owner.access);
    for value in [basic, bare, both, "Bearer".to_owned(), String::new()] {
        let reply = get("/auth/me")
            .header("Authorization", &value)
            .send(server.address);
        assert_eq!(reply.faults(), ["Authorization: malformed"], "{value}");
    }
    let wide = format!("Bearer  {}", owner.access);
    let reply = get("/auth/me")
        .header("Authorization", &wide)
        .send(server.address);
    reply.is(401, "invalid_token");
}
