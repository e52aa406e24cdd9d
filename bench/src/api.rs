//! A client of the server's JSON routes for the drills: one connection, opened again when it is gone.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use crate::carrier::{Carrier, Stream};
use crate::wire;

/// How long one request may take before the client takes it for lost.
const PATIENCE: Duration = Duration::from_secs(15);

/// A client of one server.
#[derive(Debug)]
pub(crate) struct Api {
    address: SocketAddr,
    carrier: Carrier,
    stream: Option<Stream>,
    buffer: Vec<u8>,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) request_id: String,
    /// The header `Cache-Control`.
    pub(crate) cache: String,
    pub(crate) body: Value,
}

impl Answer {
    /// A text member of the body, empty if it is not there.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.body.get(member).and_then(Value::as_str).unwrap_or("")
    }

    /// Status and code in a few words, for a report.
    pub(crate) fn brief(&self) -> String {
        let words = [self.text("code"), self.text("reason")].join(" ");
        format!("{} {words}", self.status).trim_end().to_owned()
    }
}

impl Api {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self::over(Carrier::Plain, address)
    }

    pub(crate) fn over(carrier: Carrier, address: SocketAddr) -> Self {
        Self {
            address,
            carrier,
            stream: None,
            buffer: Vec::with_capacity(4096),
        }
    }

    /// Posts JSON.
    ///
    /// # Errors
    /// No whole answer came: nobody knows whether the request was carried out.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        bearer: Option<&str>,
        body: Option<&Value>,
    ) -> io::Result<Answer> {
        let request = self.request("POST", path, bearer, body);
        self.exchange(&request).await
    }

    /// Posts JSON with a proof of possession.
    ///
    /// # Errors
    /// No whole answer came.
    pub(crate) async fn post_proven(
        &mut self,
        path: &str,
        proof: &str,
        body: &Value,
    ) -> io::Result<Answer> {
        let request = self.request("POST", path, None, Some(body));
        let request = request.replacen("\r\n", &format!("\r\ndpop: {proof}\r\n"), 1);
        self.exchange(&request).await
    }

    /// Gets JSON.
    ///
    /// # Errors
    /// No whole answer came.
    pub(crate) async fn get(&mut self, path: &str, bearer: Option<&str>) -> io::Result<Answer> {
        let request = self.request("GET", path, bearer, None);
        self.exchange(&request).await
    }

    /// Opens another connection for what comes next.
    pub(crate) fn hang_up(&mut self) {
        self.stream = None;
    }

    async fn exchange(&mut self, request: &str) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.carrier.connect(self.address).await?,
        };
        let exchange = wire::exchange(&mut stream, request.as_bytes(), &mut self.buffer);
        let head = timeout(PATIENCE, exchange).await??;
        self.stream = Some(stream);
        Ok(self.answer(head))
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        body: Option<&Value>,
    ) -> String {
        let authorization = bearer.map_or_else(String::new, |token| {
            format!("authorization: Bearer {token}\r\n")
        });
        let (kind, body) = match body {
            Some(body) => ("content-type: application/json\r\n", body.to_string()),
            None => ("", String::new()),
        };
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{authorization}{kind}content-length: {}\r\n\r\n{body}",
            self.address,
            body.len(),
        )
    }

    fn answer(&self, head: wire::Head) -> Answer {
        let (lines, body) = self
            .buffer
            .split_at_checked(head.length)
            .unwrap_or_default();
        Answer {
            status: head.status,
            request_id: wire::header(lines, "x-request-id").unwrap_or("").to_owned(),
            cache: wire::header(lines, "cache-control")
                .unwrap_or("")
                .to_owned(),
            body: serde_json::from_slice(body).unwrap_or(Value::Null),
        }
    }
}
