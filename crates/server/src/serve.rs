//! The accept loop: listeners, connections in all, and the end.

mod activity;
mod alarm;
mod connection;
mod drain;
mod listeners;
mod proxy;
mod refusal;

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::net::{TcpListener, TcpStream};

use crate::{
    Relatch,
    config::ServerConfig,
    http, jobs,
    places::{Place, Places},
};
use connection::Site;
use drain::{Drain, Open};

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
        crowded: Some(http::crowded_router()),
        tls: acceptor,
    };
    let plain = Site {
        app: Arc::clone(app),
        router: http::redirect_router(Arc::clone(app)),
        crowded: None,
        tls: None,
    };
    let door = Door::new(&app.config.server);
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
    places: Arc<Places>,
    /// For connections that have no place: few, and not for long.
    spare: Arc<Places>,
    turned_away: TurnedAway,
    drain: Drain,
}

/// Enough for those who ask whether we are well, and to tell some others why they are turned away.
const SPARE_PLACES: usize = 64;
const SPARE_EACH: usize = 2;

/// How long such a connection may last, its handshake included.
const SPARE_TIME: Duration = Duration::from_secs(3);

impl Door {
    fn new(limits: &ServerConfig) -> Arc<Self> {
        Arc::new(Self {
            places: Places::new(limits.max_connections, limits.max_per_address),
            spare: Places::new(SPARE_PLACES, SPARE_EACH),
            turned_away: TurnedAway::default(),
            drain: Drain::new(),
        })
    }

    async fn receive_some(
        self: &Arc<Self>,
        listener: Option<&TcpListener>,
        site: &Site,
    ) -> Infallible {
        match listener {
            Some(listener) => self.receive(listener, site).await,
            None => std::future::pending().await,
        }
    }

    async fn receive(self: &Arc<Self>, listener: &TcpListener, site: &Site) -> Infallible {
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

    fn welcome(self: &Arc<Self>, stream: TcpStream, site: &Site) {
        // Whose a connection is may take reading its first bytes, for which it must have a place.
        let place = self.places.take(None).or_else(|_| self.spare.take(None));
        let Ok(place) = place else {
            return self.turned_away.tell(&stream, site);
        };
        let (door, site, open) = (Arc::clone(self), site.clone(), self.drain.open());
        tokio::spawn(async move { door.guide(stream, site, place, open).await });
    }

    /// Lets a connection in, if its address has not too many.
    async fn guide(&self, mut stream: TcpStream, site: Site, mut place: Place, mut open: Open) {
        let peer = tokio::select! {
            peer = connection::admit(&site, &mut stream) => peer,
            () = open.told_to_finish() => return,
        };
        let Ok(peer) = peer else {
            return tracing::debug!(
                "a connection came from no trusted proxy, or without its PROXY header"
            );
        };
        let limits = &site.app.config.server;
        let counted = peer.map(|peer| peer.address);
        if let Some(address) = counted.filter(|address| !limits.trusts(*address))
            && place.give_to(address).is_err()
        {
            let Ok(spare) = self.spare.take(Some(address)) else {
                return self.turned_away.tell(&stream, &site);
            };
            place = spare;
        }
        if place.is_of(&self.places) {
            return connection::run(site, stream, peer, open).await;
        }
        let Some(crowded) = site.when_crowded() else {
            return self.turned_away.tell(&stream, &site);
        };
        let run = Box::pin(connection::run(crowded, stream, peer, open));
        let _ = tokio::time::timeout(SPARE_TIME, run).await;
    }
}

const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Connections for which there was no place at all.
#[derive(Default)]
struct TurnedAway(Mutex<(Option<Instant>, u64)>);

impl TurnedAway {
    /// Tells one so if that costs nothing, which a handshake would; and the log, once a second.
    fn tell(&self, stream: &TcpStream, site: &Site) {
        if site.tls.is_none() {
            let _ = stream.try_write(FULL);
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (told, count) = &mut *state;
        *count += 1;
        if told.is_none_or(|told| told.elapsed() >= Duration::from_secs(1)) {
            tracing::warn!(
                connections = *count,
                "turned away: server.max_connections are open, or server.max_per_address of one address"
            );
            *told = Some(Instant::now());
            *count = 0;
        }
    }
}
