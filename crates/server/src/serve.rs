//! The accept loop: listeners, connections in all, and the end.

mod activity;
mod alarm;
mod connection;
mod drain;
mod listeners;
mod proxy;

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use crate::{Relatch, http, jobs};
use connection::Site;
use drain::Drain;

pub(crate) use alarm::Alarm;
pub use listeners::{ListenError, Listeners};

/// Serves until `stop` is done; then takes no new connections, lets running requests finish within the configured time,
/// and comes back.
pub async fn serve(listeners: Listeners, relatch: &Relatch, stop: impl Future<Output = ()>) {
    let app = &relatch.app;
    let Listeners { api, tls, redirect } = listeners;
    let (acceptor, watch) = tls.unzip();
    let _watching = watch.map(|watch| jobs::certificates::start(app, watch));
    let site = Site {
        app: Arc::clone(app),
        router: http::router(Arc::clone(app)),
        tls: acceptor,
    };
    let plain = Site {
        app: Arc::clone(app),
        router: http::redirect_router(Arc::clone(app)),
        tls: None,
    };
    let door = Door {
        slots: Arc::new(Semaphore::new(app.config.server.max_connections)),
        drain: Drain::new(),
    };
    tokio::pin!(stop);
    tokio::select! {
        () = &mut stop => {}
        never = door.receive(&api, &site) => match never {},
        never = door.receive_some(redirect.as_ref(), &plain) => match never {},
    }
    drop((api, redirect));
    // Their streams have no other end.
    app.feed.close();
    tracing::info!("stopping: running requests finish");
    let finish = door.drain.finish();
    if tokio::time::timeout(app.config.server.shutdown_timeout, finish)
        .await
        .is_err()
    {
        tracing::warn!("some requests did not finish in time");
    }
}

/// Done when the process is told to stop: Ctrl-C or SIGTERM. From the call on, and not from when it is first waited for,
/// these no longer end the process by themselves. Wants a runtime.
pub fn signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    async {
        let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
            tracing::error!("signals cannot be waited for; only SIGKILL stops this process");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

/// What all listeners share.
struct Door {
    slots: Arc<Semaphore>,
    drain: Drain,
}

impl Door {
    async fn receive_some(&self, listener: Option<&TcpListener>, site: &Site) -> Infallible {
        match listener {
            Some(listener) => self.receive(listener, site).await,
            None => std::future::pending().await,
        }
    }

    async fn receive(&self, listener: &TcpListener, site: &Site) -> Infallible {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => self.welcome(stream, site),
                Err(error) => {
                    // Out of file descriptors, most likely: closing connections will free some.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn welcome(&self, stream: TcpStream, site: &Site) {
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            return turn_away(&stream, site);
        };
        let connection = connection::run(site.clone(), stream, self.drain.open());
        tokio::spawn(async move {
            connection.await;
            drop(slot);
        });
    }
}

const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// One connection too many: it is told so if that costs nothing, which a handshake would.
fn turn_away(stream: &TcpStream, site: &Site) {
    if site.tls.is_none() {
        let _ = stream.try_write(FULL);
    }
    tracing::warn!("a connection was turned away: server.max_connections are open");
}
