//! POST /admin/v1/users/{id}/password-reset, POST /auth/password/reset

use std::time::Duration;

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::server::{Answer, Server, Tokens};

const NEW: &str = "an even better password";

struct Scene {
    server: Server,
    root: Tokens,
    ada: Tokens,
    path: String,
}

impl Scene {
    async fn set() -> Self {
        Self::on(Server::start().await).await
    }

    async fn on(server: Server) -> Self {
        let (root, ada) = (server.administrator().await, server.ada().await);
        let me = server.get_as(&ada.access, "/auth/me").await;
        let path = format!(
            "/admin/v1/users/{}/password-reset",
            me.json["id"].as_str().unwrap()
        );
        Self {
            server,
            root,
            ada,
            path,
        }
    }

    async fn issue(&self) -> Answer {
        self.server.post_as(&self.root.access, &self.path, "").await
    }

    async fn code(&self) -> String {
        self.issue().await.json["code"].as_str().unwrap().to_owned()
    }

    async fn redeem(&self, username: &str, code: &str, password: &str) -> Answer {
        let body = json!({ "username": username, "code": code, "new_password": password });
        self.server
            .post("/auth/password/reset", &body.to_string())
            .await
    }

    async fn login(&self, password: &str) -> u16 {
        let body = json!({ "username": "ada", "password": password }).to_string();
        self.server.post("/auth/login", &body).await.status
    }
}

#[tokio::test]
async fn a_code_sets_a_new_password_once_and_ends_every_session() {
    let scene = Scene::set().await;
    let issued = scene.issue().await;
    assert_snapshot!(issued, @r#"
    201 Created
    content-type: application/json
    cache-control: no-store

    {
      "code": "[code]",
      "expires_at": "2026-11-22T13:00:00.000Z"
    }
    "#);
    let code = issued.json["code"].as_str().unwrap();
    assert_eq!(scene.server.refresh(&scene.ada.refresh).await.status, 200);
    let typed = code.to_lowercase().replace('-', " ");
    let answer = scene.redeem("ADA", &typed, NEW).await;
    assert_snapshot!(answer, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "ended": 1
    }
    "#);
    let over = scene.server.refresh(&scene.ada.refresh).await;
    assert_eq!(over.json["reason"], "password_changed");
    assert_eq!(
        [
            scene.login("correct horse battery").await,
            scene.login(NEW).await
        ],
        [401, 200]
    );
    assert_snapshot!(scene.redeem("ada", code, "and yet another one").await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "invalid_reset_code",
      "request_id": "[request id]",
      "status": 401,
      "title": "The username or the code is wrong, or the code has ended.",
      "type": "urn:relatch:error:invalid_reset_code"
    }
    "#);
}

#[tokio::test]
async fn a_newcomer_chooses_his_password_with_the_code_that_came_with_the_account() {
    let scene = Scene::set().await;
    let body = json!({ "username": "bob", "email": "bob@example.com" });
    let made = scene
        .server
        .send_as(Method::POST, &scene.root.access, "/admin/v1/users", &body)
        .await;
    let code = made.json["password_reset"]["code"].as_str().unwrap();
    assert_eq!(scene.redeem("bob", code, NEW).await.json["ended"], 0);
    let body = json!({ "username": "bob", "password": NEW }).to_string();
    assert_eq!(scene.server.post("/auth/login", &body).await.status, 200);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_code_the_answer_is_one() {
    let scene = Scene::set().await;
    let code = scene.code().await;
    let wrong = [
        scene.redeem("ada", "00000-00000-00000-00000", NEW).await,
        scene.redeem("ada", "no code", NEW).await,
        scene.redeem("bob", &code, NEW).await,
        scene.redeem("no name!", &code, NEW).await,
        scene.redeem("root", &code, NEW).await,
    ];
    for answer in &wrong {
        assert_eq!(answer.to_string(), wrong[0].to_string());
        assert_eq!((answer.status, answer.code()), (401, "invalid_reset_code"));
    }
    scene.server.wait(Duration::from_hours(1));
    let late = scene.redeem("ada", &code, NEW).await;
    assert_eq!(late.to_string(), wrong[0].to_string());
    assert_eq!(scene.login("correct horse battery").await, 200);
}

#[tokio::test]
async fn a_thousand_wrong_codes_end_the_right_one_and_a_new_one_is_good() {
    let scene = Scene::on(Server::with(|config| config.attempts.enabled = false).await).await;
    let code = scene.code().await;
    for _ in 0..1000 {
        scene.redeem("ada", "00000-00000-00000-00000", NEW).await;
    }
    assert_eq!(scene.redeem("ada", &code, NEW).await.status, 401);
    let next = scene.code().await;
    assert_eq!(scene.redeem("ada", &code, NEW).await.status, 401);
    assert_eq!(scene.redeem("ada", &next, NEW).await.status, 200);
}

#[tokio::test]
async fn the_rules_of_passwords_hold_and_cost_no_code() {
    let scene = Scene::set().await;
    let code = scene.code().await;
    for (password, fault) in [
        ("short", "too_short"),
        ("password", "too_common"),
        ("ada@example.com", "matches_email"),
    ] {
        let answer = scene.redeem("ada", &code, password).await;
        assert_eq!(answer.faults(), [format!("new_password: {fault}")]);
    }
    // Whoever has no code learns nothing of the address.
    let answer = scene
        .redeem("ada", "00000-00000-00000-00000", "ada@example.com")
        .await;
    assert_eq!(answer.code(), "invalid_reset_code");
    let faults = scene
        .server
        .post("/auth/password/reset", "{}")
        .await
        .faults();
    assert_eq!(
        faults,
        [
            "username: missing",
            "code: missing",
            "new_password: missing"
        ]
    );
    assert_eq!(scene.redeem("ada", &code, NEW).await.status, 200);
}

#[tokio::test]
async fn a_disabled_user_is_told_so_with_the_right_code_alone() {
    let scene = Scene::set().await;
    let code = scene.code().await;
    let user = scene.path.trim_end_matches("/password-reset");
    let disabled = json!({ "state": "disabled" });
    let answer = scene
        .server
        .send_as(Method::PATCH, &scene.root.access, user, &disabled)
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        scene.redeem("ada", "0", NEW).await.code(),
        "invalid_reset_code"
    );
    let told = scene.redeem("ada", &code, NEW).await;
    assert_eq!((told.status, told.code()), (403, "user_disabled"));
}

#[tokio::test]
async fn nobody_sets_a_password_for_somebody_else() {
    let scene = Scene::set().await;
    let body = json!({ "password": NEW });
    let answer = scene
        .server
        .send_as(Method::POST, &scene.root.access, &scene.path, &body)
        .await;
    assert_eq!(answer.faults(), ["password: unknown"]);
    let nobody = "/admin/v1/users/019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071/password-reset";
    let answer = scene
        .server
        .send_as(Method::POST, &scene.root.access, nobody, &Value::Null)
        .await;
    assert_eq!(answer.code(), "not_found");
}
