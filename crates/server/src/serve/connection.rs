//! One connection: the handshake if there is one, the version of HTTP, the time limits.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, HttpBody as _},
    http::{Request, Response},
};
use http_body_util::BodyExt as _;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Alarm,
    activity::{Activity, Running},
    drain::Open,
    proxy::{self, Source},
    refusal::Refusing,
};
use crate::{
    app::App,
    config::ServerConfig,
    http::{self, Peer},
    tls,
};

/// Streams that were reset before anything was done for them: as many as an honest client's second thoughts (rapid reset,
/// CVE-2023-44487).
const MOST_RESETS: usize = 20;

/// Streams that we reset because of what the client did with them. One that does not know the limits yet may open a few
/// hundred at once.
const MOST_ERRORS: usize = 1_000;

/// What one stream may send before it is read. No honest body is larger.
const WINDOW: u32 = 64 * 1024;

/// What one answer may wait with.
const SEND_BUFFER: usize = 64 * 1024;

/// The largest frame, and the table of headers that a client may fill: what the protocol wants at least, and h2 has by itself.
const FRAME: u32 = 16 * 1024;
const HEADER_TABLE: u32 = 4_096;

/// How long the last answer may be on its way once a connection is told to end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What every connection of one listener has.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) app: Arc<App>,
    pub(super) router: Router,
    /// What is served where there is no place, if anything.
    pub(super) crowded: Option<Router>,
    pub(super) tls: Option<TlsAcceptor>,
}

impl Site {
    /// The same listener for a connection that has no place.
    pub(super) fn when_crowded(&self) -> Option<Self> {
        let router = self.crowded.clone()?;
        Some(Self {
            router,
            ..self.clone()
        })
    }
}

/// Serves one connection, whose other end is known by now, until it ends.
pub(super) async fn run(site: Site, stream: TcpStream, peer: Option<Peer>, open: Open) {
    match site.tls.clone() {
        None => run_http1(site, stream, peer, open).await,
        // On the heap: a connection in plain need not have room for it.
        Some(acceptor) => Box::pin(run_tls(site, acceptor, stream, peer, open)).await,
    }
}

async fn run_tls(
    site: Site,
    acceptor: TlsAcceptor,
    stream: TcpStream,
    peer: Option<Peer>,
    mut open: Open,
) {
    let limit = site.app.config.tls.handshake_timeout;
    let handshake = tokio::select! {
        handshake = tokio::time::timeout(limit, acceptor.accept(stream)) => handshake,
        () = open.told_to_finish() => return,
    };
    // Who wants what is not spoken here was told so by rustls, as far as he can be told.
    let stream = match handshake {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(?peer, %error, "a TLS handshake failed"),
        Err(_) => return tracing::debug!(?peer, "a TLS handshake took too long"),
    };
    if stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2) {
        Box::pin(run_http2(site, stream, peer, open)).await;
    } else {
        Box::pin(run_http1(site, stream, peer, open)).await;
    }
}

/// Who is at the other end; none if the system does not know.
///
/// # Errors
/// [`Stranger`].
pub(super) async fn admit(site: &Site, stream: &mut TcpStream) -> Result<Option<Peer>, Stranger> {
    let limits = &site.app.config.server;
    prepare(stream, limits);
    let mut address = stream.peer_addr().ok().map(|peer| peer.ip().to_canonical());
    if limits.proxy_protocol {
        if !address.is_some_and(|address| limits.trusts(address)) {
            return Err(Stranger);
        }
        let header = tokio::time::timeout(limits.header_timeout, proxy::read(stream)).await;
        match header.ok().flatten().ok_or(Stranger)? {
            Source::Itself => {}
            Source::Client(client) => address = Some(client),
        }
    }
    Ok(address.map(|address| Peer {
        address,
        encrypted: site.tls.is_some(),
    }))
}

/// Somebody who is not the proxy that alone may connect.
pub(super) struct Stranger;

