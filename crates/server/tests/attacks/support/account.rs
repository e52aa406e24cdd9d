//! What an honest user does.

use serde_json::{Value, json};

use super::{Reply, Request, Server, delete, get, post, refresh_token::generation};

/// What every user here has at first.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The tokens of one session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) session: String,
}

impl Tokens {
    /// Out of an answer that must have them.
    #[track_caller]
    pub(crate) fn of(reply: &Reply) -> Self {
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
        let tokens = Self {
            access: reply.string("access_token"),
            refresh: reply.string("refresh_token"),
            session: reply.string("session_id"),
        };
        assert!(!tokens.access.is_empty() && !tokens.refresh.is_empty());
        tokens
    }
}

/// The body of a registration.
pub(crate) fn registration(name: &str) -> Value {
    json!({ "username": name, "email": format!("{name}@example.com"), "password": PASSWORD })
}

/// One request to each route that wants an access token, all else being right.
pub(crate) fn protected() -> Vec<Request> {
    let change = json!({ "old_password": PASSWORD, "new_password": "taken over by a thief" });
    vec![
        get("/auth/me"),
        get("/auth/sessions"),
        delete("/auth/sessions"),
        delete("/auth/sessions?keep=none"),
        delete("/auth/sessions/00000000-0000-4000-8000-000000000000"),
        post("/auth/password/change").json(&change),
        post("/auth/reauthenticate").json(&json!({ "password": PASSWORD })),
        get("/admin/v1/users"),
        get("/admin/v1/keys"),
        delete("/admin/v1/sessions/00000000-0000-4000-8000-000000000000"),
        post("/admin/v1/users").json(&json!({ "username": "eve", "email": "eve@example.com" })),
    ]
}

/// The same with what a proxy asks, which has an answer of its own for a header that is none.
pub(crate) fn guarded() -> Vec<Request> {
    let mut all = protected();
    all.push(get("/verify"));
    all
}

impl Server {
    #[track_caller]
    pub(crate) fn register(&self, name: &str) -> Tokens {
        let reply = post("/auth/register")
            .json(&registration(name))
            .send(self.address);
        Tokens::of(&reply)
    }

    pub(crate) fn log_in(&self, name: &str, password: &str) -> Reply {
        let body = json!({ "username": name, "password": password });
        post("/auth/login").json(&body).send(self.address)
    }

    pub(crate) fn refresh(&self, token: &str) -> Reply {
        post("/auth/refresh").bearer(token).send(self.address)
    }

    /// A refresh that must succeed.
    #[track_caller]
    pub(crate) fn turn(&self, tokens: &Tokens) -> Tokens {
        Tokens::of(&self.refresh(&tokens.refresh))
    }

    pub(crate) fn log_out(&self, token: &str) -> Reply {
        post("/auth/logout").bearer(token).send(self.address)
    }

    pub(crate) fn me(&self, access: &str) -> Reply {
        get("/auth/me").bearer(access).send(self.address)
    }

    pub(crate) fn change_password(&self, access: &str, old: &str, new: &str) -> Reply {
        let body = json!({ "old_password": old, "new_password": new });
        post("/auth/password/change")
            .bearer(access)
            .json(&body)
            .send(self.address)
    }

    pub(crate) fn reauthenticate(&self, access: &str, password: &str) -> Reply {
        let body = json!({ "password": password });
        post("/auth/reauthenticate")
            .bearer(access)
            .json(&body)
            .send(self.address)
    }

    /// The owner's session goes on where it was.
    #[track_caller]
    pub(crate) fn is_unharmed(&self, owner: &Tokens) {
        let next = self.turn(owner);
        assert_eq!(generation(&next.refresh), generation(&owner.refresh) + 1);
    }

    /// The server is still well and answers at once.
    #[track_caller]
    pub(crate) fn is_well(&self) {
        let reply = get("/health/ready").send(self.address);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}
