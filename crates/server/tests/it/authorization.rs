//! Who may do what, as one table: every route of the document for every kind of caller. Whoever changes a cell changes what
//! somebody may do.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc, time::Duration};

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    contract::{DOCUMENT, resolve},
    dpop::Client,
    server::Server,
};

/// The permissions of this server's own, each of which makes a kind of caller.
const PERMISSIONS: [&str; 7] = [
    "read",
    "users",
    "sessions",
    "keys",
    "grant",
    "audit",
    "resource-servers",
];

const LOGIN: &str = r#"{"username":"root","password":"correct horse battery"}"#;

/// Every kind of caller with the name of his column; each has a server for himself.
fn kinds() -> Vec<&'static str> {
    let mut kinds = vec!["nobody", "garbage", "refresh", "user"];
    kinds.extend(PERMISSIONS);
    kinds.extend(["admin", "old", "narrow", "ended"]);
    kinds
}

/// What a caller of that kind sends along: his access token, and the key that it is bound to if he proves to hold it.
#[derive(Clone)]
struct Caller {
    token: Option<String>,
    key: Option<Arc<Client>>,
}

impl Caller {
    async fn of(kind: &str, server: &Server) -> Self {
        let (token, key) = match kind {
            "bound as bearer" | "bound with proof" => {
                server.administrator().await;
                let client = Client::new();
                let tokens = client.post(server, "/auth/login", LOGIN).await.tokens();
                let proves = kind == "bound with proof";
                (Some(tokens.access), proves.then(|| Arc::new(client)))
            }
            kind => (token_of(kind, server).await, None),
        };
        Self { token, key }
    }

    /// The headers of a request of his.
    fn headers(&self, server: &Server, method: &str, path: &str) -> Vec<(&'static str, String)> {
        match (&self.token, &self.key) {
            (None, _) => vec![],
            (Some(token), None) => vec![("authorization", format!("Bearer {token}"))],
            (Some(token), Some(client)) => vec![
                ("authorization", format!("DPoP {token}")),
                ("dpop", client.proof(server, method, path, Some(token))),
            ],
        }
    }
}

/// The access token of a caller of that kind.
async fn token_of(kind: &str, server: &Server) -> Option<String> {
    let root = server.administrator().await;
    Some(match kind {
        "nobody" => return None,
        "garbage" => "garbage".to_owned(),
        // A refresh token where an access token belongs.
        "refresh" => server.holder("wrong", &["relatch:*"]).await.refresh,
        "user" => server.holder("plain", &["notes:*"]).await.access,
        "admin" => root.access,
        // Who has not proved his password for a while.
        "old" => {
            server.wait(Duration::from_mins(11));
            server.refresh(&root.refresh).await.tokens().access
        }
        // Who asked for less when he logged in.
        "narrow" => {
            let mut login: Value = serde_json::from_str(LOGIN).unwrap();
            login["scope"] = "notes:* relatch:read".into();
            let tokens = server.post("/auth/login", &login.to_string()).await;
            tokens.tokens().access
        }
        "ended" => {
            let other = server.post("/auth/login", LOGIN).await.tokens();
            server.post_as(&other.refresh, "/auth/logout", "").await;
            other.access
        }
        permission => {
            let permission = format!("relatch:{permission}");
            server.holder("holder", &[&permission]).await.access
        }
    })
}

/// Something for a route to be about, made for each request anew: nothing of what it changes is seen by the next.
pub(crate) struct Target {
    user: String,
    session: String,
    role: String,
    key: String,
}

impl Target {
    pub(crate) async fn make(server: &Server, number: usize) -> Self {
        let tokens = server.holder(&format!("target{number}"), &[]).await;
        let user = server.get_as(&tokens.access, "/auth/me").await;
        let role = format!("spare{number}");
        server.put_role(&role, &["notes:read"]).await;
        // By the same name as the role: a path names one or the other.
        server.resource_server(&role).await;
        Self {
            user: user.json["id"].as_str().unwrap().to_owned(),
            session: tokens.session,
            role,
            key: server.announced_key().await,
        }
    }

    /// A request to a route about this: its path and its body.
    pub(crate) fn request(&self, path: &str, operation: &'static Value) -> (String, Value) {
        let id = if path.contains("/users/") {
            &self.user
        } else if path.contains("/keys/") {
            &self.key
        } else {
            &self.session
        };
        let path = path
            .replace("{id}", id)
            .replace("{name}", &self.role)
            .replace("{file}", "app.js");
        (path, self.body_of(operation))
    }

