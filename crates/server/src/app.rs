//! A server that is ready: the domain, the store behind it, and what HTTP needs beside them.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use axum::{extract::Request, http::HeaderValue, response::Response};
use relatch_core::{
    Domain, Entropy, Store, StoreError, Timestamp,
    domain::Issuer,
    event::seal::Sealer,
    key::{KeyTable, Keyring, KeyringError, MasterKeys},
    password::Rules,
};
use relatch_verify::{ResourceServer, Verifier};

use crate::{
    Config,
    attempts::Attempts,
    breached::{BreachedFilter, FilterError},
    clock::{Clock, SystemClock},
    database::{Database, DatabaseError, Source},
    entropy::SystemEntropy,
    feed::{Feed, Snapshots},
    hashing::HashingThreads,
    http, inside, jobs,
    keyring::{self, KeysError},
    places::Places,
    resource_servers::ResourceServers,
    serve::Alarm,
};

/// How often keys may be read anew because a token names an unknown one.
const RELOAD_PAUSE: Duration = Duration::from_secs(1);

/// An authentication server, open and ready to serve.
pub struct Relatch {
    pub(crate) app: Arc<App>,
    database: Database,
}

/// What every request sees.
pub(crate) struct App {
    pub(crate) domain: Domain,
    pub(crate) attempts: Attempts,
    pub(crate) verifier: Verifier,
    pub(crate) proofs: http::Proofs,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Config,
    pub(crate) request_ids: http::RequestIds,
    /// What answers over TLS say of coming by HTTPS alone.
    pub(crate) hsts: Option<HeaderValue>,
    /// What checks tokens for the rest of this process.
    pub(crate) inside: ResourceServer,
    pub(crate) master: ArcSwap<MasterKeys>,
    /// Gone once the server has stopped.
    pub(crate) sealer: tokio::sync::Mutex<Option<Sealer>>,
    pub(crate) feed: Feed,
    pub(crate) snapshots: Snapshots,
    pub(crate) resource_servers: ResourceServers,
    /// For requests that are at work.
    pub(crate) requests: Arc<Places>,
    closed: AtomicBool,
    reloaded: tokio::sync::Mutex<Option<(Instant, Result<(), StoreError>)>>,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be made.
    #[error("the data folder {path} cannot be used")]
    DataDir {
        /// The folder.
        path: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The breached passwords cannot be read.
    #[error(transparent)]
    Breached(#[from] FilterError),
    /// A thread could not be started.
    #[error("the hashing threads cannot be started")]
    Hashing(#[source] std::io::Error),
}

impl Relatch {
    /// Opens the data folder and everything in it, with the system's clock and chance.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(config: Config) -> Result<Self, StartError> {
        Self::open_with(config, Arc::new(SystemClock), Arc::new(SystemEntropy)).await
    }

    /// The same with another clock and another chance: for tests.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open_with(
        config: Config,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        let folder = &config.server.data_dir;
        make_private(folder).map_err(|source| StartError::DataDir {
            path: folder.clone(),
            source,
        })?;
        let policy = Arc::new(config.session.clone());
        let source = Source::of(&config).map_err(DatabaseError::from)?;
        let database = source.open(Arc::clone(&policy)).await?;
        let store = Arc::clone(&database.store);
        let (keys, master) =
            keyring::open(store.as_ref(), &config, entropy.as_ref(), clock.now()).await?;
        let roles = store.load_roles().await.map_err(KeysError::from)?;
        let followed = open_feed(store.as_ref(), &config, clock.now()).await;
        let (feed, resource_servers) = followed.map_err(KeysError::from)?;
        let hasher = start_hashing(&config, &entropy).map_err(StartError::Hashing)?;
        let passwords = password_rules(&config)?;
        let attempts = Attempts::new(&config.attempts, config.password.queue, entropy.as_ref());
        let request_ids = http::RequestIds::new(entropy.as_ref());
        let issuer = issuer(&config);
        let verifier = Verifier::new(&issuer.url, &issuer.audience);
        let proofs = http::Proofs::new(&issuer.url, &config);
        let dpop = http::proofs_of_program(&issuer.url, &config, &master);
        let inside = inside::resource_server(verifier.clone(), Arc::clone(&clock), &keys, dpop);
        let keys = ArcSwap::from_pointee(keys);
        let domain = Domain {
            store,
            hasher: Arc::new(hasher),
            passwords,
            entropy,
            policy,
            keys,
            roles: ArcSwap::from_pointee(roles),
            default_role: config.registration.default_role.clone(),
            issuer,
        };
        let app = Arc::new(App {
            domain,
            attempts,
            verifier,
            proofs,
            clock,
            hsts: http::keep_to_https(config.tls.hsts),
            requests: Places::new(config.server.max_requests, config.server.max_per_address),
            config,
            request_ids,
            inside,
            master: ArcSwap::from_pointee(master),
            sealer: tokio::sync::Mutex::new(Some(Sealer::default())),
            feed,
            snapshots: Snapshots::default(),
            resource_servers,
            closed: AtomicBool::new(false),
            reloaded: tokio::sync::Mutex::default(),
        });
        jobs::start_all(&app);
        inside::start(&app);
        Ok(Self { app, database })
    }

    /// Answers one request, as the listener would.
    pub async fn answer(&self, request: Request) -> Response {
        http::handle(
            Arc::clone(&self.app),
            http::router(Arc::clone(&self.app)),
            request,
            Alarm::default(),
        )
        .await
    }

    /// Puts the stop on record, seals that, and closes the database.
    pub async fn stop(&self) {
        if let Err(error) = jobs::seal::stop(&self.app).await {
            tracing::warn!(%error, "the stop is not on record");
        }
        self.close();
    }

    /// Ends what follows revocations, finishes what is queued and closes the database.
    pub fn close(&self) {
        self.app.closed.store(true, Ordering::Release);
        self.app.feed.close();
        self.database.close();
    }
}

impl App {
    /// Whether the database is closed, or about to be: whoever still asks it gets no answer, and that is no fault.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Reads the keys anew, unless that was done within the last second.
    pub(crate) async fn reload_keys(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut reloaded = self.reloaded.lock().await;
        if let Some((at, outcome)) = *reloaded
            && at.elapsed() < RELOAD_PAUSE
        {
            return outcome;
        }
        let outcome = self.read_keys(now).await;
        *reloaded = Some((Instant::now(), outcome));
        outcome
    }

