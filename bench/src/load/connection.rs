//! One connection of the generator.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use crate::carrier::Carrier;
use crate::wire;

/// What one connection sends, one request after the other.
pub(crate) trait Chain: 'static {
    /// Appends the next request to an empty `buffer`.
    fn request(&mut self, buffer: &mut Vec<u8>);

    /// Learns from the answer to it.
    fn answered(&mut self, status: u16, body: &[u8]);
}

/// Tells all connections at once whether to warm up, to be measured or to end.
#[derive(Debug, Default)]
pub(super) struct Gate {
    measured: Cell<bool>,
    closed: Cell<bool>,
}

impl Gate {
    pub(super) fn measure(&self) {
        self.measured.set(true);
    }

    pub(super) fn close(&self) {
        self.measured.set(false);
        self.closed.set(true);
    }
}

/// What one connection saw in the measured interval.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// µs from the request's first byte out to the answer's last byte in.
    pub(super) micros: Vec<u32>,
    /// Answers other than 2xx, by status.
    pub(super) refused: BTreeMap<u16, u64>,
}

/// Sends `chain`'s requests until the gate closes.
pub(super) async fn drive<C: Chain>(
    address: SocketAddr,
    carrier: Carrier,
    mut chain: C,
    gate: Rc<Gate>,
) -> io::Result<(Seen, C)> {
    let mut stream = carrier.connect(address).await?;
    let mut seen = Seen::default();
    let (mut request, mut answer) = (Vec::with_capacity(512), Vec::with_capacity(8192));
    while !gate.closed.get() {
        request.clear();
        chain.request(&mut request);
        let begun = Instant::now();
        let head = wire::exchange(&mut stream, &request, &mut answer).await?;
        let micros = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
        chain.answered(head.status, answer.get(head.length..).unwrap_or_default());
        if gate.measured.get() {
            seen.note(head.status, micros);
        }
    }
    Ok((seen, chain))
}

impl Seen {
    fn note(&mut self, status: u16, micros: u32) {
        if (200..300).contains(&status) {
            self.micros.push(micros);
        } else {
            *self.refused.entry(status).or_default() += 1;
        }
    }
}
