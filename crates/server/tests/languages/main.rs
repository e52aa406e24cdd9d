//! The services of `examples/` in every language, each trusting the real server, and what their guides tell a reader to type,
//! typed against each. `cargo xtask test languages` builds and installs what they need.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod guide;
mod service;
#[expect(
    dead_code,
    unused_imports,
    clippy::expect_used,
    reason = "shared with the attacks, which need more of it"
)]
#[path = "../attacks/support/mod.rs"]
mod support;

use std::path::Path;

use guide::{example, type_guide, type_the_guide};
use service::{Service, free_port, server};

/// What JSON and base64 of other languages read although it is not as it should be, and what their libraries take whatever its
/// type. None of it can be had but from the issuer, or is a token that its bearer holds anyway in another spelling.
const READ_ANOTHER_WAY: [&str; 28] = [
    "a padded signature",
    "slack bits in the signature",
    "slack bits in the payload",
    "a byte order mark",
    "alg twice, once with an escape",
    "kid twice",
    "an unknown header member twice",
    "sub twice",
    "sub twice, once with an escape",
    "exp twice",
    "an unknown claim twice",
    "exp a float",
    "exp with an exponent",
    "exp past 64 bits",
    "exp of a thousand digits",
    "exp a string",
    "nbf a string",
    "aud with a number",
    "client_id a number",
    "jti a number",
    "sid a number",
    "gen negative",
    "gen past 32 bits",
    "auth_time a string",
    "amr a string",
    "scope a list",
    "roles a string",
    "permissions an object",
];

#[test]
fn notes() {
    let server = server();
    let relatch = Path::new(env!("CARGO_BIN_EXE_relatch"));
    let notes = relatch.with_file_name("notes");
    let (issuer, listen) = (
        format!("http://{}", server.address),
        format!("127.0.0.1:{}", free_port()),
    );
    let file = server.folder.data().join("notes.db");
    let arguments = [
        "--issuer",
        &issuer,
        "--file",
        file.to_str().unwrap(),
        "--listen",
        &listen,
    ];
    let folder = example("notes");
    let service = Service::start(&server, notes.to_str().unwrap(), &arguments, &folder);
    type_guide(&folder.join("README.md"), &server, &service.address);
    service.refuses_wrong_tokens(&server, &[]);
}

#[test]
fn express() {
    let server = server();
    let service = Service::start(&server, "node", &["server.js"], &example("express"));
    type_the_guide(&server, &service.address);
    service.refuses_wrong_tokens(&server, &READ_ANOTHER_WAY);
}

#[test]
fn fastapi() {
    let server = server();
    let port = free_port().to_string();
    let folder = example("fastapi");
    let uvicorn = folder.join(".venv/bin/uvicorn");
    let arguments = ["main:app", "--port", &port];
    let uvicorn = uvicorn.to_str().unwrap();
    let service = Service::start(&server, uvicorn, &arguments, &folder);
    type_the_guide(&server, &service.address);
    service.refuses_wrong_tokens(&server, &READ_ANOTHER_WAY);
}

#[test]
fn nginx() {
    let server = server();
    let behind = Service::start(&server, "python3", &["service.py"], &example("nginx"));
    let nginx = Service::start_nginx(&server, &behind);
    type_the_guide(&server, &nginx.address);
    // Too long for a header of nginx itself.
    nginx.refuses_wrong_tokens(&server, &["longer than 8 KiB", "8193 dots"]);
    nginx.believes_no_client(&server);
}
