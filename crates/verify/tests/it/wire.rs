//! An issuer on a real port, whose every answer the test writes byte by byte.

use std::net::SocketAddr;
use std::time::Duration;

use relatch_verify::{KeySource, ResourceServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::support::keys;

/// No test waits longer than this for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// Answers for its keys by itself; every other request is the test's.
pub(crate) struct Issuer {
    pub(crate) address: SocketAddr,
    calls: mpsc::Receiver<Call>,
}

/// A request that waits for its answer.
pub(crate) struct Call {
    pub(crate) path: String,
    head: String,
    stream: TcpStream,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, calls) = mpsc::channel(100);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let call = Call::read(stream).await;
                if call.path == "/.well-known/jwks.json" {
                    let body = serde_json::to_string(&keys()).unwrap();
                    call.answer("application/jwk-set+json", &body).await;
                } else if sender.send(call).await.is_err() {
                    return;
                }
            }
        });
        Self { address, calls }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn keys(&self) -> KeySource {
        KeySource::of(&self.url())
    }

    /// The next request, which must be for this path.
    pub(crate) async fn call(&mut self, path: &str) -> Call {
        let call = timeout(PATIENCE, self.calls.recv()).await.unwrap().unwrap();
        assert_eq!(call.path, path);
        call
    }
}

impl Call {
    async fn read(mut stream: TcpStream) -> Self {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        let head = String::from_utf8(head).unwrap();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        Self { path, head, stream }
    }

    /// The value of a header, given in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(header, _)| header.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }

    pub(crate) async fn answer(self, content_type: &str, body: &str) {
        let length = body.len();
        self.raw(&format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await;
    }

    /// These bytes and the end.
    pub(crate) async fn raw(mut self, answer: &str) {
        self.write(answer).await;
        let _ = self.stream.shutdown().await;
    }

    /// The beginning of an event stream that stays open as long as this is not dropped.
    pub(crate) async fn stream(mut self) -> Self {
        self.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n")
            .await;
        self
    }

    /// The other side may have gone.
    pub(crate) async fn write(&mut self, bytes: &str) {
        let _ = self.stream.write_all(bytes.as_bytes()).await;
        let _ = self.stream.flush().await;
    }

    /// Waits until the other side closes the connection.
    pub(crate) async fn closed(mut self) {
        let mut rest = Vec::new();
        let closed = self.stream.read_to_end(&mut rest);
        let _ = timeout(PATIENCE, closed).await.unwrap();
    }
}

/// Waits until something is so of a server.
pub(crate) async fn until(server: &ResourceServer, so: impl Fn(&ResourceServer) -> bool) {
    let poll = async {
        while !so(server) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, poll).await.unwrap();
}
