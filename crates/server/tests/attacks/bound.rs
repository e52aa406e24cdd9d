//! Sessions that are bound to a key (RFC 9449), and thieves who have everything but the key.

use relatch::clock::{Clock as _, SystemClock};
use relatch_verify::dpop::{Nonces, ProofError};
use serde_json::{Value, json};
use wrong_tokens::{Prover, Target, proof_cases, with};

use crate::support::{
    Connection, Folder, Reply, Request, Server, Tokens,
    account::{PASSWORD, registration},
    at_once, delete, get, pause, post, protected,
    refresh_token::generation,
};

const ISSUER: &str = "http://relatch.test";

/// How far the clock of a proof is off in the list of wrong ones: more than the tests take.
const MARGIN: i64 = 120;

/// Somebody with a key.
struct Holder(Prover);

fn now() -> i64 {
    SystemClock.now().as_seconds()
}

impl Holder {
    fn new() -> Self {
        Self(Prover::p256())
    }

    fn proof(&self, method: &str, path: &str, token: Option<&str>) -> String {
        self.0
            .prove(target(method, &format!("{ISSUER}{path}"), token))
    }

    fn register(&self, server: &Server) -> Tokens {
        let request = post("/auth/register").json(&registration("ada"));
        let proof = self.proof("POST", "/auth/register", None);
        let reply = request.header("DPoP", &proof).send(server.address);
        assert_eq!(reply.string("token_type"), "DPoP");
        Tokens::of(&reply)
    }

    fn refresh(&self, server: &Server, token: &str) -> Reply {
        let proof = self.proof("POST", "/auth/refresh", None);
        refresh_with(server, token, &proof)
    }

    fn log_out(&self, server: &Server, token: &str) -> Reply {
        let proof = self.proof("POST", "/auth/logout", None);
        post("/auth/logout")
            .bearer(token)
            .header("DPoP", &proof)
            .send(server.address)
    }

    fn me(&self, server: &Server, access: &str) -> Reply {
        me_with(server, access, &self.proof("GET", "/auth/me", Some(access)))
    }

    /// The owner's session goes on where it was, and so does his access token.
    #[track_caller]
    fn is_unharmed(&self, server: &Server, tokens: &Tokens) {
        assert_eq!(self.me(server, &tokens.access).status, 200);
        let next = Tokens::of(&self.refresh(server, &tokens.refresh));
        assert_eq!(generation(&next.refresh), generation(&tokens.refresh) + 1);
    }
}

fn target<'t>(method: &'t str, url: &'t str, token: Option<&'t str>) -> Target<'t> {
    Target {
        method,
        url,
        token,
        now: now(),
    }
}

fn refresh_with(server: &Server, token: &str, proof: &str) -> Reply {
    let request = post("/auth/refresh").bearer(token).header("DPoP", proof);
    request.send(server.address)
}

fn dpop(request: Request, access: &str) -> Request {
    request.header("Authorization", &format!("DPoP {access}"))
}

fn me_with(server: &Server, access: &str, proof: &str) -> Reply {
    dpop(get("/auth/me"), access)
        .header("DPoP", proof)
        .send(server.address)
}

#[test]
fn a_stolen_refresh_token_is_of_no_use_and_its_owner_notices_nothing() {
    let server = Server::start(&[("session.retry_window", "0s")]);
    let (owner, thief) = (Holder::new(), Holder::new());
    let tokens = owner.register(&server);
    let body = json!({ "refresh_token": tokens.refresh });
    for request in [
        post("/auth/refresh").bearer(&tokens.refresh),
        post("/auth/refresh").json(&body),
        post("/auth/refresh").body(
            "application/x-www-form-urlencoded",
            format!("refresh_token={}", tokens.refresh),
        ),
    ] {
        let reply = request.send(server.address);
        reply.is(401, "proof_required");
        assert_eq!(
            reply.header("www-authenticate"),
            Some("DPoP algs=\"ES256 EdDSA\"")
        );
        let proof = thief.proof("POST", "/auth/refresh", None);
        let reply = request.header("DPoP", &proof).send(server.address);
        reply.is(400, "invalid_dpop_proof");
    }
    owner.is_unharmed(&server, &tokens);
}

