//! A follower of revocations that reads only when it is told to.

use std::{
    io::{BufRead as _, BufReader, ErrorKind, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use super::{Folder, Request, get};

/// A stream of events on a connection of its own.
pub(crate) struct Stream {
    reader: BufReader<TcpStream>,
    name: String,
    id: String,
    ended: bool,
}

/// An event: name, id and data.
pub(crate) type Event = (String, String, Value);

/// A request for the stream, with the credential.
pub(crate) fn follow(credential: &str) -> Request {
    get("/revocations").bearer(credential)
}

impl Stream {
    /// One that must be let in.
    #[track_caller]
    pub(crate) fn open(address: SocketAddr, request: &Request) -> Self {
        Self::on(TcpStream::connect(address).unwrap(), request)
    }

    /// The same with hardly any room between it and the server.
    #[track_caller]
    pub(crate) fn narrow(address: SocketAddr, request: &Request) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        socket.connect(&address.into()).unwrap();
        Self::on(socket.into(), request)
    }

    #[track_caller]
    fn on(mut stream: TcpStream, request: &Request) -> Self {
        stream.write_all(&request.bytes()).unwrap();
        let mut reader = BufReader::with_capacity(64, stream);
        let mut status = String::new();
        reader.read_line(&mut status).unwrap();
        assert!(status.contains(" 200 "), "{status}");
        Self {
            reader,
            name: String::new(),
            id: String::new(),
            ended: false,
        }
    }

    /// The next event within that time; nothing where the stream ended or was silent. Chunks may begin and end anywhere, but
    /// never within a line that matters here.
    pub(crate) fn next_within(&mut self, patience: Duration) -> Option<Event> {
        let begin = Instant::now();
        while !self.ended {
            let left = patience.checked_sub(begin.elapsed())?;
            let line = self.line_within(left.max(Duration::from_millis(1)))?;
            let (field, value) = line.split_once(": ").unwrap_or_default();
            match field {
                "event" => value.clone_into(&mut self.name),
                "id" => value.clone_into(&mut self.id),
                "data" => {
                    let data = serde_json::from_str(value).unwrap();
                    return Some((self.name.clone(), self.id.clone(), data));
                }
                // The last chunk has no bytes.
                _ => self.ended = line == "0",
            }
        }
        None
    }

    fn line_within(&mut self, patience: Duration) -> Option<String> {
        let mut line = String::new();
        self.reader
            .get_ref()
            .set_read_timeout(Some(patience))
            .unwrap();
        match self.reader.read_line(&mut line) {
            Ok(1..) => Some(line.trim_end().to_owned()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Ok(0) | Err(_) => {
                self.ended = true;
                None
            }
        }
    }

    /// The next that is no heartbeat.
    pub(crate) fn news_within(&mut self, patience: Duration) -> Option<Event> {
        let begin = Instant::now();
        loop {
            let left = patience.checked_sub(begin.elapsed())?;
            let event = self.next_within(left)?;
            if event.0 != "heartbeat" {
                return Some(event);
            }
        }
    }

    /// Whether it ends within that time.
    pub(crate) fn ends_within(mut self, patience: Duration) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < patience && !self.ended {
            self.next_within(patience.saturating_sub(begin.elapsed()));
        }
        self.ended
    }
}

impl Folder {
    /// A credential for a resource server of that name.
    pub(crate) fn resource_server(&self, name: &str) -> String {
        let added = self.ask(&["resource-server", "add", name]);
        added["credential"].as_str().unwrap().to_owned()
    }
}
