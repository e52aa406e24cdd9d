//! The task that follows the feed: snapshot, stream, and again when the stream breaks. Entries are only ever added; what comes
//! twice does no harm, so in doubt it takes the snapshot once more.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Uri, header};
use thiserror::Error;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::entry::{Entry, Heartbeat, Position};
use super::sse::{Event, Parser, StreamError};
use super::{Feed, snapshot};
use crate::jwks::Keeper;
use crate::resource_server::State;
use crate::transport::{FetchError, Request, Response, Transport, UrlError, chain, fetch};
use crate::{VerifyError, chance};

const STREAM_TYPE: &str = "text/event-stream";
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);
/// However long a user chose.
const LONGEST_QUIET: Duration = Duration::from_hours(24);
/// How long a snapshot may take.
const SNAPSHOT_TIME: Duration = Duration::from_secs(30);

/// Follows a feed until it is dropped.
#[derive(Debug)]
pub(crate) struct Follower {
    task: AbortHandle,
}

/// Why a stream ended. It always does.
#[derive(Debug, Error)]
enum End {
    #[error("the issuer asks for a new beginning")]
    Reset,
    #[error("nothing came for too long")]
    Quiet,
    #[error("the stream ended")]
    Closed,
    #[error("the answer is no event stream")]
    NoStream,
    #[error("an event `{0}` is malformed")]
    Malformed(&'static str),
    #[error("the stream is malformed")]
    Stream(#[from] StreamError),
    #[error("the feed is not to be had")]
    Fetch(#[from] FetchError),
}

impl Follower {
    pub(crate) fn start(
        feed: Feed,
        transport: Arc<dyn Transport>,
        state: Arc<State>,
        keeper: Arc<Keeper>,
    ) -> Result<Self, UrlError> {
        let connection = Connection {
            stream_url: feed.stream_url()?,
            stream_headers: feed.headers(STREAM_TYPE)?,
            snapshot_url: feed.snapshot_url()?,
            snapshot_headers: feed.headers("application/jwt, application/jose, */*")?,
            quiet: feed.quiet.min(LONGEST_QUIET),
            transport,
            state,
            keeper,
            last: None,
            alive: false,
        };
        let task = tokio::spawn(connection.follow()).abort_handle();
        Ok(Self { task })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Connection {
    stream_url: Uri,
    stream_headers: HeaderMap,
    snapshot_url: Uri,
    snapshot_headers: HeaderMap,
    quiet: Duration,
    transport: Arc<dyn Transport>,
    state: Arc<State>,
    keeper: Arc<Keeper>,
    /// Up to where everything is known; `None` asks for the snapshot.
    last: Option<Position>,
    /// Whether a heartbeat came since the stream began.
    alive: bool,
}

impl Connection {
    async fn follow(mut self) {
        let mut failures = 0_u32;
        loop {
            self.alive = false;
            if let Err(end) = self.connect().await {
                let reason = chain(&end);
                tracing::warn!(url = %self.stream_url, %reason, "revocations are not followed; trying again");
            }
            failures = if self.alive {
                0
            } else {
                failures.saturating_add(1)
            };
            tokio::time::sleep(chance::backoff(failures, FIRST_RETRY, LAST_RETRY)).await;
        }
    }

    /// Everything that was revoked, then what is revoked as it happens, until that ends.
    async fn connect(&mut self) -> Result<(), End> {
        if self.last.is_none() {
            self.take_snapshot().await?;
        }
        let response = self.open().await?;
        self.read(response).await
    }

    async fn take_snapshot(&mut self) -> Result<(), FetchError> {
        let request = Request::new(self.snapshot_url.clone(), self.snapshot_headers.clone());
        let transport = self.transport.as_ref();
        let (_, body) = fetch(transport, request, snapshot::BYTES, SNAPSHOT_TIME).await?;
        let mut read = snapshot::read(&body, &self.state);
        // At the very start the keys are still on their way; later, a new one may have come.
        let unknown = VerifyError::KeyUnknown;
        if let Err(FetchError::Refused(error)) = &read
            && (*error == unknown || *error == VerifyError::KeysUnavailable)
            && self.keeper.ask().await
        {
            read = snapshot::read(&body, &self.state);
        }
        let snapshot = read?;
        for revocation in snapshot.revoked.into_iter().flat_map(Entry::revocations) {
            self.state.revoke(revocation);
        }
        self.state.heard(snapshot.iat);
        self.last = Some(snapshot.last);
        Ok(())
    }

    async fn open(&self) -> Result<Response, End> {
        let mut headers = self.stream_headers.clone();
        let last = self
            .last
            .as_ref()
            .map(|last| HeaderValue::from_str(last.as_str()));
        if let Some(Ok(last)) = last {
            headers.insert("last-event-id", last);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let asked = self
            .transport
            .get(Request::new(self.stream_url.clone(), headers));
        let answer = timeout(self.quiet, asked).await.map_err(|_| End::Quiet)?;
        let response = answer.map_err(FetchError::from)?.ok()?;
        let is_stream = |value: &HeaderValue| {
            let media_type = value.as_bytes().split(|byte| *byte == b';').next();
            media_type
                .is_some_and(|it| it.trim_ascii().eq_ignore_ascii_case(STREAM_TYPE.as_bytes()))
        };
        if !response
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(is_stream)
        {
            return Err(End::NoStream);
        }
        Ok(response)
    }

    async fn read(&mut self, mut response: Response) -> Result<(), End> {
        let mut parser = Parser::default();
        let mut deadline = Instant::now() + self.quiet;
        loop {
            // Not bytes but events keep it alive: a proxy may drip comments for ever.
            let chunk = timeout_at(deadline, response.body.chunk()).await;
            let chunk = chunk.map_err(|_| End::Quiet)?.map_err(FetchError::from)?;
            let mut events = Vec::new();
            let parsed = parser.feed(&chunk.ok_or(End::Closed)?, |event| events.push(event));
            for event in events {
                self.take(&event)?;
                deadline = Instant::now() + self.quiet;
            }
            parsed?;
        }
    }

    fn take(&mut self, event: &Event) -> Result<(), End> {
        match event.name.as_str() {
            "revoked" => self.take_revoked(event),
            "heartbeat" => self.take_heartbeat(event),
            "reset" => {
                self.last = None;
                Err(End::Reset)
            }
            _ => Ok(()),
        }
    }

    /// What cannot be read must not be skipped: the snapshot will tell.
    fn take_revoked(&mut self, event: &Event) -> Result<(), End> {
        let Ok(entry) = serde_json::from_str::<Entry>(&event.data) else {
            self.last = None;
            return Err(End::Malformed("revoked"));
        };
        for revocation in entry.revocations() {
            self.state.revoke(revocation);
        }
        if let Some(position) = event.id.as_deref().and_then(Position::parse) {
            self.last = Some(position);
        }
        Ok(())
    }

    fn take_heartbeat(&mut self, event: &Event) -> Result<(), End> {
        let heartbeat: Heartbeat =
            serde_json::from_str(&event.data).map_err(|_| End::Malformed("heartbeat"))?;
        // The issuer is on another timeline: what this one had between is not known.
        if self
            .last
            .as_ref()
            .is_some_and(|last| !last.same_epoch(&heartbeat.id))
        {
            self.last = None;
            return Err(End::Reset);
        }
        self.last = Some(heartbeat.id);
        self.alive = true;
        self.state.heard(heartbeat.at);
        Ok(())
    }
}