#[test]
fn a_thief_logs_nobody_out_whose_session_is_bound() {
    let server = Server::start(&[]);
    let (owner, thief) = (Holder::new(), Holder::new());
    let tokens = owner.register(&server);
    server.log_out(&tokens.refresh).is(401, "proof_required");
    thief
        .log_out(&server, &tokens.refresh)
        .is(400, "invalid_dpop_proof");
    owner.is_unharmed(&server, &tokens);
    assert_eq!(owner.log_out(&server, &tokens.refresh).status, 200);
    owner.refresh(&server, &tokens.refresh).is_over("logout");
}

#[test]
fn a_bound_access_token_is_no_bearer_token_on_any_route() {
    let server = Server::start(&[]);
    let owner = Holder::new();
    let tokens = owner.register(&server);
    for request in protected() {
        let reply = request.clone().bearer(&tokens.access).send(server.address);
        reply.is(401, "proof_required");
        assert_eq!(
            reply.header("www-authenticate"),
            Some("DPoP algs=\"ES256 EdDSA\"")
        );
        let proof = owner.proof("GET", "/auth/me", Some(&tokens.access));
        let reply = request.bearer(&tokens.access).header("DPoP", &proof);
        reply.send(server.address).is(401, "proof_required");
    }
    let proxy = get("/verify").bearer(&tokens.access).send(server.address);
    proxy.is(401, "invalid_token");
    owner.is_unharmed(&server, &tokens);
}

#[test]
fn a_bound_access_token_opens_no_route_without_a_proof_or_with_a_thiefs() {
    let server = Server::start(&[]);
    let (owner, thief) = (Holder::new(), Holder::new());
    let tokens = owner.register(&server);
    for request in protected() {
        let reply = dpop(request, &tokens.access).send(server.address);
        reply.is(401, "proof_required");
    }
    let reply = thief.me(&server, &tokens.access);
    reply.is(401, "invalid_dpop_proof");
    let challenge = reply.header("www-authenticate").unwrap();
    assert_eq!(
        challenge,
        "DPoP error=\"invalid_dpop_proof\", algs=\"ES256 EdDSA\""
    );
    let ending = dpop(delete("/auth/sessions?keep=none"), &tokens.access);
    let proof = thief.proof("DELETE", "/auth/sessions", Some(&tokens.access));
    ending
        .header("DPoP", &proof)
        .send(server.address)
        .is(401, "invalid_dpop_proof");
    owner.is_unharmed(&server, &tokens);
}

#[test]
fn a_token_that_is_not_bound_does_not_become_so_by_its_scheme() {
    let server = Server::start(&[]);
    let (owner, thief) = (server.register("ada"), Holder::new());
    let reply = thief.me(&server, &owner.access);
    reply.is(401, "invalid_token");
    assert!(
        reply
            .header("www-authenticate")
            .unwrap()
            .starts_with("DPoP error=\"invalid_token\"")
    );
    server.is_unharmed(&owner);
}

/// Else a thief of a bearer token could bind the session to his key and lock its owner out.
#[test]
fn a_session_that_began_without_a_key_never_gets_one() {
    let server = Server::start(&[]);
    let (owner, thief) = (server.register("ada"), Holder::new());
    let stolen = thief.refresh(&server, &owner.refresh);
    assert_eq!(stolen.string("token_type"), "Bearer");
    let stolen = Tokens::of(&stolen);
    assert_eq!(server.me(&stolen.access).status, 200);
    server.turn(&stolen);
}

