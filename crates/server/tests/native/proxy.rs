//! A road to the server on which requests to refresh, and answers to them, are lost, cut and late. A connection carries one request.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::support::pause;

/// What happens to a request and its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// Both arrive.
    Pass,
    /// The request is lost, and its connection closed.
    RequestLost,
    /// The request arrives, the answer is lost, and the connection closed.
    AnswerLost,
    /// The same, and the connection is reset.
    Reset,
    /// Half of the answer arrives.
    Cut,
    /// Both arrive, the answer so late.
    Slow(Duration),
    /// Nothing arrives before the client has lost patience; then the request does.
    Stall(Duration),
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    refreshes: AtomicUsize,
    late: AtomicUsize,
}

impl Proxy {
    /// A road to `server` on which `fate` says what becomes of each refresh, by its number from 0; all else passes.
    pub(crate) fn to(
        server: SocketAddr,
        fate: impl Fn(usize) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (counts, fate) = (Arc::new(Counts::default()), Arc::new(fate));
        let counted = Arc::clone(&counts);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (counts, fate) = (Arc::clone(&counted), Arc::clone(&fate));
                thread::spawn(move || carry(client.unwrap(), server, &counts, &*fate));
            }
        });
        Self { address, counts }
    }

    /// How many refreshes were sent on their way.
    pub(crate) fn refreshes(&self) -> usize {
        self.counts.refreshes.load(Ordering::SeqCst)
    }

    /// How many copies arrived late.
    pub(crate) fn late(&self) -> usize {
        self.counts.late.load(Ordering::SeqCst)
    }
}

/// Nobody waits for what this road loses, so that it need not say so.
fn carry(mut client: TcpStream, server: SocketAddr, counts: &Counts, fate: &dyn Fn(usize) -> Fate) {
    let Some(request) = request(&mut client) else {
        return;
    };
    let fate = if request.starts_with(b"POST /auth/refresh") {
        fate(counts.refreshes.fetch_add(1, Ordering::SeqCst))
    } else {
        Fate::Pass
    };
    match fate {
        Fate::RequestLost => {}
        Fate::Pass => drop(client.write_all(&answer(server, &request))),
        Fate::AnswerLost => drop(answer(server, &request)),
        Fate::Reset => {
            drop(answer(server, &request));
            let linger = Some(Duration::ZERO);
            socket2::SockRef::from(&client).set_linger(linger).unwrap();
        }
        Fate::Cut => {
            let answer = answer(server, &request);
            drop(client.write_all(&answer[..answer.len() / 2]));
        }
        Fate::Slow(duration) => {
            let answer = answer(server, &request);
            pause(duration.as_millis().try_into().unwrap());
            drop(client.write_all(&answer));
        }
        Fate::Stall(duration) => {
            pause(duration.as_millis().try_into().unwrap());
            drop(answer(server, &request));
            counts.late.fetch_add(1, Ordering::SeqCst);
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}

/// A whole request: head and body.
fn request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = client.read(&mut buffer).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Some(bytes);
            }
        }
    }
}

/// The whole answer of the server.
fn answer(server: SocketAddr, request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    let request = text.replacen("\r\nhost:", "\r\nconnection: close\r\nhost:", 1);
    let mut answer = Vec::new();
    if let Ok(mut server) = TcpStream::connect(server) {
        let _ = server.write_all(request.as_bytes());
        let _ = server.read_to_end(&mut answer);
    }
    answer
}
