//! GET /openapi.json, and whether it is true. `contract` holds every answer of every HTTP test against it; here is what
//! goes over all routes.

use std::{collections::BTreeSet, time::Duration};

use axum::http::Method;
use insta::assert_snapshot;
use relatch::http::problem::Code;
use serde_json::{Value, json};

use crate::{
    authorization::Target,
    contract::{DOCUMENT, faults, resolve},
    server::{Answer, Server},
};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Every operation: path, method, description.
fn operations() -> Vec<(&'static str, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let of_path = |(path, item): (&'static String, &'static Value)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    };
    paths.iter().flat_map(of_path).collect()
}

/// The codes that an operation may answer.
fn codes(operation: &'static Value) -> BTreeSet<&'static str> {
    let responses = operation["responses"].as_object().unwrap();
    let problem = |response| &resolve(response)["content"]["application/problem+json"];
    let examples = responses
        .values()
        .filter_map(|response| problem(response)["examples"].as_object());
    examples
        .flat_map(|examples| examples.keys().map(String::as_str))
        .collect()
}

fn some(path: &str) -> String {
    path.replace("{id}", "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")
        .replace("{name}", "editor")
        .replace("{file}", "app.js")
}

#[tokio::test]
async fn the_document_is_served_as_it_is_kept() {
    let server = Server::start().await;
    let answer = server.send(Method::GET, "/openapi.json", &[], "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "no-cache");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.text, relatch::http::openapi::text());
    assert_eq!(answer.json, *DOCUMENT);
    assert_eq!(DOCUMENT["openapi"], "3.1.0");
}

#[tokio::test]
async fn every_route_that_is_told_of_is_there_and_no_other_on_its_path() {
    let server = Server::start().await;
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        if item["get"]["x-any-method"] == true {
            continue;
        }
        let told: BTreeSet<_> = item
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let refused = METHODS.into_iter().find(|method| !told.contains(method));
        let method = refused.unwrap().to_uppercase().parse().unwrap();
        let answer = server.send(method, &some(path), &[], "").await;
        assert_eq!(answer.code(), "method_not_allowed", "{path}");
        let allowed = answer.headers["allow"].to_str().unwrap().to_lowercase();
        let allowed = allowed.split(',').filter(|method| *method != "head");
        assert_eq!(allowed.collect::<BTreeSet<_>>(), told, "{path}");
    }
    let listed = DOCUMENT["x-routes"].as_array().unwrap().iter();
    let listed: BTreeSet<_> = listed
        .map(|route| route.as_str().unwrap().to_owned())
        .collect();
    let told = operations().into_iter();
    let told = told.map(|(path, method, _)| format!("{} {path}", method.to_uppercase()));
    assert_eq!(listed, told.collect());
}

/// A good and a bad answer of every route, each of which `contract` compares with the document.
#[tokio::test]
async fn every_route_answers_as_the_document_says() {
    let server = Server::start().await;
    call_all(&server).await;
    administer_all(&server).await;
    for path in open_paths() {
        server.send(Method::GET, &path, &[], "").await;
    }
    server.send(Method::GET, "/docs/nothing.js", &[], "").await;
    let closed = Server::with(|config| config.server.docs_page = false).await;
    closed.send(Method::GET, "/docs", &[], "").await;
    call_as_resource_server(&server).await;
    server.relatch.close();
    server.send(Method::GET, "/health/ready", &[], "").await;
    let mut seen = server.seen.into_inner().unwrap();
    seen.extend(closed.seen.into_inner().unwrap());
    for (path, method, operation) in operations() {
        let name = format!("{method} {path}");
        let answers = seen.iter().filter(|seen| seen.0 == name);
        let (bad, good): (Vec<_>, Vec<_>) = answers.partition(|seen| seen.1 >= 400);
        assert!(!good.is_empty(), "{name}: no good answer was seen");
        // What answers from memory fails only by taking too long, or in a crowd.
        let fails = !codes(operation).is_subset(&BTreeSet::from(["unavailable", "overloaded"]));
        assert_eq!(!bad.is_empty(), fails, "{name}: {bad:?}");
    }
}

/// Every route that wants something, with what it wants and without.
async fn call_all(server: &Server) {
    let mine = server.ada().await;
    for path in [
        "/auth/register",
        "/auth/login",
        "/auth/refresh",
        "/auth/logout",
    ] {
        server.post(path, "{}").await;
    }
    let other = server.ada_on("Phone").await;
    let mine = server.refresh(&mine.refresh).await.tokens();
    for path in ["/auth/me", "/auth/sessions", "/auth/events"] {
        server.get_as(&mine.access, path).await;
        server.get_as("garbage", path).await;
    }
    let one = format!("/auth/sessions/{}", other.session);
    for path in [&one, "/auth/sessions"] {
        server.delete_as(&mine.access, path).await;
        server.delete_as("garbage", path).await;
    }
    let password = r#"{"password":"correct horse battery"}"#;
    let change =
        r#"{"old_password":"correct horse battery","new_password":"battery horse correct"}"#;
    for (path, body) in [
        ("/auth/reauthenticate", password),
        ("/auth/password/change", change),
    ] {
        server.post_as(&mine.access, path, "{}").await;
        server.post_as(&mine.access, path, body).await;
    }
    let body = r#"{"username":"ada","password":"battery horse correct"}"#;
    let tokens = server.post("/auth/login", body).await.tokens();
    server.post_as(&tokens.refresh, "/auth/logout", "").await;
}

/// Every route of administrators, as one and as nobody; and a code that one issues, used.
async fn administer_all(server: &Server) {
    let root = server.administrator().await;
    let path = "/admin/v1/users";
    let bob = json!({ "username": "bob", "email": "bob@example.com" });
    let made = server.send_as(Method::POST, &root.access, path, &bob).await;
    let code = made.json["password_reset"]["code"].as_str().unwrap();
    let reset = json!({ "username": "bob", "code": code, "new_password": "battery horse correct" });
    for _ in 0..2 {
        server
            .post("/auth/password/reset", &reset.to_string())
            .await;
    }
    let listed = DOCUMENT["x-routes"].as_array().unwrap().iter();
    for (number, route) in listed.enumerate() {
        let (method, path) = route.as_str().unwrap().split_once(' ').unwrap();
        if !path.starts_with("/admin/") {
            continue;
        }
        let operation = &DOCUMENT["paths"][path][method.to_lowercase()];
        let (path, body) = Target::make(server, number).await.request(path, operation);
        for token in ["garbage", &root.access] {
            let method = method.parse().unwrap();
            server.send_as(method, token, &path, &body).await;
        }
    }
}

async fn call_as_resource_server(server: &Server) {
    let credential = server.resource_server("billing").await;
    for token in [credential.as_str(), "garbage"] {
        server.get_as(token, "/revocations").await;
        server.get_as(token, "/revocations/snapshot").await;
        server.introspect(token, "garbage").await;
    }
    let body = r#"{"username":"ada","password":"battery horse correct"}"#;
    let tokens = server.post("/auth/login", body).await.tokens();
    server.get_as(&tokens.access, "/verify").await;
    server.get_as("garbage", "/verify").await;
}

/// The routes that want nothing.
fn open_paths() -> Vec<String> {
    let open = operations()
        .into_iter()
        .filter(|(_, method, operation)| *method == "get" && operation["security"] == json!([]));
    open.map(|(path, ..)| some(path)).collect()
}

#[tokio::test]
async fn rarer_errors_are_told_of_as_well() {
    let closed =
        Server::with(|config| config.registration.mode = relatch::config::Registration::Closed)
            .await;
    let code = |answer: Answer| answer.code().to_owned();
    assert_eq!(
        code(closed.post("/auth/register", "{}").await),
        "registration_closed"
    );
    let server = Server::start().await;
    let mine = server.ada().await;
    let body = r#"{"username":"ada","email":"ada@example.com","password":"correct horse battery"}"#;
    assert_eq!(
        code(server.post("/auth/register", body).await),
        "username_taken"
    );
    server.wait(Duration::from_mins(11));
    let mine = server.refresh(&mine.refresh).await.tokens();
    assert_eq!(
        code(server.delete_as(&mine.access, "/auth/sessions").await),
        "reauthentication_required"
    );
    server.post_as(&mine.refresh, "/auth/logout", "").await;
    for path in ["/auth/me", "/auth/sessions", "/auth/events"] {
        assert_eq!(
            code(server.get_as(&mine.access, path).await),
            "session_ended"
        );
    }
    server.relatch.close();
    for path in ["/auth/me", "/auth/sessions", "/auth/events"] {
        assert_eq!(code(server.get_as(&mine.access, path).await), "unavailable");
    }
    assert_eq!(code(server.refresh(&mine.refresh).await), "unavailable");
    assert_eq!(
        code(server.post_as(&mine.refresh, "/auth/logout", "").await),
        "unavailable"
    );
}

#[test]
fn every_error_of_the_catalogue_is_answered_by_a_route() {
    let told: BTreeSet<_> = operations()
        .into_iter()
        .flat_map(|operation| codes(operation.2))
        .collect();
    // Of a path and not of a route: what is listed for a path answers it for no method.
    let all = Code::ALL
        .iter()
        .map(|code| code.name())
        .filter(|name| *name != "method_not_allowed")
        // From the listener for plain HTTP, which has no routes.
        .filter(|name| *name != "https_required")
        // From before any route.
        .filter(|name| !["uri_too_long", "head_too_large"].contains(name));
    assert_eq!(told, all.collect());
    let listed = DOCUMENT["x-errors"].as_array().unwrap();
    assert_eq!(listed.len(), Code::ALL.len());
}

#[test]
fn every_example_fits_its_schema() {
    let mut seen = 0;
    for (path, method, operation) in operations() {
        let bodies = [&operation["requestBody"]].into_iter();
        let answers = operation["responses"]
            .as_object()
            .unwrap()
            .values()
            .map(resolve);
        for body in bodies.chain(answers) {
            for content in body["content"]
                .as_object()
                .into_iter()
                .flat_map(|content| content.values())
            {
                let many = content["examples"].as_object().into_iter().flatten();
                let many = many.map(|(_, example)| &resolve(example)["value"]);
                for example in content.get("example").into_iter().chain(many) {
                    let faults = faults(&content["schema"], example, "example");
                    assert!(faults.is_empty(), "{method} {path}: {faults:?}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 100, "{seen} examples");
}

/// What a route may answer that takes a proof of possession.
const OF_A_PROOF: [&str; 3] = ["invalid_dpop_proof", "proof_required", "use_dpop_nonce"];

/// A route and what it may answer beside that.
fn promise(route: &Value) -> String {
    let (method, path) = route.as_str().unwrap().split_once(' ').unwrap();
    let codes = codes(&DOCUMENT["paths"][path][method.to_lowercase()]);
    let codes: Vec<_> = codes
        .into_iter()
        .filter(|code| !OF_A_PROOF.contains(code))
        .collect();
    format!("{method} {path}: {}", codes.join(" "))
}

/// All of them on one page: whoever changes it changes what clients must be ready for.
#[test]
fn what_each_route_may_answer_is_a_promise() {
    let lines: Vec<_> = DOCUMENT["x-routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(promise)
        .collect();
    assert_snapshot!(lines.join("\n"), @"
    POST /auth/register: internal invalid_request origin_not_allowed overloaded payload_too_large proof_of_work_required rate_limited registration_closed request_timeout unavailable unsupported_media_type username_taken
    POST /auth/login: internal invalid_credentials invalid_request origin_not_allowed overloaded payload_too_large proof_of_work_required rate_limited request_timeout unavailable unsupported_media_type user_disabled
    POST /auth/refresh: internal invalid_request invalid_token no_session origin_not_allowed overloaded payload_too_large request_timeout session_ended session_unknown unavailable unsupported_media_type wrong_delivery
    POST /auth/logout: internal invalid_request invalid_token no_session origin_not_allowed overloaded payload_too_large request_timeout unavailable unsupported_media_type wrong_delivery
    GET /auth/me: internal invalid_request invalid_token overloaded session_ended session_unknown unavailable
    GET /auth/sessions: internal invalid_request invalid_token overloaded session_ended session_unknown unavailable
    DELETE /auth/sessions: internal invalid_request invalid_token overloaded reauthentication_required session_ended session_unknown unavailable
    DELETE /auth/sessions/{id}: internal invalid_request invalid_token not_found overloaded reauthentication_required session_ended session_unknown unavailable
    GET /auth/events: internal invalid_request invalid_token overloaded session_ended session_unknown unavailable
    POST /auth/reauthenticate: internal invalid_credentials invalid_request invalid_token overloaded payload_too_large rate_limited request_timeout session_ended session_unknown unavailable unsupported_media_type
    POST /auth/password/change: internal invalid_credentials invalid_request invalid_token origin_not_allowed overloaded payload_too_large rate_limited request_timeout session_ended session_unknown unavailable unsupported_media_type user_disabled
    POST /auth/password/reset: internal invalid_request invalid_reset_code overloaded payload_too_large rate_limited request_timeout unavailable unsupported_media_type user_disabled
    GET /.well-known/jwks.json: overloaded unavailable
    GET /revocations: internal invalid_client overloaded unavailable
    GET /revocations/snapshot: internal invalid_client overloaded unavailable
    POST /introspect: internal invalid_client invalid_request overloaded payload_too_large request_timeout unavailable unsupported_media_type
    GET /verify: insufficient_scope internal invalid_request invalid_token overloaded session_ended session_unknown unavailable
    GET /health/live: unavailable
    GET /health/ready: internal overloaded unavailable
    GET /openapi.json: overloaded unavailable
    GET /docs: not_found overloaded unavailable
    GET /docs/{file}: not_found overloaded unavailable
    GET /admin/v1/users: internal invalid_request invalid_token not_found overloaded permission_required session_ended session_unknown unavailable
    POST /admin/v1/users: internal invalid_request invalid_token not_found overloaded payload_too_large permission_required reauthentication_required request_timeout session_ended session_unknown unavailable unsupported_media_type username_taken
    GET /admin/v1/users/{id}: internal invalid_request invalid_token not_found overloaded permission_required session_ended session_unknown unavailable
    PATCH /admin/v1/users/{id}: beyond_own_rights changed_meanwhile internal invalid_request invalid_token last_administrator not_found overloaded payload_too_large permission_required reauthentication_required request_timeout session_ended session_unknown unavailable unsupported_media_type
    DELETE /admin/v1/users/{id}: beyond_own_rights changed_meanwhile internal invalid_request invalid_token last_administrator not_found overloaded permission_required reauthentication_required session_ended session_unknown unavailable
    POST /admin/v1/users/{id}/password-reset: beyond_own_rights internal invalid_request invalid_token not_found overloaded payload_too_large permission_required reauthentication_required request_timeout session_ended session_unknown unavailable unsupported_media_type
    GET /admin/v1/users/{id}/roles: internal invalid_request invalid_token not_found overloaded permission_required session_ended session_unknown unavailable
    PUT /admin/v1/users/{id}/roles: beyond_own_rights changed_meanwhile internal invalid_request invalid_token last_administrator not_found overloaded payload_too_large permission_required reauthentication_required request_timeout session_ended session_unknown unavailable unsupported_media_type
    GET /admin/v1/users/{id}/sessions: internal invalid_request invalid_token not_found overloaded permission_required session_ended session_unknown unavailable
    DELETE /admin/v1/users/{id}/sessions: beyond_own_rights internal invalid_request invalid_token not_found overloaded permission_required reauthentication_required session_ended session_unknown unavailable
    GET /admin/v1/roles: internal invalid_request invalid_token not_found overloaded permission_required session_ended session_unknown unavailable
    GET /admin/v1/roles/{name}: internal invalid_request invalid_token not_found overloaded permission_required session_ended session_unknown unavailable
    PUT /admin/v1/roles/{name}: beyond_own_rights changed_meanwhile internal invalid_request invalid_token last_administrator not_found overloaded payload_too_large permission_required reauthentication_required request_timeout session_ended session_unknown unavailable unsupported_media_type
    DELETE /admin/v1/roles/{name}: beyond_own_rights changed_meanwhile internal invalid_request invalid_token not_found overloaded permission_required reauthentication_required role_in_use session_ended session_unknown unavailable
    GET /admin/v1/sessions: internal invalid_request invalid_token not_found overloaded permission_required session_ended session_unknown unavailable
    GET /admin/v1/sessions/{id}: internal invalid_request invalid_token not_found overloaded permission_required session_ended session_unknown unavailable
    DELETE /admin/v1/sessions/{id}: beyond_own_rights internal invalid_request invalid_token not_found overloaded permission_required reauthentication_required session_ended session_unknown unavailable
    GET /admin/v1/keys: internal invalid_request invalid_token not_found overloaded permission_required session_ended session_unknown unavailable
    POST /admin/v1/keys/rotate: internal invalid_request invalid_token keys_busy not_found overloaded payload_too_large permission_required reauthentication_required request_timeout session_ended session_unknown unavailable unsupported_media_type
    POST /admin/v1/keys/{id}/compromise: internal invalid_request invalid_token keys_busy not_found overloaded payload_too_large permission_required reauthentication_required request_timeout session_ended session_unknown unavailable unsupported_media_type
    GET /admin/v1/resource-servers: internal invalid_request invalid_token not_found overloaded permission_required session_ended session_unknown unavailable
    POST /admin/v1/resource-servers: internal invalid_request invalid_token name_taken not_found overloaded payload_too_large permission_required reauthentication_required request_timeout session_ended session_unknown unavailable unsupported_media_type
    DELETE /admin/v1/resource-servers/{name}: internal invalid_request invalid_token not_found overloaded permission_required reauthentication_required session_ended session_unknown unavailable
    GET /admin/v1/audit: internal invalid_request invalid_token not_found overloaded permission_required session_ended session_unknown unavailable
    ");
}

/// Every route with an access token takes one that is bound to a key, but for the one that proxies ask: they cannot see the proof.
#[test]
fn routes_that_take_a_proof_tell_of_all_that_may_be_wrong_with_it() {
    let mut without = Vec::new();
    for (path, method, operation) in operations() {
        let takes = operation["parameters"]
            .as_array()
            .is_some_and(|parameters| parameters.iter().any(|one| resolve(one)["name"] == "DPoP"));
        let codes = codes(operation);
        let told = OF_A_PROOF
            .iter()
            .filter(|code| codes.contains(*code))
            .count();
        let of_token = operation["security"] != json!([]);
        assert_eq!(
            told,
            if takes { 2 + usize::from(of_token) } else { 0 },
            "{method} {path}"
        );
        let is_caller = operation["security"]
            .as_array()
            .is_some_and(|choices| choices.iter().any(|one| one["accessToken"].is_array()));
        if is_caller && !takes {
            without.push(path);
        }
    }
    assert_eq!(without, ["/verify"]);
}

#[test]
fn the_check_itself_finds_what_is_wrong() {
    let schema = &DOCUMENT["components"]["schemas"]["Tokens"];
    let good = &DOCUMENT["paths"]["/auth/refresh"]["post"]["responses"]["200"]["content"]["application/json"]
        ["example"];
    assert_eq!(faults(schema, good, ""), Vec::<String>::new());
    let changes = [
        ("expires_in", json!("900")),
        ("expires_in", json!(-1)),
        ("token_type", json!("bearer")),
        ("refresh_token", json!("relatch_rt_short")),
        ("session_id", json!("1")),
        ("more", json!(1)),
    ];
    for (name, value) in changes {
        let mut wrong = good.clone();
        wrong[name] = value;
        assert!(!faults(schema, &wrong, "").is_empty(), "{wrong}");
    }
    let mut wrong = good.clone();
    wrong.as_object_mut().unwrap().remove("session_id");
    assert_eq!(faults(schema, &wrong, "").len(), 1);
}