    /// Reads the keys anew.
    pub(crate) async fn read_keys(&self, now: Timestamp) -> Result<(), StoreError> {
        let table = self.domain.store.load_keys().await?;
        self.take_keys(&table, now)
    }

    /// Works with these keys from now on, unless it has newer ones: of two who read, the slower may come last.
    pub(crate) fn take_keys(&self, table: &KeyTable, now: Timestamp) -> Result<(), StoreError> {
        let opened = match Keyring::open(table, &self.master.load(), now) {
            Err(KeyringError::WrongMasterKey { .. }) => self.open_rewrapped(table, now),
            opened => opened.map_err(KeysError::from),
        };
        let keys = opened.map_err(|error| {
            tracing::error!(%error, "the keys in the database cannot be opened; the ones from before stay");
            StoreError::Unavailable
        })?;
        let found = Arc::new(keys);
        self.domain.keys.rcu(|held| {
            let newest = if held.version > found.version {
                held
            } else {
                &found
            };
            Arc::clone(newest)
        });
        Ok(())
    }

    /// The keys were sealed anew: their master key is in the file by now.
    fn open_rewrapped(&self, table: &KeyTable, now: Timestamp) -> Result<Keyring, KeysError> {
        let (keys, master) = keyring::open_only(table, &self.config, now)?;
        self.master.store(Arc::new(master));
        Ok(keys)
    }
}

/// The feed as it stands, and who may follow it.
async fn open_feed(
    store: &dyn Store,
    config: &Config,
    now: Timestamp,
) -> Result<(Feed, ResourceServers), StoreError> {
    let access = config.session.access;
    store.note_access_lifetime(access, now).await?;
    let followers = &config.resource_servers;
    let feed = Feed::open(store, followers.buffer, followers.max_followers).await?;
    Ok((feed, ResourceServers::open(store).await?))
}

/// What may be a password here.
pub(crate) fn password_rules(config: &Config) -> Result<Rules, FilterError> {
    let filter = config.password.breached_filter.as_deref();
    let filter = filter.map(BreachedFilter::open).transpose()?;
    Ok(Rules {
        breached: filter.map(|filter| Box::new(filter) as _),
    })
}

fn start_hashing(config: &Config, entropy: &Arc<dyn Entropy>) -> std::io::Result<HashingThreads> {
    let password = &config.password;
    let (threads, queue) = (password.threads, password.queue);
    HashingThreads::start(threads, queue, password.cost, Arc::clone(entropy))
}

/// Who issues tokens, as far as the configuration says it: else the address that is to be listened on.
pub(crate) fn issuer(config: &Config) -> Issuer {
    let url = config.issuer.url.clone().unwrap_or_else(|| {
        let scheme = if config.tls.is_on() { "https" } else { "http" };
        format!("{scheme}://{}", config.server.listen)
    });
    let audience = config
        .issuer
        .audience
        .clone()
        .unwrap_or_else(|| url.clone());
    Issuer {
        url,
        audience,
        client_id: config.issuer.client_id.clone(),
    }
}

/// Makes the folder for its owner alone. One that is there is left as it is.
pub(crate) fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    // The name of the folder must be on disk before anything in it is promised.
    folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or(Ok(()), |parent| std::fs::File::open(parent)?.sync_all())
}

#[cfg(test)]
mod tests {
    use relatch_core::event::Administrator;

    use super::*;

    #[tokio::test]
    async fn keys_that_were_read_before_newer_ones_do_not_take_their_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = Config::default();
        folder.path().clone_into(&mut config.server.data_dir);
        let relatch = Relatch::open(config).await.expect("opens");
        let app = &relatch.app;
        let read = app.domain.store.load_keys().await.expect("reads");
        let version = read.version;
        let now = app.clock.now();
        let by = Administrator::server(now);
        let changed = app
            .domain
            .store
            .save_keys(version, read.records.clone(), by);
        assert!(changed.await.expect("saves"));
        let newer = app.domain.store.load_keys().await.expect("reads");
        for table in [&newer, &read] {
            app.take_keys(table, now).expect("opens");
            assert_eq!(app.domain.keys.load().version, version + 1);
        }
        relatch.close();
    }
}
