//! Holds what is sent and answered against the OpenAPI document: every HTTP test is a test of the document, too.

mod schema;

use std::sync::LazyLock;

use axum::{
    body::Bytes,
    http::{HeaderMap, Method, Uri, request, response},
};
use serde_json::Value;

pub(crate) use schema::faults;

/// The document as the server has it.
pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(relatch::http::openapi::document);

/// The headers that the document must tell of wherever they are.
const TOLD: [&str; 9] = [
    "dpop-nonce",
    "x-request-id",
    "cache-control",
    "www-authenticate",
    "retry-after",
    "allow",
    "etag",
    "location",
    "set-cookie",
];

/// An answer that was seen: of which operation, with which status and code.
pub(crate) type Seen = (String, u16, String);

/// A request.
pub(crate) struct Sent {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Option<Bytes>,
}

impl Sent {
    pub(crate) fn new(request: &request::Builder, body: Option<Bytes>) -> Self {
        Self {
            method: request.method_ref().unwrap().clone(),
            uri: request.uri_ref().unwrap().clone(),
            headers: request.headers_ref().unwrap().clone(),
            body,
        }
    }
}

/// Fails unless the document says that `sent` may be answered so.
pub(crate) fn check(sent: &Sent, parts: &response::Parts, body: &Bytes) -> Seen {
    let status = parts.status.as_u16();
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = json["code"].as_str().unwrap_or_default().to_owned();
    let place = format!("{} {} → {status} {code}", sent.method, sent.uri.path());
    let asks = sent.headers.contains_key("access-control-request-method");
    if sent.method == Method::OPTIONS && asks && status == 204 {
        assert!(body.is_empty(), "{place}: a preflight has a body");
        return (String::new(), status, code);
    }
    let Some(path) = path_of(sent.uri.path()) else {
        assert_eq!((status, &*code), (404, "not_found"), "{place}");
        return (String::new(), status, code);
    };
    let method = match sent.method.as_str() {
        "HEAD" => "get".to_owned(),
        method => method.to_ascii_lowercase(),
    };
    let item = &DOCUMENT["paths"][path];
    let method = if item["get"]["x-any-method"] == true {
        "get".to_owned()
    } else {
        method
    };
    let operation = &item[&method];
    if operation.is_null() {
        assert_eq!((status, &*code), (405, "method_not_allowed"), "{place}");
        return (String::new(), status, code);
    }
    let response = resolve(&operation["responses"][status.to_string()]);
    assert!(response.is_object(), "{place}: the status is not told of");
    check_headers(response, &parts.headers, &place);
    if response["content"].is_null() {
        assert!(body.is_empty(), "{place}: there is a body");
    } else if sent.method != Method::HEAD {
        check_content(response, &parts.headers, &json, &place);
    }
    if parts.status.is_success() {
        check_request(operation, sent, &place);
    }
    (format!("{method} {path}"), status, code)
}

/// What a reference leads to.
pub(crate) fn resolve(value: &'static Value) -> &'static Value {
    value["$ref"].as_str().map_or(value, |reference| {
        let place = reference.strip_prefix('#').unwrap();
        DOCUMENT
            .pointer(place)
            .unwrap_or_else(|| panic!("{reference} is not there"))
    })
}

fn path_of(path: &str) -> Option<&'static str> {
    let path = path.trim_end_matches('/');
    let fits = |template: &str| {
        template.split('/').count() == path.split('/').count()
            && template
                .split('/')
                .zip(path.split('/'))
                .all(|(part, sent)| part == sent || (part.starts_with('{') && !sent.is_empty()))
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths.keys().map(String::as_str).find(|path| fits(path))
}

fn check_headers(response: &'static Value, found: &HeaderMap, place: &str) {
    let told = response["headers"].as_object().unwrap();
    for (name, header) in told {
        let header = resolve(header);
        match found.get(name) {
            Some(value) => {
                let text = value.to_str().unwrap();
                let value = if header["schema"]["type"] == "integer" {
                    text.parse::<i64>().unwrap().into()
                } else {
                    Value::from(text)
                };
                let faults = faults(&header["schema"], &value, name);
                assert!(faults.is_empty(), "{place}: {faults:?}");
            }
            None => assert_ne!(header["required"], true, "{place}: {name} is missing"),
        }
    }
    for name in TOLD.iter().filter(|name| found.contains_key(**name)) {
        let is_told = told.keys().any(|told| told.eq_ignore_ascii_case(name));
        assert!(is_told, "{place}: {name} is not told of");
    }
}

fn check_content(response: &'static Value, headers: &HeaderMap, json: &Value, place: &str) {
    let kind = media_type(headers);
    if response["content"].is_null() {
        assert_eq!((kind.as_str(), json), ("", &Value::Null), "{place}: a body");
        return;
    }
    let content = &response["content"][&kind];
    assert!(content.is_object(), "{place}: {kind} is not told of");
    if kind.ends_with("json") {
        let faults = faults(&content["schema"], json, "body");
        assert!(faults.is_empty(), "{place}: {faults:?}\n{json:#}");
    }
}

/// What was taken must be something that the document lets in.
fn check_request(operation: &'static Value, sent: &Sent, place: &str) {
    let Some(body) = sent.body.as_ref().filter(|body| !body.is_empty()) else {
        assert_ne!(operation["requestBody"]["required"], true, "{place}");
        return;
    };
    let kind = media_type(&sent.headers);
    let content = &operation["requestBody"]["content"][&kind];
    assert!(content.is_object(), "{place}: a body of {kind} was taken");
    if kind == "application/json" {
        let json = serde_json::from_slice(body).unwrap();
        let faults = faults(&content["schema"], &json, "request");
        assert!(faults.is_empty(), "{place} was taken: {faults:?}");
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let kind = headers
        .get("content-type")
        .map_or("", |kind| kind.to_str().unwrap());
    kind.split(';').next().unwrap().trim().to_ascii_lowercase()
}
