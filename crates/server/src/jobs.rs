//! Work that nobody waits for.

pub(crate) mod certificates;
pub(crate) mod keys;
pub(crate) mod revocations;
pub(crate) mod roles;
pub(crate) mod seal;
pub(crate) mod sweep;

use std::{sync::Arc, time::Duration};

use relatch_core::StoreError;

use crate::app::App;

/// Between two looks: what changes elsewhere is noticed within a second.
const PAUSE: Duration = Duration::from_millis(500);

/// Something that is looked at over and over while the server runs.
pub(crate) trait Watch: Send + 'static {
    /// What is looked at, in the plural.
    const WHAT: &'static str;

    /// Looks once.
    fn look(&mut self, app: &Arc<App>) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Starts all of it.
pub(crate) fn start_all(app: &Arc<App>) {
    start(app, keys::Keys::default());
    start(app, roles::Roles);
    revocations::start(app);
    sweep::start(app);
    seal::start(app);
}

/// Starts looking; it ends when the server is gone. A fault is told once, until a look goes well.
fn start<W: Watch>(app: &Arc<App>, mut watch: W) {
    let app = Arc::downgrade(app);
    tokio::spawn(async move {
        let mut well = true;
        while let Some(app) = app.upgrade() {
            let looked = watch.look(&app).await;
            if app.is_closed() {
                return;
            }
            if let (Err(error), true) = (&looked, well) {
                tracing::warn!(%error, "the {} could not be looked at; trying on", W::WHAT);
            }
            well = looked.is_ok();
            drop(app);
            tokio::time::sleep(PAUSE).await;
        }
    });
}