    /// The example of a body that the document gives, about somebody new or about this.
    fn body_of(&self, operation: &'static Value) -> Value {
        let content = &resolve(&operation["requestBody"])["content"]["application/json"];
        let mut body = content["example"].clone();
        if operation["responses"]["201"].is_object() && body["username"].is_string() {
            body["username"] = format!("new-{}", self.role).into();
        }
        if body["roles"].is_array() {
            body["roles"] = json!([self.role]);
        }
        body
    }
}

/// What every route answers to a caller of that kind.
async fn column(kind: &str) -> BTreeMap<String, u16> {
    let server = Arc::new(Server::start().await);
    let caller = Caller::of(kind, &server).await;
    let mut column = BTreeMap::new();
    for (number, route) in DOCUMENT["x-routes"].as_array().unwrap().iter().enumerate() {
        let route = route.as_str().unwrap();
        let (method, path) = route.split_once(' ').unwrap();
        let operation = &DOCUMENT["paths"][path][method.to_lowercase()];
        // What ends the caller himself would be all that the routes after it tell of.
        let (server, caller) = if ends_the_caller(route) {
            let fresh = Server::start().await;
            let caller = Caller::of(kind, &fresh).await;
            (&Arc::new(fresh), caller)
        } else {
            (&server, caller.clone())
        };
        let (path, body) = Target::make(server, number).await.request(path, operation);
        let shown = caller.headers(server, method, &path);
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(shown.iter().map(|(name, value)| (*name, value.as_str())));
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let method: Method = method.parse().unwrap();
        let answer = server.send(method, &path, &headers, body).await;
        column.insert(route.to_owned(), answer.status);
    }
    column
}

fn ends_the_caller(route: &str) -> bool {
    matches!(
        route,
        "DELETE /auth/sessions"
            | "POST /auth/password/change"
            | "POST /admin/v1/keys/{id}/compromise"
    )
}

/// All columns side by side.
async fn table() -> String {
    let kinds = kinds();
    let running: Vec<_> = kinds
        .iter()
        .map(|kind| {
            let kind = (*kind).to_owned();
            tokio::spawn(async move { column(&kind).await })
        })
        .collect();
    let mut columns = Vec::new();
    for column in running {
        columns.push(column.await.unwrap());
    }
    let mut table = format!("{:<45}", "");
    for kind in &kinds {
        write!(table, " {kind:>8.8}").unwrap();
    }
    for route in DOCUMENT["x-routes"].as_array().unwrap() {
        let route = route.as_str().unwrap();
        write!(table, "\n{route:<45}").unwrap();
        for column in &columns {
            write!(table, " {:>8}", column[route]).unwrap();
        }
    }
    table
}

