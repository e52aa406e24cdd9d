//! Removes the rows of sessions that ended long ago, what is left of deleted users, old counts of failed logins and old revocations: a few
//! at a time, along the key, with pauses, so that the writer never notices.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use relatch_core::StoreError;

use crate::app::App;

/// How many rows one step looks at.
const STEP: u32 = 200;

/// Between two steps: 4,000 rows a second, so that ten million take three quarters of an hour.
const PAUSE: Duration = Duration::from_millis(50);

/// Between two walks.
const REST: Duration = Duration::from_mins(30);

/// Before the first walk: a start has other things to do.
const QUIET_START: Duration = Duration::from_mins(1);

/// How long failed logins stay counted.
const KEEP_FAILED_LOGINS: Duration = Duration::from_hours(90 * 24);

/// Starts the walk; it ends when the server is gone.
pub(crate) fn start(app: &Arc<App>) {
    tokio::spawn(run(Arc::downgrade(app)));
}

async fn run(app: Weak<App>) {
    tokio::time::sleep(QUIET_START).await;
    while app.strong_count() > 0 {
        for swept in [
            sessions(&app).await,
            deleted_users(&app).await,
            failed_logins(&app).await,
            revocations(&app).await,
        ] {
            if let Err(error) = swept {
                tracing::warn!(%error, "what is old was not removed; the next walk does it");
            }
        }
        tokio::time::sleep(REST).await;
    }
}

/// One walk along all sessions.
async fn sessions(app: &Weak<App>) -> Result<(), StoreError> {
    let (mut place, mut gone) = (None, 0);
    while let Some(app) = app.upgrade() {
        let (next, removed) = app
            .domain
            .store
            .sweep_sessions(place, STEP, app.clock.now())
            .await?;
        (place, gone) = (next, gone + removed);
        if place.is_none() {
            break;
        }
        drop(app);
        tokio::time::sleep(PAUSE).await;
    }
    if gone > 0 {
        tracing::info!(sessions = gone, "removed sessions that ended long ago");
    }
    Ok(())
}

/// One walk along the deleted users: after that along the sessions, for those are what they stay for.
async fn deleted_users(app: &Weak<App>) -> Result<(), StoreError> {
    let (mut place, mut gone) = (None, 0);
    while let Some(app) = app.upgrade() {
        let (next, removed) = app.domain.store.sweep_users(place, STEP).await?;
        (place, gone) = (next, gone + removed);
        if place.is_none() {
            break;
        }
        drop(app);
        tokio::time::sleep(PAUSE).await;
    }
    if gone > 0 {
        tracing::info!(users = gone, "removed what was left of deleted users");
    }
    Ok(())
}

async fn revocations(app: &Weak<App>) -> Result<(), StoreError> {
    while let Some(app) = app.upgrade() {
        let now = app.clock.now();
        if app.domain.store.sweep_revocations(now, STEP).await? == 0 {
            break;
        }
        drop(app);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn failed_logins(app: &Weak<App>) -> Result<(), StoreError> {
    while let Some(app) = app.upgrade() {
        let before = app.clock.now().minus(KEEP_FAILED_LOGINS);
        if app.domain.store.sweep_failed_logins(before, STEP).await? == 0 {
            break;
        }
        drop(app);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