/// The list that the verifier's own tests go through, for this very token and route.
#[test]
fn no_proof_that_is_wrong_in_one_way_opens_a_route() {
    let server = Server::start(&[]);
    let owner = Holder::new();
    let tokens = owner.register(&server);
    let url = format!("{ISSUER}/auth/me");
    let cases = proof_cases(&owner.0, target("GET", &url, Some(&tokens.access)), MARGIN);
    for case in &cases {
        let reply = me_with(&server, &tokens.access, &case.proof);
        let outcome = (reply.status, reply.string("code"));
        assert_eq!(
            outcome,
            (401, "invalid_dpop_proof".to_owned()),
            "{}",
            case.name
        );
        let detail = reply.string("detail").to_lowercase();
        let reason = case.reason.to_string().to_lowercase();
        assert!(detail.starts_with(&reason), "{}: {detail}", case.name);
    }
    assert!(cases.len() >= 80);
    owner.is_unharmed(&server, &tokens);
}

#[test]
fn no_proof_that_is_wrong_in_one_way_turns_or_ends_or_begins_a_session() {
    let server = Server::start(&[]);
    let owner = Holder::new();
    let tokens = owner.register(&server);
    for path in ["/auth/refresh", "/auth/logout", "/auth/register"] {
        let url = format!("{ISSUER}{path}");
        let target = target("POST", &url, Some("none"));
        for case in proof_cases(&owner.0, target, MARGIN) {
            let of_token = [ProofError::TokenMismatch, ProofError::ClaimMissing("ath")];
            // Where there is no access token, nothing is asked of it.
            if of_token.contains(&case.reason) {
                continue;
            }
            let request = match path {
                "/auth/register" => post(path).json(&registration("eve")),
                _ => post(path).bearer(&tokens.refresh),
            };
            let reply = request.header("DPoP", &case.proof).send(server.address);
            let outcome = (reply.status, reply.string("code"));
            assert_eq!(
                outcome,
                (400, "invalid_dpop_proof".to_owned()),
                "{path}: {}",
                case.name
            );
        }
    }
    owner.is_unharmed(&server, &tokens);
    assert_eq!(server.folder.rows()["user"], 1, "nobody was registered");
}

#[test]
fn a_proof_that_was_overheard_is_good_only_once() {
    let server = Server::start(&[]);
    let owner = Holder::new();
    let tokens = owner.register(&server);
    let proof = owner.proof("GET", "/auth/me", Some(&tokens.access));
    assert_eq!(me_with(&server, &tokens.access, &proof).status, 200);
    for _ in 0..2 {
        let reply = me_with(&server, &tokens.access, &proof);
        reply.is(401, "invalid_dpop_proof");
        assert_eq!(reply.string("detail"), "The proof has been used before.");
    }
    let proof = owner.proof("POST", "/auth/refresh", None);
    let next = Tokens::of(&refresh_with(&server, &tokens.refresh, &proof));
    refresh_with(&server, &tokens.refresh, &proof).is(400, "invalid_dpop_proof");
    owner.is_unharmed(&server, &next);
}

#[test]
fn of_many_at_once_with_one_proof_one_is_let_in() {
    let server = Server::start(&[]);
    let owner = Holder::new();
    let tokens = owner.register(&server);
    let proof = owner.proof("GET", "/auth/me", Some(&tokens.access));
    let replies = at_once(16, |_| me_with(&server, &tokens.access, &proof));
    let good = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(good, 1);
}

#[test]
fn a_proof_is_for_one_method_one_route_and_one_token() {
    let server = Server::start(&[]);
    let owner = Holder::new();
    let tokens = owner.register(&server);
    let other = Tokens::of(&owner.refresh(&server, &tokens.refresh));
    let (token, old) = (other.access.as_str(), tokens.access.as_str());
    for proof in [
        owner.proof("DELETE", "/auth/me", Some(token)),
        owner.proof("GET", "/auth/sessions", Some(token)),
        owner.proof("GET", "/auth/me", Some(old)),
        owner.proof("GET", "/auth/me", None),
    ] {
        me_with(&server, token, &proof).is(401, "invalid_dpop_proof");
    }
    owner.is_unharmed(&server, &other);
}