fn prepare(stream: &TcpStream, limits: &ServerConfig) {
    // Answers are small and whole: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    // Who does not read an answer in time loses the connection (RFC 5482); other systems have no such option.
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(limits.request_timeout));
}

async fn run_http1<S>(site: Site, stream: S, peer: Option<Peer>, mut open: Open)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let alarm = Alarm::default();
    let timer = alarm.clone();
    let limits = &site.app.config.server;
    let mut builder = http1::Builder::new();
    builder
        .timer(timer)
        .header_read_timeout(limits.header_timeout)
        // Head and body are one piece of memory and one write: answers are small.
        .writev(false)
        .max_header_size(limits.max_headers)
        .max_buf_size(limits.max_headers.max(8192));
    let stream = Refusing::over(stream, Arc::clone(&site.app), peer);
    let activity = Activity::new();
    let counted = activity.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let running = counted.begin();
        running.until_answered(answer(&site, peer, request, alarm.clone()))
    });
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    // A connection that breaks off is its client's affair.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = open.told_to_finish() => connection.as_mut().graceful_shutdown(),
    }
    finish(connection, &activity).await;
}

async fn run_http2<S>(site: Site, stream: S, peer: Option<Peer>, mut open: Open)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Activity::new();
    let limits = site.app.config.server.clone();
    let builder = http2_builder(&limits);
    let counted = activity.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let running = counted.begin();
        // Requests of one connection run in tasks of their own, so that each wants an alarm of its own.
        running.until_answered(answer(&site, peer, request, Alarm::default()))
    });
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = open.told_to_finish() => {}
        () = activity.ceased(limits.header_timeout) => {}
    }
    connection.as_mut().graceful_shutdown();
    // Who leaves answers unread for longer does without them.
    let _ = tokio::time::timeout(limits.request_timeout, finish(connection, &activity)).await;
}

/// Waits for a connection that was told to end, as long as something runs on it: a client need not do as it is told.
async fn finish(connection: impl Future, activity: &Activity) {
    activity.rest_from_now();
    tokio::select! {
        _ = connection => {}
        () = activity.ceased(LAST_WORDS) => {}
    }
}

fn http2_builder(limits: &ServerConfig) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_streams)
        .max_header_list_size(u32::try_from(limits.max_headers).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(MOST_RESETS)
        .max_local_error_reset_streams(MOST_ERRORS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW * 4)
        .max_send_buf_size(SEND_BUFFER)
        .max_frame_size(FRAME)
        .header_table_size(HEADER_TABLE)
        .keep_alive_interval(limits.request_timeout)
        .keep_alive_timeout(limits.header_timeout);
    builder
}

impl Running {
    /// Waits for the answer, and lets the request run until that has ended: one that is whole needs nobody any more.
    async fn until_answered(
        self,
        answer: impl Future<Output = Response<Body>>,
    ) -> Result<Response<Body>, Infallible> {
        let response = answer.await;
        Ok(match response.body().size_hint().exact() {
            Some(_) => response,
            None => response.map(|body| self.until_the_end(body)),
        })
    }

    fn until_the_end(self, body: Body) -> Body {
        Body::new(body.map_frame(move |frame| {
            let _held = &self;
            frame
        }))
    }
}

fn answer(
    site: &Site,
    peer: Option<Peer>,
    request: Request<Incoming>,
    alarm: Alarm,
) -> impl Future<Output = Response<Body>> + Send + use<> {
    let mut request = request.map(Body::new);
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer);
    }
    http::handle(Arc::clone(&site.app), site.router.clone(), request, alarm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_goes_on_keeps_its_connection() {
        const SECOND: Duration = Duration::from_secs(1);
        let activity = Activity::new();
        let body = activity.begin().until_the_end(Body::empty());
        let ceases = || tokio::time::timeout(SECOND * 60, activity.ceased(SECOND));
        assert!(ceases().await.is_err());
        drop(body);
        assert!(ceases().await.is_ok());
    }
}
