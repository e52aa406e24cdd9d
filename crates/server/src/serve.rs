//! The accept loop: connections, their limits, and the end.

mod alarm;

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::{
    Relatch,
    app::App,
    http::{self, Peer},
};

/// Serves until `stop` is done; then takes no new connections, lets running requests finish within the configured time,
/// and comes back.
pub async fn serve(listener: TcpListener, relatch: &Relatch, stop: impl Future<Output = ()>) {
    let app = &relatch.app;
    let server = Server {
        app: Arc::clone(app),
        router: http::router(Arc::clone(app)),
        graceful: GracefulShutdown::new(),
    };
    let slots = Arc::new(Semaphore::new(app.config.server.max_connections));
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => server.welcome(stream, &slots),
                Err(error) => {
                    // Out of file descriptors, most likely: closing connections will free some.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    // Their streams have no other end.
    app.feed.close();
    tracing::info!("stopping: running requests finish");
    if tokio::time::timeout(
        app.config.server.shutdown_timeout,
        server.graceful.shutdown(),
    )
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

pub(crate) use alarm::Alarm;

struct Server {
    app: Arc<App>,
    router: Router,
    graceful: GracefulShutdown,
}

impl Server {
    fn welcome(&self, stream: TcpStream, slots: &Arc<Semaphore>) {
        match Arc::clone(slots).try_acquire_owned() {
            Ok(slot) => self.connect(stream, slot),
            Err(_) => turn_away(&stream),
        }
    }

    fn connect(&self, stream: TcpStream, slot: OwnedSemaphorePermit) {
        // Answers are small and whole: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        // Who does not read an answer in time loses the connection (RFC 5482); other systems have no
        // such option.
        #[cfg(target_os = "linux")]
        let _ = socket2::SockRef::from(&stream)
            .set_tcp_user_timeout(Some(self.app.config.server.request_timeout));
        let peer = stream
            .peer_addr()
            .ok()
            .map(|address| Peer(address.ip().to_canonical()));
        let (app, router, limits) = (
            Arc::clone(&self.app),
            self.router.clone(),
            &self.app.config.server,
        );
        let alarm = Alarm::default();
        let timer = alarm.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            if let Some(peer) = peer {
                request.extensions_mut().insert(peer);
            }
            let answer = http::handle(Arc::clone(&app), router.clone(), request, alarm.clone());
            async { Ok::<_, std::convert::Infallible>(answer.await) }
        });
        let connection = http1::Builder::new()
            .timer(timer)
            .header_read_timeout(limits.header_timeout)
            // Head and body are one piece of memory and one write: answers are small.
            .writev(false)
            .max_header_size(limits.max_headers)
            .max_buf_size(limits.max_headers.max(8192))
            .serve_connection(TokioIo::new(stream), service);
        let connection = self.graceful.watch(connection);
        tokio::spawn(async move {
            // A connection that breaks off is its client's affair.
            let _ = connection.await;
            drop(slot);
        });
    }
}

const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// One connection too many: it is told so if that costs nothing.
fn turn_away(stream: &TcpStream) {
    let _ = stream.try_write(FULL);
    tracing::warn!("a connection was turned away: server.max_connections are open");
}
