//! Removes the rows of sessions that ended long ago: a few at a time, along the key, with pauses, so that the writer never
//! notices.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use crate::app::App;

/// How many rows one step looks at.
const STEP: u32 = 200;

/// Between two steps: 4,000 rows a second, so that ten million take three quarters of an hour.
const PAUSE: Duration = Duration::from_millis(50);

/// Between two walks.
const REST: Duration = Duration::from_mins(30);

/// Starts the walk; it ends when the server is gone.
pub(crate) fn start(app: &Arc<App>) {
    tokio::spawn(run(Arc::downgrade(app)));
}

async fn run(app: Weak<App>) {
    let (mut place, mut gone) = (None, 0);
    loop {
        tokio::time::sleep(if place.is_some() { PAUSE } else { REST }).await;
        let Some(app) = app.upgrade() else { return };
        match app
            .domain
            .store
            .sweep_sessions(place, STEP, app.clock.now())
            .await
        {
            Ok((next, removed)) => {
                (place, gone) = (next, gone + removed);
                if place.is_none() && gone > 0 {
                    tracing::info!(sessions = gone, "removed sessions that ended long ago");
                    gone = 0;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "ended sessions were not removed; the next walk does it");
                place = None;
            }
        }
    }
}
