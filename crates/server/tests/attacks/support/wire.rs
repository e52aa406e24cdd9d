//! Bytes sent as they are.

use super::{Connection, Reply, Server};

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
