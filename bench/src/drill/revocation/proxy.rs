//! A proxy of TCP that can be cut: everything that goes through it ends at once, and nothing gets through until it is healed.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::failure::{Doing, Result};

/// The proxy, until it is dropped.
pub(super) struct Proxy {
    address: SocketAddr,
    /// Whether anything gets through.
    open: Arc<watch::Sender<bool>>,
    _runtime: Runtime,
}

impl Proxy {
    /// One before that address, on a thread of its own.
    ///
    /// # Errors
    /// There is no port for it.
    pub(super) fn before(server: SocketAddr) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime = runtime.doing("starting the proxy")?;
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)));
        let listener = listener.doing("listening")?;
        let address = listener.local_addr().doing("listening")?;
        let open = Arc::new(watch::Sender::new(true));
        runtime.spawn(accept(listener, server, Arc::clone(&open)));
        Ok(Self {
            address,
            open,
            _runtime: runtime,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn cut(&self) {
        self.open.send_replace(false);
    }

    pub(super) fn heal(&self) {
        self.open.send_replace(true);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, open: Arc<watch::Sender<bool>>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        // Whoever comes while it is cut is hung up on.
        if *open.borrow() {
            tokio::spawn(carry(client, server, open.subscribe()));
        }
    }
}

async fn carry(mut client: TcpStream, server: SocketAddr, mut open: watch::Receiver<bool>) {
    let Ok(mut upstream) = TcpStream::connect(server).await else {
        return;
    };
    // Nagle's algorithm would add waits that no network has.
    let _ = (client.set_nodelay(true), upstream.set_nodelay(true));
    tokio::select! {
        // Either end may go whenever it likes.
        _ = copy_bidirectional(&mut client, &mut upstream) => {}
        _ = open.wait_for(|open| !open) => {}
    }
}
