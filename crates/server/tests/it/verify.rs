//! GET /verify: what a proxy learns of a request before it lets it through.

use axum::http::Method;
use insta::assert_snapshot;

use crate::server::{Answer, Server};

const IDENTITY: [&str; 5] = [
    "x-auth-user",
    "x-auth-username",
    "x-auth-roles",
    "x-auth-permissions",
    "x-auth-session",
];

#[tokio::test]
async fn a_good_token_passes_with_its_identity() {
    let server = Server::start().await;
    server.ada().await;
    server
        .give_ada("reader", &["notes:read", "tags:*"], false)
        .await;
    let ada = server.ada_on("Phone").await;
    let path = "/verify?permission=notes:read&permission=tags:delete";
    assert_snapshot!(server.get_as(&ada.access, path).await, @"
    200 OK
    cache-control: no-store
    x-auth-user: [id 2]
    x-auth-username: ada
    x-auth-roles: reader
    x-auth-permissions: notes:read tags:*
    x-auth-session: [id 3]
    ");
}

/// Of a user without roles as well, so that a proxy which takes them over leaves none of the client's.
#[tokio::test]
async fn every_identity_header_is_always_set_and_none_is_the_clients() {
    let server = Server::start().await;
    let ada = server.ada().await;
    let bearer = format!("Bearer {}", ada.access);
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend(IDENTITY.map(|name| (name, "admin")));
    let answer = server.send(Method::GET, "/verify", &headers, "").await;
    assert_eq!(answer.status, 200);
    for name in IDENTITY {
        let values: Vec<_> = answer.headers.get_all(name).iter().collect();
        assert_eq!(values.len(), 1, "{name}");
        assert_ne!(values[0], "admin", "{name}");
    }
    assert_eq!(answer.headers["x-auth-roles"], "");
    assert_eq!(answer.headers["x-auth-username"], "ada");
}

#[tokio::test]
async fn a_token_that_lacks_a_permission_is_told_which_are_wanted() {
    let server = Server::start().await;
    server.ada().await;
    server.give_ada("reader", &["notes:read"], false).await;
    let ada = server.ada_on("Phone").await;
    let path = "/verify?permission=notes:read&permission=notes:delete";
    assert_snapshot!(server.get_as(&ada.access, path).await, @r#"
    403 Forbidden
    content-type: application/problem+json
    cache-control: no-store
    www-authenticate: Bearer error="insufficient_scope", scope="notes:read notes:delete"

    {
      "code": "insufficient_scope",
      "request_id": "[request id]",
      "status": 403,
      "title": "The token is good and does not permit this.",
      "type": "urn:relatch:error:insufficient_scope"
    }
    "#);
}

#[tokio::test]
async fn nobody_passes_without_a_good_token() {
    let server = Server::start().await;
    let ada = server.ada().await;
    let ask = async |value: Option<&str>| {
        let headers: Vec<_> = value
            .iter()
            .map(|value| ("authorization", *value))
            .collect();
        let answer: Answer = server.send(Method::GET, "/verify", &headers, "").await;
        let challenge = answer.headers["www-authenticate"]
            .to_str()
            .unwrap()
            .to_owned();
        (answer.status, challenge)
    };
    let invalid = "Bearer error=\"invalid_token\"".to_owned();
    assert_eq!(ask(None).await, (401, "Bearer".to_owned()));
    // A proxy takes everything but 401 and 403 for a fault of the server.
    for malformed in ["", "Bearer", "Basic YTpi", "x"] {
        assert_eq!(
            ask(Some(malformed)).await,
            (401, "Bearer".to_owned()),
            "{malformed}"
        );
    }
    for bad in [
        "Bearer x",
        &format!("Bearer {}", ada.refresh),
        "Bearer a.b.c",
    ] {
        assert_eq!(ask(Some(bad)).await, (401, invalid.clone()), "{bad}");
    }
    server.post_as(&ada.refresh, "/auth/logout", "").await;
    let ended = server.get_as(&ada.access, "/verify").await;
    assert_eq!((ended.status, ended.code()), (401, "session_ended"));
    assert_eq!(ended.headers["www-authenticate"], invalid.as_str());
}

#[tokio::test]
async fn a_role_that_was_taken_at_once_does_not_pass_any_more() {
    let server = Server::start().await;
    let ada = server.ada().await;
    server.give_ada("admin", &["notes:delete"], false).await;
    let ada = server.refresh(&ada.refresh).await.tokens();
    let path = "/verify?permission=notes:delete";
    assert_eq!(server.get_as(&ada.access, path).await.status, 200);
    server.give_ada("reader", &["notes:read"], true).await;
    let revoked = server.get_as(&ada.access, path).await;
    assert_eq!((revoked.status, revoked.code()), (401, "invalid_token"));
    let ada = server.refresh(&ada.refresh).await.tokens();
    let lacking = server.get_as(&ada.access, path).await;
    assert_eq!(
        (lacking.status, lacking.code()),
        (403, "insufficient_scope")
    );
    assert_eq!(
        server
            .get_as(&ada.access, "/verify?permission=notes:read")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_parameter_that_is_not_known_is_the_operators_mistake() {
    let server = Server::start().await;
    let ada = server.ada().await;
    let faults = async |query: &str| {
        server
            .get_as(&ada.access, &format!("/verify?{query}"))
            .await
            .faults()
    };
    assert_eq!(
        faults("permission=notes").await,
        ["permission: invalid_format"]
    );
    assert_eq!(
        faults("permissions=notes:read&a=1").await,
        ["permissions: unknown", "a: unknown"]
    );
    assert!(faults("uri=/notes?permission=x").await.is_empty());
}

#[tokio::test]
async fn every_method_is_answered_alike() {
    let server = Server::start().await;
    let ada = server.ada().await;
    let bearer = format!("Bearer {}", ada.access);
    let headers = [("authorization", bearer.as_str())];
    for method in [
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ] {
        assert_eq!(
            server
                .send(method.clone(), "/verify", &headers, "")
                .await
                .status,
            200,
            "{method}"
        );
        let refused = server
            .send(method, "/verify?permission=notes:read", &headers, "")
            .await;
        assert_eq!(refused.status, 403);
    }
}
