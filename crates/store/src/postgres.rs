//! The store for several nodes: one PostgreSQL, transactions with row locks, and rotations in groups.

mod address;
mod administer;
mod authority;
mod background;
mod chain;
mod check;
mod connection;
mod event;
mod failed_login;
mod history;
mod key;
mod migrate;
mod parameter;
mod pool;
mod queue;
mod record;
mod refresh;
mod reset;
mod resource_server;
mod revocation;
mod role;
mod row;
mod search;
mod session;
mod stats;
mod transaction;
mod user;
mod wake;

use std::{sync::Arc, time::Duration};

use relatch_core::session::{Policy, refresh::Durability};

pub use address::{Address, AddressError};
pub use check::{check, keys};
pub use connection::TlsError;
pub use migrate::{OpenError, update};
pub use stats::stats;

use connection::Connector;
use pool::Pool;
use refresh::Refreshes;
use row::Fault;
use transaction::{Limits, Transaction};
use wake::Wake;

/// Where the database is and how it is used.
#[derive(Clone, Debug)]
pub struct Options {
    /// The database, perhaps behind a pooler that lends its connections for a transaction.
    pub address: Address,
    /// A way to the database itself, for being told of what other nodes revoke; `None`: nothing is listened to, and they
    /// are asked often.
    pub listen: Option<Address>,
    /// How many connections there may be beside those that rotate.
    pub connections: usize,
    /// How many connections rotate.
    pub rotating: usize,
    /// How many writes may wait.
    pub queue: usize,
    /// How long it may take to connect.
    pub connect_timeout: Duration,
    /// How long the server works at one statement before it gives up.
    pub statement_timeout: Duration,
    /// How long it waits for a lock.
    pub lock_timeout: Duration,
}

impl Options {
    /// As shipped, for a database that is reached directly.
    pub fn new(address: Address) -> Self {
        Self {
            listen: Some(address.clone()),
            address,
            connections: 16,
            rotating: 2,
            queue: 4_096,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(2),
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            statement: self.statement_timeout,
            lock: self.lock_timeout,
        }
    }

    fn connector(&self, address: &Address) -> Result<Arc<Connector>, TlsError> {
        let connector = Connector::new(address.clone(), self.connect_timeout)?;
        Ok(Arc::new(connector))
    }
}

/// A PostgreSQL database, open.
pub struct Postgres {
    pool: Pool,
    refreshes: Refreshes,
    limits: Limits,
    policy: Arc<Policy>,
    wake: Wake,
}

impl Postgres {
    /// Connects to the database and migrates it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(options: &Options, policy: Arc<Policy>) -> Result<Self, OpenError> {
        let connector = options.connector(&options.address)?;
        migrate::migrate(&connector.connect().await?).await?;
        Self::start(options, connector, policy)
    }

    /// Connects to the database as it is, beside servers that may be older than this binary: what they work with is not
    /// changed under them.
    ///
    /// # Errors
    /// [`OpenError`], for instance if the database is of another schema.
    pub async fn open_beside(options: &Options, policy: Arc<Policy>) -> Result<Self, OpenError> {
        let connector = options.connector(&options.address)?;
        migrate::is_current(&connector.connect().await?).await?;
        Self::start(options, connector, policy)
    }

    fn start(
        options: &Options,
        connector: Arc<Connector>,
        policy: Arc<Policy>,
    ) -> Result<Self, OpenError> {
        let limits = options.limits();
        let pool = |size| {
            Pool::new(
                Arc::clone(&connector),
                size,
                options.queue,
                limits.patience(),
            )
        };
        let (main, rotating) = (pool(options.connections), pool(options.rotating));
        let listen = options.listen.as_ref();
        let listen = listen
            .map(|address| options.connector(address))
            .transpose()?;
        let wake = Wake::start(main.clone(), limits, listen);
        let refreshes = Refreshes::start(options, rotating, &policy, wake.bell());
        Ok(Self {
            pool: main,
            refreshes,
            limits,
            policy,
            wake,
        })
    }

    /// Closes the connections, those at work once they are done. Later calls answer unavailable.
    pub fn close(&self) {
        self.refreshes.close();
        self.pool.close();
    }

    async fn begin(&self, durability: Durability) -> Result<Transaction, Fault> {
        Transaction::begin(self.pool.lend().await?, self.limits, durability).await
    }
}

/// Gives up what takes longer than the limits on the server should let it: it may be the server that stands still.
async fn limited<T>(
    limits: Limits,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let done = tokio::time::timeout(limits.patience(), work).await;
    done.unwrap_or(Err(Fault::Late))
}

/// How often something is tried of which it is certain that nothing of it happened.
const ATTEMPTS: u32 = 3;

/// Does it within the limits: another time if it certainly came to nothing and another attempt may well succeed.
macro_rules! attempted {
    ($limits:expr, $work:expr) => {{
        let mut attempts = 1;
        loop {
            let fault = match $crate::postgres::limited($limits, $work).await {
                Ok(done) => break Ok(done),
                Err(fault) => fault,
            };
            if attempts >= $crate::postgres::ATTEMPTS || !fault.may_be_tried_again() {
                break Err(fault.into_store_error());
            }
            attempts += 1;
        }
    }};
}

/// Runs a method of the store as one transaction.
macro_rules! transact {
    ($store:expr, $durability:ident, |$transaction:ident| $work:expr) => {
        $crate::postgres::attempted!($store.limits, async {
            let durability = relatch_core::session::refresh::Durability::$durability;
            let mut transaction = $store.begin(durability).await?;
            let $transaction = &mut transaction;
            let outcome = $work.await?;
            if transaction.end().await? {
                $store.wake.bell().ring();
            }
            Ok(outcome)
        })
    };
}

/// A transaction that is as safe as the operator wants before anybody hears of it.
macro_rules! durable {
    ($store:expr, |$transaction:ident| $work:expr) => {
        $crate::postgres::transact!($store, Durable, |$transaction| $work)
    };
}

/// One that a crash may forget.
macro_rules! healing {
    ($store:expr, |$transaction:ident| $work:expr) => {
        $crate::postgres::transact!($store, Healing, |$transaction| $work)
    };
}

/// Single statements that only read.
macro_rules! reading {
    ($store:expr, |$connection:ident| $work:expr) => {
        $crate::postgres::attempted!($store.limits, async {
            let lent = $store.pool.lend().await?;
            let $connection = &*lent;
            $work.await
        })
    };
}

use {attempted, durable, healing, reading, transact};
