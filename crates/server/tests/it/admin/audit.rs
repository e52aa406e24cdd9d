//! GET /admin/v1/audit

use axum::http::Method;
use serde_json::{Value, json};

use crate::server::{Server, Tokens};

/// The rows of a page, each as its number and name, and the cursor of the next.
async fn page(server: &Server, by: &Tokens, query: &str) -> (Vec<(i64, String)>, Option<String>) {
    let path = format!("/admin/v1/audit?{query}");
    let answer = server.get_as(&by.access, &path).await;
    assert_eq!(answer.status, 200, "{answer}");
    let row = |row: &Value| {
        let name = row["event"].as_str().unwrap().to_owned();
        (row["number"].as_i64().unwrap(), name)
    };
    let rows = answer.json["events"].as_array().unwrap();
    let next = answer.json["next"].as_str().map(str::to_owned);
    (rows.iter().map(row).collect(), next)
}

async fn names(server: &Server, by: &Tokens, query: &str) -> Vec<String> {
    let rows = page(server, by, query).await.0;
    rows.into_iter().map(|row| row.1).collect()
}

#[tokio::test]
async fn the_record_is_read_in_pages_from_its_end_to_its_beginning() {
    let server = Server::start().await;
    let root = server.administrator().await;
    for device in ["Phone", "Tablet", "Watch"] {
        if device == "Phone" {
            server.ada().await;
        }
        server.ada_on(device).await;
    }
    let (mut numbers, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let (rows, next) = page(&server, &root, &query).await;
        assert!(rows.len() <= 2);
        numbers.extend(rows.into_iter().map(|row| row.0));
        let Some(next) = next else { break };
        query = format!("limit=2&cursor={next}");
    }
    let last = numbers[0];
    // What the server wrote of itself meanwhile comes before the first page and nowhere else.
    assert_eq!(numbers, (1..=last).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_asked_for_narrows_it_and_a_cursor_is_good_for_nothing_else() {
    let server = Server::start().await;
    let (root, ada) = (server.administrator().await, server.ada().await);
    let phone = server.ada_on("Phone").await;
    let me = server.get_as(&ada.access, "/auth/me").await;
    let user = me.json["id"].as_str().unwrap().to_owned();
    let disabled = json!({ "state": "disabled" });
    let path = format!("/admin/v1/users/{user}");
    let done = server.send_as(Method::PATCH, &root.access, &path, &disabled);
    assert_eq!(done.await.status, 200);
    let of_ada = format!("user={user}");
    assert_eq!(
        names(&server, &root, &of_ada)
            .await
            .last()
            .map(String::as_str),
        Some("user.registered")
    );
    let query = format!("{of_ada}&event=user.");
    assert_eq!(
        names(&server, &root, &query).await,
        ["user.disabled", "user.registered"]
    );
    let query = format!("session={}&event=session.opened", phone.session);
    assert_eq!(names(&server, &root, &query).await, ["session.opened"]);
    for nothing in ["until=2000-01-01T00:00:00Z", "since=2999-01-01T00:00:00Z"] {
        let none: [&str; 0] = [];
        assert_eq!(names(&server, &root, nothing).await, none);
    }
    let (_, next) = page(&server, &root, &format!("{of_ada}&limit=1")).await;
    let elsewhere = format!("/admin/v1/audit?cursor={}", next.unwrap());
    let answer = server.get_as(&root.access, &elsewhere).await;
    assert_eq!(answer.faults(), ["cursor: invalid_format"]);
    let wrong = "user=x&session=1&since=yesterday&until=&limit=0&who=me";
    let answer = server
        .get_as(&root.access, &format!("/admin/v1/audit?{wrong}"))
        .await;
    let mut faults = answer.faults();
    faults.sort();
    assert_eq!(
        faults,
        [
            "limit: out_of_range",
            "session: invalid_format",
            "since: invalid_format",
            "until: invalid_format",
            "user: invalid_format",
            "who: unknown"
        ]
    );
}

/// It says what everybody did and from where: no part of looking at users.
#[tokio::test]
async fn looking_at_users_is_not_reading_the_record() {
    let server = Server::start().await;
    server.administrator().await;
    let eve = server
        .holder("eve", &["relatch:read", "relatch:users"])
        .await;
    let answer = server.get_as(&eve.access, "/admin/v1/audit").await;
    assert_eq!((answer.status, answer.code()), (403, "permission_required"));
}
