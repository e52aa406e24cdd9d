//! Attacks through a proxy that asks `/verify` before it lets a request through.

use serde_json::json;

use crate::support::{Connection, Server, Tokens, get, post, request, target::FORM, wire::decode};

const IDENTITY: [&str; 5] = [
    "x-auth-user",
    "x-auth-username",
    "x-auth-roles",
    "x-auth-permissions",
    "x-auth-session",
];

/// An access token of the server's own key with other claims.
fn resigned(server: &Server, tokens: &Tokens, change: impl Fn(&mut serde_json::Value)) -> String {
    let mut claims = decode(tokens.access.split('.').nth(1).unwrap());
    change(&mut claims);
    let keys = server.folder.open_keys();
    keys.signing.state("at+jwt", claims.to_string().as_bytes())
}

#[test]
fn a_client_names_neither_itself_nor_its_rights() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    for name in IDENTITY {
        for spelling in [name.to_owned(), name.to_uppercase(), name.replace('-', "_")] {
            let reply = get("/verify")
                .bearer(&owner.access)
                .header(&spelling, "admin")
                .header(&spelling, "root")
                .send(server.address);
            assert_eq!(reply.status, 200);
            let values: Vec<_> = reply
                .headers
                .iter()
                .filter(|header| header.0 == name)
                .collect();
            assert_eq!(values.len(), 1, "{spelling}");
            assert!(!format!("{reply:?}").contains("admin"), "{spelling}");
        }
    }
}

#[test]
fn no_parameter_writes_a_header() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    for query in [
        "permission=notes:read%0d%0aX-Auth-User:%20admin",
        "permission=notes:read%0aX-Auth-User:%20admin",
        "permission=notes:read%00",
        "permission=notes%22read:x",
        "permission=notes:read,%20error=%22x%22",
        "%0d%0aX-Auth-User:admin=1",
    ] {
        let reply = get(&format!("/verify?{query}"))
            .bearer(&owner.access)
            .send(server.address);
        reply.is(400, "invalid_request");
        assert!(
            IDENTITY.iter().all(|name| reply.header(name).is_none()),
            "{query}"
        );
    }
    // Not even where the name is in a token of ours.
    let sub = resigned(&server, &owner, |claims| {
        claims["sub"] = json!("a\r\nX-Auth-User: admin");
    });
    let roles = resigned(&server, &owner, |claims| {
        claims["roles"] = json!(["a\r\nX-Auth-User: admin"]);
    });
    get("/verify")
        .bearer(&sub)
        .send(server.address)
        .is(401, "invalid_token");
    let reply = get("/verify").bearer(&roles).send(server.address);
    assert!(!format!("{reply:?}").contains("admin"));
    server.is_well();
}

#[test]
fn what_the_client_appends_to_the_address_makes_no_demand_smaller() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    for rest in [
        "",
        "&permission=",
        "&permission=a:b",
        "?permission=x&uri=/",
        "%26permission=x",
    ] {
        let path = format!("/verify?permission=notes:delete&uri=/notes/1{rest}");
        let reply = request("DELETE", &path)
            .bearer(&owner.access)
            .send(server.address);
        reply.is(403, "insufficient_scope");
        let challenge = reply.header("www-authenticate");
        assert_eq!(
            challenge,
            Some("Bearer error=\"insufficient_scope\", scope=\"notes:delete\"")
        );
    }
}

#[test]
fn a_token_that_is_bound_to_a_key_is_no_bearer_token() {
    let server = Server::start(&[]);
    let credential = server.folder.resource_server("notes");
    let owner = server.register("ada");
    let by_key = json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" });
    for (cnf, told) in [
        (by_key.clone(), json!([true, "DPoP", by_key])),
        (json!({ "x5t#S256": "x" }), json!([false, null, null])),
    ] {
        let bound = resigned(&server, &owner, |claims| claims["cnf"] = cnf.clone());
        let reply = get("/verify").bearer(&bound).send(server.address);
        reply.is(401, "invalid_token");
        assert!(IDENTITY.iter().all(|name| reply.header(name).is_none()));
        let form = format!("token={bound}");
        let answer = post("/introspect").bearer(&credential).body(FORM, form);
        let answer = answer.send(server.address).json();
        let [active, kind, by] = ["active", "token_type", "cnf"].map(|name| &answer[name]);
        assert_eq!(json!([active, kind, by]), told);
    }
    let reply = get("/verify").bearer(&owner.access).send(server.address);
    assert_eq!(reply.status, 200);
}

/// What is neither 401 nor 403, a proxy takes for a fault of the server, and some let it pass.
#[test]
fn whatever_is_sent_for_a_token_is_answered_by_401() {
    let server = Server::start(&[]);
    let owner = server.register("ada");
    for authorization in [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "bearer\tx",
        "Basic YTpi",
        "DPoP x",
        "Bearer relatch_rt_x",
        &owner.access,
        &format!("Bearer {} {}", owner.access, owner.access),
        &format!("Bearer {}", owner.refresh),
    ] {
        let reply = get("/verify")
            .header("Authorization", authorization)
            .send(server.address);
        assert_eq!(reply.status, 401, "{authorization}");
        assert!(
            reply
                .header("www-authenticate")
                .unwrap()
                .starts_with("Bearer")
        );
    }
    let twice = get("/verify").bearer(&owner.access).bearer(&owner.access);
    assert_eq!(twice.send(server.address).status, 401);
    let mut connection = Connection::open(server.address);
    let request = b"GET /verify HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\xfe\r\n\r\n";
    connection.send(request);
    assert_eq!(connection.read().unwrap().status, 401);
}