/// With a proof it is as good as any other of the same user, and without one as bad as none. A proxy cannot see the proof.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_bound_to_a_key_is_nothing_without_it() {
    let columns = ["admin", "bound with proof", "garbage", "bound as bearer"];
    let running = columns.map(|kind| tokio::spawn(async move { column(kind).await }));
    let mut columns = Vec::new();
    for column in running {
        columns.push(column.await.unwrap());
    }
    columns[0].insert("GET /verify".to_owned(), 401);
    assert_eq!(columns[0], columns[1], "with a proof");
    assert_eq!(columns[2], columns[3], "without");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_for_every_kind_of_caller() {
    assert_snapshot!(table().await, @"
                                                    nobody  garbage  refresh     user     read    users sessions     keys    grant    audit resource    admin      old   narrow    ended
    POST /auth/register                                201      201      201      201      201      201      201      201      201      201      201      201      201      201      201
    POST /auth/login                                   401      401      401      401      401      401      401      401      401      401      401      401      401      401      401
    POST /auth/refresh                                 401      400      400      400      400      400      400      400      400      400      400      400      400      400      400
    POST /auth/logout                                  401      400      400      400      400      400      400      400      400      400      400      400      400      400      400
    GET /auth/me                                       401      401      401      200      200      200      200      200      200      200      200      200      200      200      401
    GET /auth/sessions                                 401      401      401      200      200      200      200      200      200      200      200      200      200      200      401
    DELETE /auth/sessions                              401      401      401      200      200      200      200      200      200      200      200      200      401      200      401
    DELETE /auth/sessions/{id}                         401      401      401      404      404      404      404      404      404      404      404      404      401      404      401
    GET /auth/events                                   401      401      401      200      200      200      200      200      200      200      200      200      200      200      401
    POST /auth/reauthenticate                          401      401      401      401      401      401      401      401      401      401      401      401      401      401      401
    POST /auth/password/change                         401      401      401      401      401      401      401      401      401      401      401      401      401      401      401
    POST /auth/password/reset                          401      401      401      401      401      401      401      401      401      401      401      401      401      401      401
    GET /.well-known/jwks.json                         200      200      200      200      200      200      200      200      200      200      200      200      200      200      200
    GET /revocations                                   401      401      401      401      401      401      401      401      401      401      401      401      401      401      401
    GET /revocations/snapshot                          401      401      401      401      401      401      401      401      401      401      401      401      401      401      401
    POST /introspect                                   401      401      401      401      401      401      401      401      401      401      401      401      401      401      401
    GET /verify                                        401      401      401      200      200      200      200      200      200      200      200      200      200      200      401
    GET /health/live                                   200      200      200      200      200      200      200      200      200      200      200      200      200      200      200
    GET /health/ready                                  200      200      200      200      200      200      200      200      200      200      200      200      200      200      200
    GET /openapi.json                                  200      200      200      200      200      200      200      200      200      200      200      200      200      200      200
    GET /docs                                          200      200      200      200      200      200      200      200      200      200      200      200      200      200      200
    GET /docs/{file}                                   200      200      200      200      200      200      200      200      200      200      200      200      200      200      200
    GET /admin/v1/users                                401      401      401      404      200      403      403      403      403      403      403      200      200      200      401
    POST /admin/v1/users                               401      401      401      404      403      201      403      403      403      403      403      201      401      403      401
    GET /admin/v1/users/{id}                           401      401      401      404      200      403      403      403      403      403      403      200      200      200      401
    PATCH /admin/v1/users/{id}                         401      401      401      404      403      200      403      403      403      403      403      200      401      403      401
    DELETE /admin/v1/users/{id}                        401      401      401      404      403      200      403      403      403      403      403      200      401      403      401
    POST /admin/v1/users/{id}/password-reset           401      401      401      404      403      201      403      403      403      403      403      201      401      403      401
    GET /admin/v1/users/{id}/roles                     401      401      401      404      200      403      403      403      403      403      403      200      200      200      401
    PUT /admin/v1/users/{id}/roles                     401      401      401      404      403      403      403      403      200      403      403      200      401      403      401
    GET /admin/v1/users/{id}/sessions                  401      401      401      404      200      403      403      403      403      403      403      200      200      200      401
    DELETE /admin/v1/users/{id}/sessions               401      401      401      404      403      403      200      403      403      403      403      200      401      403      401
    GET /admin/v1/roles                                401      401      401      404      200      403      403      403      403      403      403      200      200      200      401
    GET /admin/v1/roles/{name}                         401      401      401      404      200      403      403      403      403      403      403      200      200      200      401
    PUT /admin/v1/roles/{name}                         401      401      401      404      403      403      403      403      200      403      403      200      401      403      401
    DELETE /admin/v1/roles/{name}                      401      401      401      404      403      403      403      403      204      403      403      204      401      403      401
    GET /admin/v1/sessions                             401      401      401      404      200      403      403      403      403      403      403      200      200      200      401
    GET /admin/v1/sessions/{id}                        401      401      401      404      200      403      403      403      403      403      403      200      200      200      401
    DELETE /admin/v1/sessions/{id}                     401      401      401      404      403      403      200      403      403      403      403      200      401      403      401
    GET /admin/v1/keys                                 401      401      401      404      200      403      403      403      403      403      403      200      200      200      401
    POST /admin/v1/keys/rotate                         401      401      401      404      403      403      403      200      403      403      403      200      401      403      401
    POST /admin/v1/keys/{id}/compromise                401      401      401      404      403      403      403      200      403      403      403      200      401      403      401
    GET /admin/v1/resource-servers                     401      401      401      404      200      403      403      403      403      403      403      200      200      200      401
    POST /admin/v1/resource-servers                    401      401      401      404      403      403      403      403      403      403      201      201      401      403      401
    DELETE /admin/v1/resource-servers/{name}           401      401      401      404      403      403      403      403      403      403      204      204      401      403      401
    GET /admin/v1/audit                                401      401      401      404      403      403      403      403      403      200      403      200      200      403      401
    ");
}
