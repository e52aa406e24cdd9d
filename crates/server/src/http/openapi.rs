//! The OpenAPI 3.1 document, built from the table of routes and the catalogue of errors. Each route is described in
//! `describe`, what goes in and out in `schema`; the tests hold every answer that they get against it.
//!
//! Written by hand and not derived: handlers read their fields one by one, to name every fault at once, so that there are no
//! types to derive from; what makes the document true is that it is tested, and not where it stands.

pub(super) mod describe;
mod error;
mod example;
mod operation;
mod schema;

use std::sync::LazyLock;

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::Response,
};
use relatch_verify::dpop::ProofVerifier;
use serde_json::{Map, Value, json};

pub(super) use operation::Operation;

use super::{problem::Code, router::routes};

const INTRODUCTION: &str = "\
Users register and log in; they get a short-lived access token (a JWT) and a refresh token that turns at every use.

**Everywhere.** Bodies are JSON, fields that are not listed are refused, and every fault is named at once. A trailing slash makes \
no difference. Every answer has the header `x-request-id`. Errors are `application/problem+json` (RFC 9457) with a stable `code`. \
A path that is not listed answers 404 `not_found`, a method that is not listed 405 `method_not_allowed` with `Allow`.

**Access tokens** go into `Authorization: Bearer`, or `DPoP` with a proof where the session is bound to a key. Any service checks them with the keys of `/.well-known/jwks.json`; demand \
`typ: at+jwt`, the issuer and your audience.

**Refresh tokens** go into `Authorization: Bearer`, or into the field `refresh_token` of a JSON or form body. Keep the one of the \
newest answer. Sent twice within the retry window, a spent one is answered with the very same successor; later, it ends the session.

**Pages.** Those of `browser.origins`, and no others, may read answers (CORS, with credentials). They may log in with \
`delivery` `cookie`: the refresh token is then in the cookie `__Host-relatch_refresh` and in no body, and refresh and logout are \
`POST` with the JSON `{}` and that cookie. Wherever the cookie is read or set, `Content-Type: application/json` and the `Origin` of a \
listed page are demanded; else 403 `origin_not_allowed`.";

/// The document.
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in routes() {
        let operation = (route.describe)().render();
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.to_owned(), operation);
        }
    }
    let order: Vec<_> = routes()
        .iter()
        .map(|route| format!("{} {}", route.method.to_uppercase(), route.path))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Relatch",
            // Of the API. That of the server tells who looks for known holes where to begin.
            "version": "1",
            "summary": "An authentication server for REST APIs.",
            "description": INTRODUCTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The server that this document comes from." }],
        "tags": describe::TAGS.map(|(name, description)| json!({ "name": name, "description": description })),
        "paths": paths,
        "components": {
            "schemas": schema::all(),
            "headers": error::headers(),
            "parameters": parameters(),
            "examples": error::examples(),
            "responses": error::shared(),
            "securitySchemes": security_schemes(),
        },
        "x-routes": order,
        "x-errors": Code::ALL.iter().map(|code| json!({
            "code": code.name(),
            "status": code.status().as_u16(),
            "title": code.title(),
            "meaning": code.meaning(),
            "remedy": code.remedy(),
        })).collect::<Vec<_>>(),
    })
}

/// The document as it is kept and served: indented, with a line's end at its end.
pub fn text() -> String {
    format!("{:#}\n", document())
}

/// `GET /openapi.json`
pub(super) async fn serve() -> Response {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(text()));
    let mut response = Response::new(Body::from(TEXT.clone()));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn parameters() -> Value {
    json!({
        "Proof": {
            "name": "DPoP",
            "in": "header",
            "required": false,
            "description": "A proof that whoever sends this holds a key (RFC 9449): a JWT of type `dpop+jwt`, signed with ES256 or EdDSA, made for this request alone. At register and login it binds the session to the key; with a token of such a session it is wanted, once.",
            "schema": { "type": "string", "maxLength": ProofVerifier::MAX_LENGTH },
        },
    })
}

fn security_schemes() -> Value {
    json!({
        "accessToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access_token` of the newest answer (RFC 9068).",
        },
        "boundAccessToken": {
            "type": "http",
            "scheme": "dpop",
            "bearerFormat": "JWT",
            "description": "The `access_token` of a session that is bound to a key (RFC 9449), with a proof in the header `DPoP` that has its hash as `ath`.",
        },
        "resourceServer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "relatch_rs_",
            "description": "The credential that `relatch resource-server add` printed. With `resource_servers.open_on_loopback`, none is wanted from the same machine.",
        },
        "resourceServerBasic": {
            "type": "http",
            "scheme": "basic",
            "description": "The same: the name of the resource server, and its credential as the password.",
        },
        "refreshToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "relatch_rt_",
            "description": "The `refresh_token` of the newest answer. It may come in the body instead, as the field `refresh_token` of JSON or of a form.",
        },
        "refreshCookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-relatch_refresh",
            "description": "The same, in cookie mode: browsers keep and send it, and no script sees it. In development, on plain loopback, it is `relatch_refresh_dev`.",
        },
    })
}
