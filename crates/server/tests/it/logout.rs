//! POST /auth/logout

use insta::assert_snapshot;

use crate::server::Server;

#[tokio::test]
async fn logging_out_ends_the_session_for_both_tokens() {
    let server = Server::start().await;
    let tokens = server.ada().await;
    assert_snapshot!(server.post_as(&tokens.refresh, "/auth/logout", "").await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "ended": true,
      "session_id": "[id 1]"
    }
    "#);
    let told = server.refresh(&tokens.refresh).await;
    assert_eq!(told.json["reason"], "logout");
    let told = server.get_as(&tokens.access, "/auth/me").await;
    assert_eq!((told.status, &told.json["reason"]), (401, &"logout".into()));
}

#[tokio::test]
async fn logging_out_twice_or_with_a_spent_token_is_no_error() {
    let server = Server::start().await;
    let first = server.ada().await;
    let second = server.refresh(&first.refresh).await.tokens();
    for token in [&first.refresh, &first.refresh, &second.refresh] {
        assert_eq!(server.post_as(token, "/auth/logout", "").await.status, 200);
    }
    assert_eq!(
        server.refresh(&second.refresh).await.json["reason"],
        "logout"
    );
}

#[tokio::test]
async fn an_access_token_logs_nobody_out() {
    let server = Server::start().await;
    let tokens = server.ada().await;
    assert_eq!(
        server
            .post_as(&tokens.access, "/auth/logout", "")
            .await
            .code(),
        "invalid_token"
    );
    assert_eq!(server.refresh(&tokens.refresh).await.status, 200);
}
