//! Turning and withdrawing keys by somebody's order, in a server that runs.

use std::{sync::Arc, time::Duration};

use relatch_core::{
    StoreError,
    event::Administrator,
    key::{KeyTable, Moment, Purpose, turn},
};

use crate::{app::App, jobs, keyring};

/// How often a change is tried anew because somebody else has just changed the keys too.
const TRIES: usize = 5;

/// Why no key was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderError {
    /// There is no such key.
    #[error("there is no such key")]
    NotFound,
    /// It would log devices out, which nobody said is right.
    #[error("that logs devices out")]
    LogsOut,
    /// Somebody else changes the keys all the time.
    #[error("somebody else changes the keys all the time")]
    Contended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Asks for the active keys of these purposes to be replaced as soon as their standbys have been known for long enough.
pub(crate) async fn rotate(
    app: &App,
    purposes: &[Purpose],
    by: &Administrator,
) -> Result<KeyTable, OrderError> {
    let store = &app.domain.store;
    for _ in 0..TRIES {
        let mut table = store.load_keys().await?;
        for purpose in purposes {
            turn::request(&mut table.records, *purpose, by.now);
        }
        if store
            .save_keys(table.version, table.records, by.clone())
            .await?
        {
            tracing::info!(
                by = by.actor.name(),
                "somebody ordered the keys to be turned"
            );
            return Ok(store.load_keys().await?);
        }
    }
    Err(OrderError::Contended)
}

/// Withdraws a key at once; its standby takes its place. One that refresh tokens are made with only if devices may be logged
/// out by that.
pub(crate) async fn compromise(
    app: &Arc<App>,
    id: &str,
    log_out: bool,
    by: &Administrator,
) -> Result<KeyTable, OrderError> {
    let store = &app.domain.store;
    // A rewrap beside this would drop the master key that the new standby is sealed with.
    let _alone = keyring::lock_masters(&app.config).map_err(|_| OrderError::Contended)?;
    jobs::seal::at_once(app).await?;
    for _ in 0..TRIES {
        let mut table = store.load_keys().await?;
        // New keys are sealed with the master key that these open with: it may have been replaced meanwhile.
        app.take_keys(&table, by.now)?;
        let found = table.records.iter().find(|key| key.id == id);
        let purpose = found.ok_or(OrderError::NotFound)?.purpose;
        if purpose == Purpose::RefreshTag && !log_out {
            return Err(OrderError::LogsOut);
        }
        if !turn::compromise(&mut table.records, purpose, id, by.now) {
            return Ok(table);
        }
        let moment = Moment {
            now: by.now,
            served: Duration::ZERO,
        };
        let turned = turn::turn(&table.records, &keyring::policy(&app.config), moment);
        let records = jobs::keys::supplied(app, turned, by.now).await?;
        if store.save_keys(table.version, records, by.clone()).await? {
            tracing::warn!(by = by.actor.name(), key = id, "somebody withdrew a key");
            let table = store.load_keys().await?;
            app.take_keys(&table, by.now)?;
            // The key is withdrawn whether that succeeds or not; it is tried anew every second.
            if let Err(error) = jobs::seal::at_once(app).await {
                tracing::warn!(%error, "the record of events could not be sealed; trying on");
            }
            return Ok(table);
        }
    }
    Err(OrderError::Contended)
}
