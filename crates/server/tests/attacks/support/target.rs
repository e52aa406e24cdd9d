//! A server with one user in it, for requests that must leave nothing behind.

use serde_json::{Value, json};

use super::{Reply, Request, Server, Tokens, account::PASSWORD, post};

/// Put into every wrong value; no answer and no log may have it.
pub(crate) const MARKER: &str = "mArKeR-7f3a";

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// Every route with a body, and a body that it takes.
pub(crate) fn routes() -> [(&'static str, Value); 7] {
    let register = json!({ "username": "eve", "email": "eve@example.com", "password": PASSWORD });
    [
        ("/auth/register", register),
        (
            "/auth/login",
            json!({ "username": "ada", "password": PASSWORD }),
        ),
        ("/auth/refresh", json!({ "refresh_token": MARKER })),
        ("/auth/logout", json!({ "refresh_token": MARKER })),
        (
            "/auth/password/change",
            json!({ "old_password": PASSWORD, "new_password": MARKER }),
        ),
        ("/auth/reauthenticate", json!({ "password": PASSWORD })),
        (
            "/auth/password/reset",
            json!({ "username": "ada", "code": MARKER, "new_password": PASSWORD }),
        ),
    ]
}

/// A server with one user, and what was in its database then.
pub(crate) struct Target {
    pub(crate) server: Server,
    pub(crate) owner: Tokens,
    content: Vec<Vec<rusqlite::types::Value>>,
}

impl Target {
    pub(crate) fn new() -> Self {
        let server = Server::start(&[]);
        let owner = server.register("ada");
        let content = server.folder.content();
        Self {
            server,
            owner,
            content,
        }
    }

    /// A request to `path`, with the access token where one is wanted.
    pub(crate) fn request(&self, path: &str) -> Request {
        let wants_access = path.contains("password") || path.contains("reauth");
        let request = post(path);
        if wants_access {
            request.bearer(&self.owner.access)
        } else {
            request
        }
    }

    /// Sends a body as JSON that must be refused with exactly these faults.
    #[track_caller]
    pub(crate) fn refuses(&self, path: &str, body: impl AsRef<[u8]>, faults: &[&str]) {
        let reply = self
            .request(path)
            .body("application/json", body)
            .send(self.server.address);
        assert_eq!(reply.status, 400, "{path}: {}", reply.text());
        assert_eq!(reply.faults(), faults, "{path}");
        is_a_problem(&reply);
    }

    /// Nothing was written, nothing was told, and the owner goes on.
    pub(crate) fn unharmed(self) {
        assert_eq!(
            self.server.folder.content(),
            self.content,
            "something was written"
        );
        self.server.is_well();
        self.server.turn(&self.owner);
        let said = self.server.stop().said();
        assert!(!said.contains(MARKER), "a value is in the log");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// An error as RFC 9457 has it, with a request's id, without what was sent.
#[track_caller]
pub(crate) fn is_a_problem(reply: &Reply) {
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json"),
        "{reply:?}"
    );
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let json = reply.json();
    assert_eq!(json["status"], reply.status);
    assert_eq!(json["request_id"].as_str(), reply.header("x-request-id"));
    assert_eq!(
        json["type"],
        format!("urn:relatch:error:{}", reply.string("code"))
    );
    assert!(
        !format!("{reply:?}{}", reply.text()).contains(MARKER),
        "the value is in the answer"
    );
}
