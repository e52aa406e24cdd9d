//! Sees what is revoked, by this process at once and by others within a quarter of a second, and keeps followers awake.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use relatch_core::StoreError;

use crate::app::App;

/// Between two looks when nothing wakes: what the command line revokes is seen then.
const PAUSE: Duration = Duration::from_millis(200);

/// Between two looks when something does: a flood of logouts is told in bundles.
const BREATH: Duration = Duration::from_millis(2);

/// Between two heartbeats.
const BEAT: Duration = Duration::from_secs(2);

/// Between two looks at the credentials.
const CREDENTIALS: Duration = Duration::from_millis(500);

/// Starts looking; it ends when the server is gone.
pub(crate) fn start(app: &Arc<App>) {
    tokio::spawn(run(Arc::downgrade(app)));
}

async fn run(app: Weak<App>) {
    let (mut well, mut due) = (true, Due::default());
    while let Some(app) = app.upgrade() {
        let looked = due.look(&app).await;
        if app.is_closed() {
            return;
        }
        if let (Err(error), true) = (&looked, well) {
            tracing::warn!(%error, "the revocations could not be looked at; followers hear nothing until they can");
        }
        well = looked.is_ok();
        let store = Arc::clone(&app.domain.store);
        drop(app);
        tokio::time::sleep(BREATH).await;
        let _ = tokio::time::timeout(PAUSE, store.revoked()).await;
    }
}

/// When what is done less often was done last.
#[derive(Default)]
struct Due {
    beat: Option<Instant>,
    credentials: Option<Instant>,
}

impl Due {
    async fn look(&mut self, app: &App) -> Result<(), StoreError> {
        let store = app.domain.store.as_ref();
        // What is revoked from here on is not spoken for.
        let at = app.clock.now();
        app.feed.look(store).await?;
        if is_due(&mut self.beat, BEAT) {
            app.feed.beat(at);
        }
        if is_due(&mut self.credentials, CREDENTIALS) && app.resource_servers.look(store).await? {
            app.feed.wake();
        }
        Ok(())
    }
}

fn is_due(last: &mut Option<Instant>, pause: Duration) -> bool {
    let due = last.is_none_or(|last| last.elapsed() >= pause);
    if due {
        *last = Some(Instant::now());
    }
    due
}
