//! The task that keeps keys fresh, and how a request asks it for more. One task makes every fetch, so there is never more than
//! one at a time, and a request that is given up takes no fetch with it.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Uri, header};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::{KeySource, freshness};
use crate::resource_server::State;
use crate::transport::{FetchError, Request, Transport, UrlError, chain, fetch};
use crate::{KeySet, chance};

/// What a key set may take. The largest known are a few dozen RSA keys with certificates.
const BODY_BYTES: usize = 512 * 1024;
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_mins(1);
/// However long the bounds that a user chose.
const LONGEST_REST: Duration = Duration::from_hours(24);

/// Keeps the keys of a resource server fresh until it is dropped.
#[derive(Debug)]
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    wanted: Notify,
    progress: watch::Sender<Progress>,
    pause: Duration,
    /// How long an asker waits at the very most.
    patience: Duration,
}

/// How far the task is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// When the newest fetch began.
    began: Instant,
    running: bool,
    /// How many have ended, well or not.
    ended: u64,
}

impl Keeper {
    /// Starts the task: the first fetch begins at once.
    pub(crate) fn start(
        source: KeySource,
        transport: Arc<dyn Transport>,
        state: Arc<State>,
    ) -> Result<Self, UrlError> {
        let url = source.url()?;
        let progress = Progress {
            began: Instant::now(),
            running: true,
            ended: 0,
        };
        let shared = Arc::new(Shared {
            wanted: Notify::new(),
            progress: watch::Sender::new(progress),
            pause: source.pause,
            patience: source.timeout.saturating_add(FIRST_RETRY),
        });
        let fetcher = Fetcher {
            source,
            url,
            transport,
            state,
            failures: 0,
        };
        let task = tokio::spawn(fetcher.keep(Arc::clone(&shared))).abort_handle();
        Ok(Self { shared, task })
    }

    /// Has the keys fetched unless that was done a moment ago; whether a fetch has ended meanwhile.
    pub(crate) async fn ask(&self) -> bool {
        let mut progress = self.progress();
        let seen = *progress.borrow();
        if !seen.running {
            if seen.began.elapsed() < self.shared.pause {
                return false;
            }
            self.shared.wanted.notify_one();
        }
        let ended = progress.wait_for(|now| now.ended > seen.ended);
        let ended = tokio::time::timeout(self.shared.patience, ended).await;
        ended.is_ok_and(|ended| ended.is_ok())
    }

    /// Tells of each fetch that begins or ends from now on.
    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.shared.progress.subscribe()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Fetcher {
    source: KeySource,
    url: Uri,
    transport: Arc<dyn Transport>,
    state: Arc<State>,
    failures: u32,
}

impl Fetcher {
    async fn keep(mut self, shared: Arc<Shared>) {
        loop {
            shared.progress.send_modify(|progress| {
                progress.began = Instant::now();
                progress.running = true;
            });
            let wait = self.turn().await;
            shared.progress.send_modify(|progress| {
                progress.running = false;
                progress.ended += 1;
            });
            rest(&shared, Instant::now() + wait.min(LONGEST_REST)).await;
        }
    }

    /// One fetch; how long to wait for the next.
    async fn turn(&mut self) -> Duration {
        match self.fetch().await {
            Ok(fresh) => {
                self.failures = 0;
                // Ahead of the end, and not all resource servers in one moment.
                fresh.mul_f64(0.75 + 0.15 * chance::fraction())
            }
            Err(error) => {
                let reason = chain(&error);
                tracing::warn!(url = %self.url, %reason, "the issuer's keys are not to be had");
                self.failures = self.failures.saturating_add(1);
                chance::backoff(self.failures, FIRST_RETRY, LAST_RETRY)
            }
        }
    }

    async fn fetch(&self) -> Result<Duration, FetchError> {
        let mut headers = HeaderMap::new();
        let accepted = HeaderValue::from_static("application/jwk-set+json, application/json");
        headers.insert(header::ACCEPT, accepted);
        let request = Request::new(self.url.clone(), headers);
        // The age counts from the moment of asking: what is removed after that, the answer may still have.
        let now = self.state.clock.now();
        let answer = fetch(
            self.transport.as_ref(),
            request,
            BODY_BYTES,
            self.source.timeout,
        )
        .await;
        let (headers, body) = answer?;
        let keys: KeySet =
            serde_json::from_slice(&body).map_err(|_| FetchError::Malformed("no key set"))?;
        let fresh = self.source.bounded(freshness::lifetime(&headers));
        let relied = fresh.saturating_add(self.source.outage).as_secs();
        let until = now.saturating_add(i64::try_from(relied).unwrap_or(i64::MAX));
        self.state.set_keys(keys, until);
        Ok(fresh)
    }
}

/// Waits until `due`, or until somebody wants keys and the pause is over.
async fn rest(shared: &Shared, due: Instant) {
    while tokio::time::timeout_at(due, shared.wanted.notified())
        .await
        .is_ok()
    {
        let began = shared.progress.borrow().began;
        if began.elapsed() >= shared.pause {
            return;
        }
    }
}
