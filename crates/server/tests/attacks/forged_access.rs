//! Access tokens that are not ours, or not good any more.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relatch_core::{
    key::Algorithm,
    token::{AccessClaims, SigningKey},
};
use relatch_verify::VerifyError;
use serde_json::{Value, json};
use uuid::Uuid;
use wrong_tokens::{Issuer, Key};

use crate::support::{Server, get, guarded, post, target::FORM};

const ISSUER: &str = "http://relatch.test";

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
            scope: "",
            roles: &[],
            permissions: &[],
            cnf: None,
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
    let foreign = SigningKey::open(key.kid(), Algorithm::EdDsa, &[7; 32]).unwrap();
    let unknown = SigningKey::open("another", Algorithm::EdDsa, &[7; 32]).unwrap();
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
        for request in guarded() {
            let reply = request.bearer(&token).send(server.address);
            assert_eq!(reply.outcome(), (401, "invalid_token".to_owned()), "{what}");
        }
    }
    server.is_unharmed(&owner);
}

/// The list that the verifier's own tests go through, signed with this server's key for this very user.
#[test]
fn no_token_that_is_wrong_in_one_way_opens_a_route() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let key = server.folder.open_keys().signing;
    let signing = Key::ed25519(key.kid(), &server.folder.signing_seed());
    let issuer = Issuer::new(signing, part(&owner.access, 1)).margin(600);
    assert_eq!(server.me(&issuer.good()).status, 200, "the tool works");
    let (mut refused, mut malformed) = (0, 0);
    for case in wrong_tokens::cases(&issuer) {
        if !case.is_bearer() {
            malformed += 1;
            continue;
        }
        let reply = server.me(&case.token);
        let outcome = (reply.status, reply.string("detail"));
        let reason = format!("The access token is refused: {}.", case.reason);
        assert_eq!(outcome, (401, reason), "{}", case.name);
        refused += 1;
    }
    assert!(refused >= 160 && malformed < 12, "{refused} {malformed}");
    server.is_unharmed(&owner);
}

/// The same list, shown to those who ask for others: proxies at `/verify`, services at `/introspect`.
#[test]
fn no_token_that_is_wrong_in_one_way_passes_a_proxy_or_is_called_active() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    let credential = server.folder.resource_server("notes");
    let key = server.folder.open_keys().signing;
    let signing = Key::ed25519(key.kid(), &server.folder.signing_seed());
    let issuer = Issuer::new(signing, part(&owner.access, 1)).margin(600);
    let ask = |token: &str| {
        let form: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token)
            .finish();
        let request = post("/introspect").bearer(&credential).body(FORM, form);
        request.send(server.address)
    };
    assert_eq!(ask(&issuer.good()).json()["active"], true, "the tool works");
    let mut bound = 0;
    for case in wrong_tokens::cases(&issuer) {
        let told = ask(&case.token);
        if case.reason == VerifyError::ProofRequired && told.json()["active"] == true {
            // Good for whoever checks the proof, who is told so.
            assert_eq!(told.json()["token_type"], "DPoP", "{}", case.name);
            bound += 1;
        } else if told.status == 200 {
            assert_eq!(told.json(), json!({ "active": false }), "{}", case.name);
        } else {
            // Too long for any form that is read.
            assert_eq!(told.status, 413, "{}", case.name);
        }
        if case.is_bearer() {
            let reply = get("/verify").bearer(&case.token).send(server.address);
            let outcome = (reply.status, reply.string("detail"));
            let reason = format!("The access token is refused: {}.", case.reason);
            assert_eq!(outcome, (401, reason), "{}", case.name);
            assert!(reply.header("x-auth-user").is_none(), "{}", case.name);
        }
    }
    assert_eq!(bound, 1);
    server.is_unharmed(&owner);
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
        for request in guarded() {
            let reply = request.bearer(&claims.sign(&key)).send(server.address);
            reply.is(401, "session_unknown");
        }
    }
    server.is_unharmed(&ada);
    server.is_unharmed(&bob);
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
    for request in guarded() {
        request
            .bearer(&owner.access)
            .send(server.address)
            .is(401, "invalid_token");
    }
    server.is_unharmed(&owner);
}