#[test]
fn two_proofs_are_none() {
    let server = Server::start(&[]);
    let (owner, thief) = (Holder::new(), Holder::new());
    let tokens = owner.register(&server);
    let prove = |holder: &Holder| holder.proof("GET", "/auth/me", Some(&tokens.access));
    let (first, second) = (prove(&owner), prove(&thief));
    for proofs in [[&first, &first], [&first, &second], [&second, &first]] {
        let request = dpop(get("/auth/me"), &tokens.access);
        let request = proofs
            .iter()
            .fold(request, |request, proof| request.header("DPoP", proof));
        request.send(server.address).is(401, "invalid_dpop_proof");
    }
    owner.is_unharmed(&server, &tokens);
}

/// A service that was called with token and proof passes both on, with its own name in `Host`.
#[test]
fn a_proof_for_another_service_does_not_open_this_one_whatever_host_says() {
    let server = Server::start(&[]);
    let owner = Holder::new();
    let tokens = owner.register(&server);
    let proof = owner.0.prove(target(
        "GET",
        "http://evil.example/auth/me",
        Some(&tokens.access),
    ));
    let text = format!(
        "GET /auth/me HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\nAuthorization: DPoP {}\r\nDPoP: {proof}\r\n\r\n",
        tokens.access
    );
    let mut connection = Connection::open(server.address);
    connection.send(text.as_bytes());
    connection.read().unwrap().is(401, "invalid_dpop_proof");
    owner.is_unharmed(&server, &tokens);
}

#[test]
fn a_proof_made_in_advance_is_of_no_use_where_nonces_are_demanded() {
    let server = Server::start(&[("dpop.nonce", "required")]);
    let (owner, elsewhere) = (Holder::new(), Server::start(&[("dpop.nonce", "required")]));
    let url = format!("{ISSUER}/auth/register");
    let register = |server: &Server, nonce: Option<&str>| {
        let claims = owner.0.claims(target("POST", &url, None));
        let claims = with(claims, "nonce", nonce.map_or(Value::Null, Into::into));
        let proof = owner.0.sign(owner.0.header(), claims);
        let request = post("/auth/register").json(&registration("ada"));
        request.header("DPoP", &proof).send(server.address)
    };
    let nonce_of = |server: &Server| {
        let reply = register(server, None);
        reply.is(400, "use_dpop_nonce");
        reply.header("dpop-nonce").unwrap().to_owned()
    };
    let old = {
        let key = server.folder.read_master_key().key_for("dpop/nonce");
        Nonces::new(&key).issue(now() - 600)
    };
    for wrong in ["", "nonce", &nonce_of(&elsewhere), &old] {
        register(&server, Some(wrong)).is(400, "use_dpop_nonce");
    }
    let nonce = nonce_of(&server);
    let reply = register(&server, Some(&nonce));
    assert_eq!(reply.status, 201);
    assert!(reply.header("dpop-nonce").is_some(), "the next one");
    let tokens = Tokens::of(&reply);
    let reply = owner.me(&server, &tokens.access);
    reply.is(401, "use_dpop_nonce");
    let challenge = reply.header("www-authenticate").unwrap();
    assert_eq!(
        challenge,
        "DPoP error=\"use_dpop_nonce\", algs=\"ES256 EdDSA\""
    );
    owner
        .refresh(&server, &tokens.refresh)
        .is(400, "use_dpop_nonce");
}

/// What comes late and what comes twice: none of it is reuse where the key says who it is.
#[test]
fn no_spent_token_ends_a_bound_session_however_late() {
    let server = Server::start(&[("session.retry_window", "0s")]);
    let owner = Holder::new();
    let first = owner.register(&server);
    let mut newest = first.clone();
    for _ in 0..5 {
        newest = Tokens::of(&owner.refresh(&server, &newest.refresh));
    }
    pause(50);
    let again = Tokens::of(&owner.refresh(&server, &first.refresh));
    assert_eq!(generation(&again.refresh), generation(&newest.refresh));
    owner.is_unharmed(&server, &newest);
}

