//! Bytes sent as they are.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{Connection, Reply, Server};

/// A part of a JWS.
pub(crate) fn decode(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A server that soon closes a connection on which nothing more comes, so that every answer can be waited for.
pub(crate) fn impatient() -> Server {
    Server::start(&[
        ("server.header_timeout", "300ms"),
        ("server.request_timeout", "1s"),
    ])
}

/// Sends bytes and gathers every answer until the server closes.
pub(crate) fn raw(server: &Server, bytes: &[u8]) -> Vec<Reply> {
    let mut connection = Connection::open(server.address);
    connection.send(bytes);
    connection.read_all(10)
}

#[track_caller]
pub(crate) fn only_refusals(replies: &[Reply], what: &str) {
    assert!(
        replies.len() <= 1,
        "{what}: more than one answer: {replies:?}"
    );
    for reply in replies {
        assert!((400..500).contains(&reply.status), "{what}: {reply:?}");
    }
}
