//! Serves the certificates that the files hold now: looked at by itself, or at once on SIGHUP.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
};

use crate::{app::App, tls::Watch};

/// Between two looks at the files.
const PAUSE: Duration = Duration::from_secs(2);

/// Starts watching; it ends with what is answered.
pub(crate) fn start(app: &Arc<App>, watch: Watch) -> JoinSet<()> {
    // From here on the signal no longer ends the process.
    let hangup = signal(SignalKind::hangup()).inspect_err(|error| {
        tracing::error!(%error, "SIGHUP cannot be waited for; changed certificates are still found by looking");
    });
    let mut watching = JoinSet::new();
    watching.spawn(run(Arc::downgrade(app), watch, hangup.ok()));
    watching
}

async fn run(app: Weak<App>, mut watch: Watch, mut hangup: Option<Signal>) {
    loop {
        let told = tokio::select! {
            () = tokio::time::sleep(PAUSE) => false,
            told = next(hangup.as_mut()) => told,
        };
        let Some(app) = app.upgrade() else { return };
        let now = app.clock.now();
        if told {
            watch.reload(now);
        } else {
            watch.look(now);
        }
    }
}

async fn next(hangup: Option<&mut Signal>) -> bool {
    match hangup {
        Some(hangup) => hangup.recv().await.is_some(),
        None => std::future::pending().await,
    }
}