#[test]
fn a_changed_password_keeps_the_key_and_ends_what_the_thief_has() {
    let server = Server::start(&[]);
    let (owner, thief) = (Holder::new(), Holder::new());
    let tokens = owner.register(&server);
    let change = json!({ "old_password": PASSWORD, "new_password": "another long password" });
    let request = dpop(post("/auth/password/change").json(&change), &tokens.access);
    let proof = thief.proof("POST", "/auth/password/change", Some(&tokens.access));
    request
        .clone()
        .header("DPoP", &proof)
        .send(server.address)
        .is(401, "invalid_dpop_proof");
    let proof = owner.proof("POST", "/auth/password/change", Some(&tokens.access));
    let fresh = request.header("DPoP", &proof).send(server.address);
    assert_eq!(fresh.string("token_type"), "DPoP");
    let fresh = Tokens::of(&fresh);
    server.refresh(&fresh.refresh).is(401, "proof_required");
    owner.is_unharmed(&server, &fresh);
    let body = json!({ "password": "another long password" });
    let request = dpop(post("/auth/reauthenticate").json(&body), &fresh.access);
    let proof = owner.proof("POST", "/auth/reauthenticate", Some(&fresh.access));
    let proved = request.header("DPoP", &proof).send(server.address);
    assert_eq!(proved.string("token_type"), "DPoP");
    let access = proved.string("access_token");
    server.me(&access).is(401, "proof_required");
    assert_eq!(owner.me(&server, &access).status, 200);
}

/// Who has no account fills nothing that others need.
#[test]
fn a_flood_of_strangers_proofs_shuts_out_no_holder() {
    let server = Server::start(&[("dpop.remembered_proofs", "8")]);
    let (owner, stranger) = (Holder::new(), Holder::new());
    let tokens = owner.register(&server);
    for _ in 0..20 {
        stranger
            .refresh(&server, &tokens.refresh)
            .is(400, "invalid_dpop_proof");
        let proof = stranger.proof("POST", "/auth/login", None);
        let login = json!({ "username": "ada", "password": "a wrong password" });
        let login = post("/auth/login").json(&login).header("DPoP", &proof);
        login.send(server.address).is(401, "invalid_credentials");
        stranger
            .me(&server, &tokens.access)
            .is(401, "invalid_dpop_proof");
        stranger.me(&server, "garbage").is(401, "invalid_token");
    }
    owner.is_unharmed(&server, &tokens);
}

/// When one cannot tell whether a proof comes again, it opens nothing; and a refresh, which is of no use without the key, goes on.
#[test]
fn a_full_memory_is_no_way_around_it() {
    let server = Server::start(&[("dpop.remembered_proofs", "2")]);
    let owner = Holder::new();
    let tokens = owner.register(&server);
    let first = owner.proof("GET", "/auth/me", Some(&tokens.access));
    assert_eq!(me_with(&server, &tokens.access, &first).status, 200);
    assert_eq!(owner.me(&server, &tokens.access).status, 200);
    let reply = owner.me(&server, &tokens.access);
    reply.is(503, "overloaded");
    assert_eq!(reply.header("retry-after"), Some("1"));
    me_with(&server, &tokens.access, &first).is(401, "invalid_dpop_proof");
    let mut newest = tokens;
    for _ in 0..4 {
        newest = Tokens::of(&owner.refresh(&server, &newest.refresh));
    }
}

#[test]
fn neither_proof_nor_nonce_is_in_the_log() {
    let server = Folder::new().start_logging("trace", &[("dpop.nonce", "required")]);
    let owner = Holder::new();
    let proof = owner.proof("POST", "/auth/register", None);
    let request = post("/auth/register").json(&registration("ada"));
    let reply = request.header("DPoP", &proof).send(server.address);
    let nonce = reply.header("dpop-nonce").unwrap().to_owned();
    let logged = server.stop().logged();
    assert!(logged.contains("use_dpop_nonce"), "{logged}");
    for part in proof.split('.').chain([nonce.as_str()]) {
        assert!(!logged.contains(part), "{part}");
    }
}
