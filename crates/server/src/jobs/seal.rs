//! Seals the record of events, a second behind whoever writes it, and puts on record what happened to the server itself.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use relatch_core::{
    StoreError,
    event::{
        EventKind,
        seal::{HeadFault, Sealer, Step, of_server},
    },
};

use crate::app::App;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// How long after an hour its failed logins are counted up: some were hashed when it ended.
const LATE: Duration = Duration::from_mins(5);

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Starts looking; it ends when the server is gone.
pub(crate) fn start(app: &Arc<App>) {
    tokio::spawn(run(Arc::downgrade(app)));
}

async fn run(app: Weak<App>) {
    let (mut well, mut told) = (true, false);
    while let Some(app) = app.upgrade() {
        // Nothing is left to seal with once the server has stopped.
        let mut guard = app.sealer.lock().await;
        let Some(sealer) = guard.as_mut() else {
            return;
        };
        let sealed = look(&app, sealer, &mut told).await;
        if let (Err(error), true) = (&sealed, well) {
            tracing::warn!(%error, "the record of events could not be sealed; trying on");
        }
        well = sealed.is_ok();
        drop(guard);
        drop(app);
        tokio::time::sleep(PAUSE).await;
    }
}

async fn look(app: &App, sealer: &mut Sealer, told: &mut bool) -> Result<(), StoreError> {
    let (store, now) = (&app.domain.store, app.clock.now());
    if !*told {
        let started = EventKind::ServerStarted { version: VERSION };
        store.append_event(of_server(started, now)).await?;
        *told = true;
    }
    store.record_failed_logins(now.minus(LATE)).await?;
    seal(app, sealer).await
}

/// Puts the stop on record and seals all that there is, for the last time.
pub(crate) async fn stop(app: &App) -> Result<(), StoreError> {
    let Some(mut sealer) = app.sealer.lock().await.take() else {
        return Ok(());
    };
    let stopped = EventKind::ServerStopped { version: VERSION };
    let event = of_server(stopped, app.clock.now());
    app.domain.store.append_event(event).await?;
    seal(app, &mut sealer).await
}

/// Seals what waits now, and not a second later: whoever withdraws the key that the newest head is signed with leaves none
/// that nobody would believe any more.
pub(crate) async fn at_once(app: &App) -> Result<(), StoreError> {
    match app.sealer.lock().await.as_mut() {
        Some(sealer) => seal(app, sealer).await,
        None => Ok(()),
    }
}

async fn seal(app: &App, sealer: &mut Sealer) -> Result<(), StoreError> {
    loop {
        let keys = app.domain.keys.load_full();
        let store = app.domain.store.as_ref();
        match sealer.step(store, &keys, app.clock.now()).await? {
            Step::Rests => return Ok(()),
            Step::GoesOn => {}
            Step::Unknown | Step::KeyWithdrawn => app.read_keys(app.clock.now()).await?,
            Step::Broken(fault) => tell(fault),
        }
    }
}

fn tell(fault: HeadFault) {
    let what = match fault {
        HeadFault::Forged => {
            "the newest head of the record is not signed with a key of this server"
        }
        HeadFault::CutOff => {
            "the newest head of the record is older than the one that was there before"
        }
    };
    tracing::error!(
        fault = fault.name(),
        "{what}: somebody changed the database; run `relatch audit verify`"
    );
}
