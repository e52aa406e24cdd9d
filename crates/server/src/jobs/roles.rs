//! Sees within a second what a role means now.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use relatch_core::StoreError;

use crate::app::App;

/// Between two looks at the table.
const PAUSE: Duration = Duration::from_millis(500);

/// Starts looking; it ends when the server is gone.
pub(crate) fn start(app: &Arc<App>) {
    tokio::spawn(run(Arc::downgrade(app)));
}

async fn run(app: Weak<App>) {
    let mut well = true;
    while let Some(app) = app.upgrade() {
        let looked = look(&app).await;
        if let (Err(error), true) = (&looked, well) {
            tracing::warn!(%error, "the roles could not be looked at; trying on");
        }
        well = looked.is_ok();
        drop(app);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Takes the roles of the store where they are newer.
pub(crate) async fn look(app: &App) -> Result<(), StoreError> {
    let table = app.domain.store.load_roles().await?;
    if table.version != app.domain.roles.load().version {
        app.domain.roles.store(Arc::new(table));
    }
    Ok(())
}
