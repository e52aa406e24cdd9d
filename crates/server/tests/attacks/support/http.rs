//! A client of HTTP/1.1 that sends whatever bytes it is given.

use std::{
    fmt::{self, Write as _},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use super::Transport;

/// Longer than any server here may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A request that can be wrong in every way.
#[derive(Clone)]
pub(crate) struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub(crate) fn get(path: &str) -> Request {
    request("GET", path)
}

pub(crate) fn post(path: &str) -> Request {
    request("POST", path)
}

pub(crate) fn delete(path: &str) -> Request {
    request("DELETE", path)
}

pub(crate) fn request(method: &str, path: &str) -> Request {
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

impl Request {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn body(mut self, kind: &str, body: impl AsRef<[u8]>) -> Self {
        body.as_ref().clone_into(&mut self.body);
        self.header("Content-Type", kind)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// The bytes on the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = format!(
            "{} {} HTTP/1.1\r\nHost: relatch.test\r\n",
            self.method, self.path
        );
        for (name, value) in &self.headers {
            write!(text, "{name}: {value}\r\n").unwrap();
        }
        if !self.body.is_empty() || self.method == "POST" {
            write!(text, "Content-Length: {}\r\n", self.body.len()).unwrap();
        }
        [text.as_bytes(), b"\r\n", &self.body].concat()
    }

    /// Sends it on a connection of its own.
    pub(crate) fn send(&self, address: SocketAddr) -> Reply {
        let reply = self.try_send(address);
        reply.unwrap_or_else(|| panic!("no answer to {} {}", self.method, self.path))
    }

    /// The same to a server that may be gone.
    pub(crate) fn try_send(&self, address: SocketAddr) -> Option<Reply> {
        let mut connection = Connection::try_open(address)?;
        connection.send(&self.bytes());
        connection.read()
    }
}

/// A connection that bytes go into and answers come out of.
pub(crate) struct Connection(BufReader<Transport>);

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::try_open(address).expect("the server takes connections")
    }

    fn try_open(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Some(Self::over(Transport::Plain(stream)))
    }

    /// From another address of this machine, `127.0.0.2` for example.
    pub(crate) fn open_from(source: &str, address: SocketAddr) -> Self {
        let source: SocketAddr = format!("{source}:0").parse().unwrap();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&source.into()).unwrap();
        socket.connect(&address.into()).unwrap();
        Self::over(Transport::Plain(socket.into()))
    }

    /// On top of what is open already.
    pub(crate) fn over(stream: Transport) -> Self {
        let connection = Self(BufReader::new(stream));
        connection.wait_at_most(PATIENCE);
        connection
    }

    /// What TCP carries of it.
    pub(crate) fn into_stream(self) -> Transport {
        self.0.into_inner()
    }

    pub(crate) fn wait_at_most(&self, limit: Duration) {
        let socket = self.0.get_ref().socket();
        socket.set_read_timeout(Some(limit)).unwrap();
    }

    /// So many bytes; nothing if they do not come.
    pub(crate) fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Sends bytes. That the server closed before it had them all is no fault: what it answered is still to be read.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        let stream = self.0.get_mut();
        stream
            .write_all(bytes)
            .and_then(|()| stream.flush())
            .is_ok()
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        self.0.get_mut().socket_mut()
    }

    /// The next answer; nothing if the server closed the connection.
    pub(crate) fn read(&mut self) -> Option<Reply> {
        let line = self.line()?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        while let Some(line) = self.line().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').expect("a header");
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut reply = Reply {
            status,
            headers,
            body: Vec::new(),
        };
        let length = reply
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        reply.body.resize(length, 0);
        self.0.read_exact(&mut reply.body).ok()?;
        Some(reply)
    }

    /// Whether the server closes it within so many milliseconds, having sent nothing more.
    pub(crate) fn is_closed_within(&mut self, millis: u64) -> bool {
        self.wait_at_most(Duration::from_millis(millis));
        let closed = match self.0.fill_buf() {
            Ok(bytes) => bytes.is_empty(),
            Err(error) => is_end(&error),
        };
        self.wait_at_most(PATIENCE);
        closed
    }

    /// Whether the server ends it within so many milliseconds, whatever it still says.
    pub(crate) fn ends_within(&mut self, millis: u64) -> bool {
        self.wait_at_most(Duration::from_millis(millis));
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => is_end(&error),
        }
    }

    /// Says that nothing more will come, and goes on reading.
    pub(crate) fn finish_sending(&mut self) {
        // If the server has closed already there is nothing to say.
        let _ = self
            .0
            .get_ref()
            .socket()
            .shutdown(std::net::Shutdown::Write);
    }

    /// Every answer until the server closes; at most so many.
    pub(crate) fn read_all(&mut self, most: usize) -> Vec<Reply> {
        std::iter::from_fn(|| self.read()).take(most).collect()
    }

    fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.0.read_until(b'\n', &mut line) {
            Ok(1..) => Some(String::from_utf8_lossy(&line).trim_end().to_owned()),
            _ => None,
        }
    }
}

/// An answer.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// A connection that broke off is closed too, also without the farewell of TLS.
fn is_end(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), ConnectionReset | UnexpectedEof | BrokenPipe)
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.status, self.headers, self.text())
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|header| header.0 == name);
        found.map(|header| header.1.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A member that is a text; empty if it is not there.
    pub(crate) fn string(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }

    /// Status and stable code in one.
    pub(crate) fn outcome(&self) -> (u16, String) {
        (self.status, self.string("code"))
    }

    /// Of an ended session, why.
    pub(crate) fn reason(&self) -> String {
        self.string("reason")
    }

    /// Each fault as `field: code`.
    pub(crate) fn faults(&self) -> Vec<String> {
        let json = self.json();
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let fault = |error: &Value| format!("{}: {}", text(&error["field"]), text(&error["code"]));
        errors.iter().map(fault).collect()
    }

    /// Is a refusal of that status and code.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, code: &str) {
        assert_eq!(self.outcome(), (status, code.to_owned()), "{}", self.text());
    }

    /// Says that the session has ended, why, and when.
    #[track_caller]
    pub(crate) fn is_over(&self, reason: &str) {
        self.is(401, "session_ended");
        assert_eq!(self.reason(), reason);
        let ended_at = self.string("ended_at");
        let form = ended_at.len() == 24 && ended_at.ends_with('Z') && ended_at.contains('T');
        assert!(form, "ended_at {ended_at:?} is no time of RFC 3339");
    }
}
