//! Waking whoever waits for revocations: of this process at once, and of other nodes by LISTEN and NOTIFY. It only wakes;
//! whoever is woken looks, and whoever is not looks now and then.
//!
//! NOTIFY is a transaction of its own after the one that it tells of. In that one, it would make every commit that notifies
//! wait for the one before, the disk included; and where it is lost, somebody looks a little later.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::Arc,
    time::Duration,
};

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
    node: String,
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
        // What this one says is not news to it. A number of no other process: hash maps begin with one.
        let node = format!("{:016x}", RandomState::new().build_hasher().finish());
        let mut tasks = JoinSet::new();
        if let Some(connector) = listen {
            tasks.spawn(hear(connector, node.clone(), Arc::clone(&bell.here)));
        }
        tasks.spawn(tell((pool, limits), node.clone(), Arc::clone(&bell.others)));
        Self {
            bell,
            node,
            _tasks: tasks,
        }
    }

    /// A name that no other process has.
    pub(super) fn node(&self) -> &str {
        &self.node
    }

    pub(super) fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Done when there may be something to look at.
    pub(super) async fn wait(&self) {
        self.bell.here.notified().await;
    }
}

async fn tell((pool, limits): (Pool, Limits), node: String, due: Arc<Notify>) {
    let script = format!("NOTIFY relatch, '{node}'");
    loop {
        due.notified().await;
        let told = tokio::time::timeout(limits.patience(), notify(&pool, limits, &script)).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::debug!(?told, "other nodes were not woken; they look by themselves");
        }
        tokio::time::sleep(BREATH).await;
    }
}

async fn notify(pool: &Pool, limits: Limits, script: &str) -> Result<(), Fault> {
    let transaction = Transaction::begin(pool.lend().await?, limits, Durability::Healing).await?;
    transaction.run(script).await?;
    transaction.end().await.map(drop)
}

async fn hear(connector: Arc<Connector>, node: String, here: Arc<Notify>) {
    let mut well = true;
    loop {
        let heard = listen(&connector, &node, &here).await;
        if let (Err(error), true) = (&heard, well) {
            tracing::warn!(%error, "other nodes cannot be listened to; trying on, and asking often meanwhile");
        }
        well = heard.is_ok();
        tokio::time::sleep(PAUSE).await;
    }
}

/// Listens until the connection ends. What is told until the next one stands is told to nobody here: whoever waits looks by
/// himself before long.
async fn listen(connector: &Connector, node: &str, here: &Notify) -> Result<(), Fault> {
    let connection = connector.connect().await?;
    connection.ignore(node);
    connection.run("LISTEN relatch").await?;
    while connection.is_good() {
        connection.notified().await;
        here.notify_one();
    }
    Ok(())
}
