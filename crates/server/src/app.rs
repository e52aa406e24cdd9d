//! A server that is ready: the domain, the store behind it, and what HTTP needs beside them.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use axum::{extract::Request, http::HeaderValue, response::Response};
use relatch_core::{
    Domain, Entropy, StoreError, Timestamp,
    domain::Issuer,
    key::{KeyTable, Keyring, KeyringError, MasterKeys},
    permission::store::RoleStore as _,
};
use relatch_store::{OpenError, Options, Sqlite};
use relatch_verify::Verifier;

use crate::{
    Config,
    clock::{Clock, SystemClock},
    entropy::SystemEntropy,
    hashing::HashingThreads,
    http, jobs,
    keyring::{self, KeysError},
    serve::Alarm,
};

/// How often keys may be read anew because a token names an unknown one.
const RELOAD_PAUSE: Duration = Duration::from_secs(1);

/// An authentication server, open and ready to serve.
pub struct Relatch {
    pub(crate) app: Arc<App>,
    store: Arc<Sqlite>,
}

/// What every request sees.
pub(crate) struct App {
    pub(crate) domain: Domain,
    pub(crate) verifier: Verifier,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Config,
    pub(crate) request_ids: http::RequestIds,
    /// What answers over TLS say of coming by HTTPS alone.
    pub(crate) hsts: Option<HeaderValue>,
    pub(crate) master: ArcSwap<MasterKeys>,
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
    #[error("the database {path} cannot be used")]
    Database {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: OpenError,
    },
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
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
        let folder = config.server.data_dir.clone();
        make_private(&folder).map_err(|source| StartError::DataDir {
            path: folder.clone(),
            source,
        })?;
        let policy = Arc::new(config.session.clone());
        let options = store_options(&config);
        let store =
            Sqlite::open(&options, Arc::clone(&policy)).map_err(|source| StartError::Database {
                path: options.path,
                source,
            })?;
        let store = Arc::new(store);
        let (keys, master) =
            keyring::open(store.as_ref(), &config, entropy.as_ref(), clock.now()).await?;
        let roles = store.load_roles().await.map_err(KeysError::from)?;
        let password = &config.password;
        let hasher = HashingThreads::start(
            password.threads,
            password.queue,
            password.cost,
            Arc::clone(&entropy),
        )
        .map_err(StartError::Hashing)?;
        let request_ids = http::RequestIds::new(entropy.as_ref());
        let issuer = issuer(&config);
        let verifier = Verifier::new(&issuer.url, &issuer.audience);
        let keys = ArcSwap::from_pointee(keys);
        let domain = Domain {
            store: Arc::clone(&store) as _,
            hasher: Arc::new(hasher),
            entropy,
            policy,
            keys,
            roles: ArcSwap::from_pointee(roles),
            default_role: config.registration.default_role.clone(),
            issuer,
        };
        let app = Arc::new(App {
            domain,
            verifier,
            clock,
            hsts: http::keep_to_https(config.tls.hsts),
            config,
            request_ids,
            master: ArcSwap::from_pointee(master),
            reloaded: tokio::sync::Mutex::default(),
        });
        jobs::keys::start(&app);
        jobs::roles::start(&app);
        jobs::sweep::start(&app);
        Ok(Self { app, store })
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

    /// Finishes what is queued and closes the database.
    pub fn close(&self) {
        self.store.close();
    }
}

impl App {
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

    async fn read_keys(&self, now: Timestamp) -> Result<(), StoreError> {
        let table = self.domain.store.load_keys().await?;
        self.take_keys(&table, now)
    }

    /// Works with these keys from now on.
    pub(crate) fn take_keys(&self, table: &KeyTable, now: Timestamp) -> Result<(), StoreError> {
        let opened = match Keyring::open(table, &self.master.load(), now) {
            Err(KeyringError::WrongMasterKey { .. }) => self.open_rewrapped(table, now),
            opened => opened.map_err(KeysError::from),
        };
        let keys = opened.map_err(|error| {
            tracing::error!(%error, "the keys in the database cannot be opened; the ones from before stay");
            StoreError::Unavailable
        })?;
        self.domain.keys.store(Arc::new(keys));
        Ok(())
    }

    /// The keys were sealed anew: their master key is in the file by now.
    fn open_rewrapped(&self, table: &KeyTable, now: Timestamp) -> Result<Keyring, KeysError> {
        let path = keyring::master_path(&self.config);
        let (keys, master) = keyring::open_only(table, &path, now)?;
        self.master.store(Arc::new(master));
        Ok(keys)
    }
}

/// Where the database is and how it is used.
pub(crate) fn store_options(config: &Config) -> Options {
    Options {
        path: config.server.data_dir.join("relatch.db"),
        synchronous: config.store.synchronous,
        write_queue: config.store.write_queue,
        readers: config.store.readers,
    }
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
