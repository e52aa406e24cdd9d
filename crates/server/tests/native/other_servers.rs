//! Servers that are none, or another one: nothing goes there that is not for them.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use relatch_client::{AddressError, Client, Error, FileStore, State, http};

use crate::scene::{
    Ahead, BOTH, Mode, access, builder, client, client_of, generation, register, server,
};

/// Answers each request with this text, and counts them.
fn canned(answer: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let counted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&counted);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut buffer) = (stream.unwrap(), [0; 16 * 1024]);
            let _ = stream.read(&mut buffer);
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (address, count)
}

/// A hotel's page, a proxy's error, a router's login: none of them is the server's word, and none ends a session.
#[tokio::test]
async fn what_is_not_the_servers_word_ends_nothing() {
    let server = server(&[]);
    let folder = tempfile::tempdir().unwrap();
    for (number, mode) in BOTH.into_iter().enumerate() {
        let file = folder.path().join(format!("{mode:?}"));
        register(
            &client_of(server.address, mode, &file),
            &format!("ada{number}"),
        )
        .await;
        for answer in [
            "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>",
            "HTTP/1.1 302 Found\r\nlocation: http://hotel.example/\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: https://evil.example/\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"proxy\"\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "nonsense",
            "",
        ] {
            let (address, _) = canned(answer);
            let ahead = Ahead::default();
            ahead.by(Duration::from_mins(15));
            let client = builder(address, mode)
                .clock(ahead.clock())
                .patience(Duration::from_millis(300))
                .store(FileStore::new(&file))
                .build()
                .unwrap();
            let said = access(&client).await;
            assert!(
                matches!(&said, Err(error) if !error.wants_login()),
                "{answer:?}: {said:?}"
            );
            assert!(matches!(client.state().await.unwrap(), State::In(_)));
        }
        let ahead = Ahead::default();
        ahead.by(Duration::from_mins(15));
        let client = builder(server.address, mode).clock(ahead.clock());
        let client = client.store(FileStore::new(&file)).build().unwrap();
        assert_eq!(generation(&access(&client).await.unwrap()), 1);
    }
}

/// One redirect is one answer: the request went to one server, once.
#[tokio::test]
async fn no_token_follows_a_redirect() {
    let (evil, asked) = canned("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    let to_evil = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{evil}/\r\ncontent-length: 0\r\n\r\n"
    );
    let (address, count) = canned(to_evil.leak());
    let client = client(address, Mode::Bearer);
    let login = relatch_client::Login::new("ada", crate::scene::PASSWORD);
    let said = client.login(login).await;
    assert!(matches!(said, Err(Error::Redirected(307))), "{said:?}");
    let asked = asked.load(Ordering::SeqCst);
    assert_eq!((count.load(Ordering::SeqCst), asked), (1, 0));
}

#[tokio::test]
async fn a_file_of_one_server_is_of_no_use_for_another() {
    let server = server(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session");
    register(&client_of(server.address, Mode::Bearer, &file), "ada").await;
    let (address, count) = canned("");
    let other = Client::builder("https://evil.example")
        .connect_to(address)
        .bearer()
        .store(FileStore::new(&file))
        .build()
        .unwrap();
    let said = other.user().await;
    assert!(
        matches!(&said, Err(Error::OtherIssuer(of)) if of == crate::scene::ISSUER),
        "{said:?}"
    );
    assert!(other.logout().await.is_err());
    assert_eq!(count.load(Ordering::SeqCst), 0);
    client_of(server.address, Mode::Bearer, &file)
        .user()
        .await
        .unwrap();
}

#[tokio::test]
async fn no_token_goes_in_the_clear() {
    let insecure = Client::builder("http://auth.example.com").build();
    assert!(matches!(
        insecure,
        Err(Error::Address(AddressError::Insecure))
    ));
    let server = server(&[]);
    let client = client(server.address, Mode::Bearer);
    register(&client, "ada").await;
    let said = client
        .authorize("GET", "http://api.example.com/notes")
        .await;
    assert!(
        matches!(said, Err(Error::Address(AddressError::Insecure))),
        "{said:?}"
    );
    let request = http::Request::get("http://api.example.com/notes").body(Vec::new());
    let said = client.fetch(request.unwrap()).await;
    assert!(
        matches!(said, Err(Error::Address(AddressError::Insecure))),
        "{said:?}"
    );
    let there = "192.0.2.1:80".parse().unwrap();
    let tunnel = Client::builder("http://localhost")
        .connect_to(there)
        .build()
        .unwrap();
    let said = tunnel.login(relatch_client::Login::new("ada", "x")).await;
    let Err(Error::Unreachable(error)) = said else {
        panic!("{said:?}");
    };
    // It was not even tried.
    let cause = std::error::Error::source(&error).unwrap();
    let cause = cause.downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(cause.kind(), std::io::ErrorKind::AddrNotAvailable);
}

/// A server that knows nothing of keys: the client does without it only if it was told to.
#[tokio::test]
async fn a_session_that_is_not_bound_is_not_taken_for_one_that_is() {
    let tokens = r#"{"access_token":"a","token_type":"Bearer","expires_in":900,"refresh_token":"r","refresh_expires_in":900,"session_id":"1","user":{"id":"1","username":"ada","email":"a@example.com","created_at":"x"}}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{tokens}",
        tokens.len()
    );
    let (address, count) = canned(answer.leak());
    let client = client(address, Mode::Bound);
    let login = relatch_client::Login::new("ada", crate::scene::PASSWORD);
    let said = client.login(login).await;
    assert!(matches!(said, Err(Error::NotBound)), "{said:?}");
    assert_eq!(client.state().await.unwrap(), State::Out(None));
    assert_eq!(
        count.load(Ordering::SeqCst),
        2,
        "it was told that nobody wants that session"
    );
}

/// An API of another server: token and proof go along, its nonce comes back, and a 401 renews once.
#[tokio::test]
async fn an_api_gets_what_it_wants() {
    let server = server(&[]);
    let client = client(server.address, Mode::Bound);
    register(&client, "ada").await;
    // `fetch` goes where the tunnel leads: the server's own route stands for the API.
    let request = http::Request::get("http://localhost/auth/me")
        .body(Vec::new())
        .unwrap();
    let answer = client.fetch(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let me: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(me["username"], "ada");
    let first = client
        .authorize("GET", "http://localhost/auth/me")
        .await
        .unwrap();
    let mut headers = http::HeaderMap::new();
    assert!(client.retry(&first, 403, &headers).await.unwrap().is_none());
    headers.insert(
        "www-authenticate",
        "DPoP error=\"invalid_token\"".parse().unwrap(),
    );
    let second = client.retry(&first, 401, &headers).await.unwrap().unwrap();
    let [before, after] =
        [&first, &second].map(|one| one.headers().unwrap()["authorization"].clone());
    assert_ne!(before, after);
    assert!(
        client
            .retry(&second, 401, &headers)
            .await
            .unwrap()
            .is_none()
    );
}
