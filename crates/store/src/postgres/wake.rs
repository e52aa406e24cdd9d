//! Waking whoever waits for revocations: of this process at once, and of other nodes by LISTEN and NOTIFY. It only wakes;
//! whoever is woken looks, and whoever is not looks now and then.
//!
//! NOTIFY is a transaction of its own after the one that it tells of. In that one, it would make every commit that notifies
//! wait for the one before, the disk included; and where it is lost, somebody looks a little later.

use std::{sync::Arc, time::Duration};

use relatch_core::session::refresh::Durability;
use tokio::{sync::Notify, task::JoinSet};

use super::{
    connection::Connector,
    pool::Pool,
    row::Fault,
    transaction::{Limits, Transaction},
};

/// Between two attempts to listen.
const PAUSE: Duration = Duration::from_secs(1);

/// Between two notifications: a flood of logouts is told in bundles.
const BREATH: Duration = Duration::from_millis(2);

/// Who waits, and what wakes them.
pub(super) struct Wake {
    bell: Bell,
    _tasks: JoinSet<()>,
}

/// Wakes those who wait here, and on other nodes.
#[derive(Clone, Default)]
pub(super) struct Bell {
    here: Arc<Notify>,
    others: Arc<Notify>,
}

impl Bell {
    pub(super) fn ring(&self) {
        self.here.notify_one();
        self.others.notify_one();
    }
}

impl Wake {
    /// Starts telling others, and listening to them where there is a way to do that.
    pub(super) fn start(pool: Pool, limits: Limits, listen: Option<Arc<Connector>>) -> Self {
        let bell = Bell::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(tell(pool, limits, Arc::clone(&bell.others)));
        if let Some(connector) = listen {
            tasks.spawn(hear(connector, Arc::clone(&bell.here)));
        }
        Self {
            bell,
            _tasks: tasks,
        }
    }

    pub(super) fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Done when there may be something to look at.
    pub(super) async fn wait(&self) {
        self.bell.here.notified().await;
    }
}

async fn tell(pool: Pool, limits: Limits, due: Arc<Notify>) {
    loop {
        due.notified().await;
        let told = tokio::time::timeout(limits.patience(), notify(&pool, limits)).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::debug!(?told, "other nodes were not woken; they look by themselves");
        }
        tokio::time::sleep(BREATH).await;
    }
}

async fn notify(pool: &Pool, limits: Limits) -> Result<(), Fault> {
    let transaction = Transaction::begin(pool.lend().await?, limits, Durability::Healing).await?;
    transaction.run("NOTIFY relatch").await?;
    transaction.end().await.map(drop)
}

async fn hear(connector: Arc<Connector>, here: Arc<Notify>) {
    let mut well = true;
    loop {
        let heard = listen(&connector, &here).await;
        if let (Err(error), true) = (&heard, well) {
            tracing::warn!(%error, "other nodes cannot be listened to; trying on, and asking often meanwhile");
        }
        well = heard.is_ok();
        // What was told meanwhile was told to nobody here.
        here.notify_one();
        tokio::time::sleep(PAUSE).await;
    }
}

/// Listens until the connection ends.
async fn listen(connector: &Connector, here: &Notify) -> Result<(), Fault> {
    let connection = connector.connect().await?;
    connection.run("LISTEN relatch").await?;
    here.notify_one();
    while connection.is_good() {
        connection.notified().await;
        here.notify_one();
    }
    Ok(())
}
