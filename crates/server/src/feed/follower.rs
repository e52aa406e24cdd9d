//! One follower: its place in the feed, and the stream that it reads.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::body::{Bytes, HttpBody};
use hyper::body::Frame;
use relatch_core::{
    resource_server::CredentialHash,
    revocation::{Backlog, Position},
};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{Since, event};
use crate::app::App;

/// How many entries a follower takes from the database at once.
const PAGE: u32 = 256;

/// Up to where a follower was told everything.
pub(super) struct Place {
    pub(super) epoch: String,
    pub(super) sequence: u64,
    /// The number of the last heartbeat.
    pub(super) beats: u64,
}

/// A follower, until it goes or falls behind.
pub(crate) struct Follower {
    app: Arc<App>,
    /// What it came with: taken away, it ends.
    credential: Option<CredentialHash>,
    place: Place,
    changed: watch::Receiver<()>,
    waiting: VecDeque<Bytes>,
    /// How many events came from the database.
    caught_up: usize,
    /// What waits is the last of it.
    last: bool,
    _slot: OwnedSemaphorePermit,
}

impl Follower {
    /// That begins there.
    pub(crate) fn new(
        app: Arc<App>,
        credential: Option<CredentialHash>,
        begin: Position,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            credential,
            place: Place {
                epoch: begin.epoch,
                sequence: begin.sequence,
                beats: 0,
            },
            changed: app.feed.changed.subscribe(),
            waiting: VecDeque::from([event::GREETING]),
            caught_up: 0,
            last: false,
            _slot: slot,
            app,
        }
    }

    /// Its stream, as the body of an answer.
    pub(crate) fn into_body(self) -> axum::body::Body {
        axum::body::Body::new(Stream(Box::pin(self.step())))
    }

    async fn step(mut self) -> Option<(Bytes, Self)> {
        let next = self.next().await?;
        Some((next, self))
    }

    /// The next event; nothing at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(next) = self.waiting.pop_front() {
                return Some(next);
            }
            if self.last || !self.is_welcome() {
                return None;
            }
            // What changes from here on is not slept through.
            self.changed.borrow_and_update();
            match self.app.feed.since(&self.place) {
                Since::Events(events, last) => {
                    self.waiting.extend(events);
                    self.place.sequence = last;
                }
                Since::Beat(beat, number) => {
                    self.waiting.push_back(beat);
                    self.place.beats = number;
                }
                Since::Nothing => self.changed.changed().await.ok()?,
                Since::Behind => self.catch_up().await?,
                Since::Reset => self.reset(),
                Since::Closed => return None,
            }
        }
    }

    fn is_welcome(&self) -> bool {
        let servers = &self.app.resource_servers;
        self.credential.is_none_or(|hash| servers.knows(hash))
    }

    fn reset(&mut self) {
        self.waiting.push_back(event::RESET);
        self.last = true;
    }

    /// What memory does not have any more, from the database, a page at a time: for whoever was away. One that was current
    /// and is behind now was too slow, and goes. One that was away for too long takes the snapshot, which all share.
    async fn catch_up(&mut self) -> Option<()> {
        if self.place.beats > 0 {
            return None;
        }
        let store = &self.app.domain.store;
        let page = store.revocations_after(self.place.sequence, PAGE).await;
        let Backlog { last, entries, .. } = page.ok()?;
        self.caught_up += entries.len();
        let too_many = self.caught_up > self.app.config.resource_servers.buffer;
        if too_many || last.epoch != self.place.epoch {
            self.reset();
            return Some(());
        }
        for (sequence, revocation) in &entries {
            let id = Position {
                epoch: last.epoch.clone(),
                sequence: *sequence,
            };
            self.waiting.push_back(event::revoked(&id, revocation));
        }
        // The database may be ahead of what was looked at; what comes twice does no harm.
        self.place.sequence = last.sequence.min(self.app.feed.tail().end());
        Some(())
    }
}

/// Yields what the follower waits for; a step owns the follower and gives it back.
struct Stream(Pin<Box<Step>>);

type Step = dyn Future<Output = Option<(Bytes, Follower)>> + Send;

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some((next, follower)) = ready!(self.0.as_mut().poll(context)) else {
            self.0 = Box::pin(std::future::pending());
            return Poll::Ready(None);
        };
        self.0 = Box::pin(follower.step());
        Poll::Ready(Some(Ok(Frame::data(next))))
    }
}
