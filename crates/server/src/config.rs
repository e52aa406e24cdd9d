//! What an operator may set, and where a value came from: defaults, then the file, then the environment, then the
//! command line. Every problem is reported at once.

mod load;
mod network;
mod postgres;
mod reference;
mod settings;
mod value;
mod web_origin;

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use relatch_core::{
    attempt::{Policy as AttemptPolicy, proof::Work},
    key::{Algorithm, MasterKeys},
    password::hash::Cost,
    permission::RoleName,
    session::{Lifetimes, Policy, ReuseScope},
};
use relatch_store::Synchronous;

pub use load::{ConfigError, Overrides, Shown, Source, load, show};
pub use network::Network;
pub use postgres::{AddressFault, PostgresConfig};
pub use reference::reference;
pub use web_origin::WebOrigin;

/// The whole configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[issuer]`
    pub issuer: IssuerConfig,
    /// `[server]`
    pub server: ServerConfig,
    /// `[tls]`
    pub tls: TlsConfig,
    /// `[session]`
    pub session: Policy,
    /// `[keys]`
    pub keys: KeysConfig,
    /// `[dpop]`
    pub dpop: DpopConfig,
    /// `[password]`
    pub password: PasswordConfig,
    /// `[registration]`
    pub registration: RegistrationConfig,
    /// `[attempts]`
    pub attempts: AttemptsConfig,
    /// `[proof_of_work]`
    pub proof_of_work: ProofOfWorkConfig,
    /// `[browser]`
    pub browser: BrowserConfig,
    /// `[resource_servers]`
    pub resource_servers: ResourceServersConfig,
    /// `[store]`
    pub store: StoreConfig,
    /// `[postgres]`
    pub postgres: PostgresConfig,
}

/// Who issues tokens, for whom.
#[derive(Clone, Debug, Default)]
pub struct IssuerConfig {
    /// The claim `iss`; unset: the address that the server is bound to.
    pub url: Option<String>,
    /// The claim `aud`; unset: the issuer.
    pub audience: Option<String>,
    /// The claim `client_id`.
    pub client_id: String,
}

/// How the server listens, and its limits.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The folder of the database and the master key.
    pub data_dir: PathBuf,
    /// Where plain HTTP is listened on, to be led to HTTPS or refused.
    pub redirect_listen: Option<SocketAddr>,
    /// A proxy in front ends TLS: without it or certificates, only loopback addresses may be listened on.
    pub behind_tls_proxy: bool,
    /// The proxies whose word for a client's address is taken.
    pub trusted_proxies: Vec<Network>,
    /// Where they say it.
    pub forwarded_header: ForwardedHeader,
    /// Every connection comes from one of them, and begins with the header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// Whether `/docs` is served.
    pub docs_page: bool,
    /// Largest body of a request, in bytes.
    pub max_body: usize,
    /// Largest head of a request, in bytes.
    pub max_headers: usize,
    /// How long a request's head may take, and a connection idle.
    pub header_timeout: Duration,
    /// How long a body may take to arrive, then its answer, and how long an answer may be left unread.
    pub request_timeout: Duration,
    /// How many connections may be open.
    pub max_connections: usize,
    /// How many requests may be at work.
    pub max_requests: usize,
    /// How many connections, and how many requests at work, one address may have.
    pub max_per_address: usize,
    /// How many requests may run at once on one connection of HTTP/2.
    pub max_streams: u32,
    /// How long running requests may take once the server is told to stop.
    pub shutdown_timeout: Duration,
    /// Whether the memory of the process may be dumped and looked into.
    pub core_dumps: CoreDumps,
}

/// What becomes of the memory of a process that crashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoreDumps {
    /// It is gone, and nobody looked into it before.
    Never,
    /// The system may write it to disk, and debuggers look into it.
    Allowed,
}

/// Where a proxy says whom it speaks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Proofs that a client holds a key (RFC 9449).
#[derive(Clone, Debug, Default)]
pub struct DpopConfig {
    /// Whether every proof must have a nonce of this server.
    pub nonce_required: bool,
    /// How far the time of a proof may be from the server's, either way.
    pub max_age: Duration,
    /// How many proofs are remembered, so that none is good twice.
    pub remembered_proofs: usize,
}

/// HTTPS.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// Chains in PEM, the first of which is shown to whoever names no host or an unknown one; none: plain HTTP.
    pub certificate_files: Vec<PathBuf>,
    /// The keys that belong to them, in the same order.
    pub key_files: Vec<PathBuf>,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
    /// How long browsers keep to HTTPS; zero: nothing is said of it.
    pub hsts: Duration,
}

impl TlsConfig {
    /// Before the defaults.
    fn blank() -> Self {
        Self {
            certificate_files: Vec::new(),
            key_files: Vec::new(),
            min_version: TlsVersion::V12,
            handshake_timeout: Duration::ZERO,
            hsts: Duration::ZERO,
        }
    }

    /// Whether HTTPS is served.
    pub fn is_on(&self) -> bool {
        !self.certificate_files.is_empty()
    }
}

/// A version of TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246)
    V12,
    /// TLS 1.3 (RFC 8446)
    V13,
}

/// How keys turn.
#[derive(Clone, Debug)]
pub struct KeysConfig {
    /// What access tokens are signed with.
    pub algorithm: Algorithm,
    /// At which age a signing key is replaced.
    pub signing_lifetime: Duration,
    /// At which age a token key is replaced.
    pub token_lifetime: Duration,
    /// How long a key is published before it is used.
    pub announce: Duration,
    /// How long others may keep the JWKS.
    pub jwks_max_age: Duration,
    /// The master key itself, out of the environment.
    pub master_key: Option<MasterKeys>,
    /// The file of a master key that is kept elsewhere.
    pub master_key_file: Option<PathBuf>,
}

/// How resource servers ask and follow.
#[derive(Clone, Debug, Default)]
pub struct ResourceServersConfig {
    /// Whether this machine's own may go without a credential.
    pub open_on_loopback: bool,
    /// How many may follow revocations at once.
    pub max_followers: usize,
    /// How many of the newest revocations are kept in memory for them.
    pub buffer: usize,
}

/// How passwords are hashed.
#[derive(Clone, Debug)]
pub struct PasswordConfig {
    /// Argon2id's parameters.
    pub cost: Cost,
    /// How many at once; 0: as many as there are cores.
    pub threads: usize,
    /// How many may wait.
    pub queue: usize,
    /// How long a one-time code for a new password is good.
    pub reset_code_lifetime: Duration,
    /// Whether a cost below OWASP's least is let through: for tests.
    pub allow_weak: bool,
    /// The filter of breached passwords.
    pub breached_filter: Option<PathBuf>,
}

/// How often a password or a code may be tried.
#[derive(Clone, Debug, Default)]
pub struct AttemptsConfig {
    /// Whether that is counted at all.
    pub enabled: bool,
    /// How often.
    pub policy: AttemptPolicy,
}

/// The work that is asked of strangers before they may try.
#[derive(Clone, Copy, Debug)]
pub struct ProofOfWorkConfig {
    /// When it is asked for.
    pub when: Wanted,
    /// How much.
    pub work: Work,
}

/// When a proof of work is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// Never.
    Never,
    /// While strangers have used up more than half of what they may do at once.
    Strained,
    /// Always.
    Always,
}

/// How people register.
#[derive(Clone, Debug)]
pub struct RegistrationConfig {
    /// Who may.
    pub mode: Registration,
    /// The role that they begin with.
    pub default_role: Option<RoleName>,
}

/// Who may register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Registration {
    /// Anybody.
    Open,
    /// Nobody, over HTTP.
    Closed,
}

/// Which pages work with the API.
#[derive(Clone, Debug, Default)]
pub struct BrowserConfig {
    /// Where they come from; none: no page may read an answer, and no session has its refresh token in a cookie.
    pub origins: Vec<WebOrigin>,
}

/// How the store is used.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// How many writes may wait.
    pub write_queue: usize,
    /// How many connections read.
    pub readers: usize,
    /// Whether commits reach the disk.
    pub synchronous: Synchronous,
}

impl Config {
    /// The defaults for a server inside another program: database and master key are in this folder, and there is no page at
    /// `/docs`, which has to be at the root of an address.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        let mut config = Self::default();
        config.server.data_dir = folder.into();
        config.server.docs_page = false;
        config
    }

    /// Names the issuer: the address at which clients reach the routes, with the prefix that they are nested under. Unless
    /// `issuer.audience` is set, tokens are meant for it, too.
    #[must_use]
    pub fn issued_by(mut self, url: impl Into<String>) -> Self {
        self.issuer.url = Some(url.into());
        self
    }

    /// Sets what the file of the server would, by the names and in the words of the reference:
    /// `[("session.access_lifetime", "5m")]`.
    ///
    /// # Errors
    /// [`ConfigError`] with all that is wrong.
    pub fn set<'a>(
        self,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        load::set(self, settings)
    }
}

impl Default for Config {
    /// The defaults of the settings table.
    fn default() -> Self {
        let mut config = Self {
            issuer: IssuerConfig::default(),
            server: ServerConfig::blank(),
            tls: TlsConfig::blank(),
            session: no_policy(),
            keys: KeysConfig {
                algorithm: Algorithm::EdDsa,
                signing_lifetime: Duration::ZERO,
                token_lifetime: Duration::ZERO,
                announce: Duration::ZERO,
                jwks_max_age: Duration::ZERO,
                master_key: None,
                master_key_file: None,
            },
            dpop: DpopConfig::default(),
            password: PasswordConfig {
                cost: Cost {
                    memory: 0,
                    passes: 0,
                },
                threads: 0,
                queue: 0,
                reset_code_lifetime: Duration::ZERO,
                allow_weak: false,
                breached_filter: None,
            },
            registration: RegistrationConfig {
                mode: Registration::Open,
                default_role: None,
            },
            attempts: AttemptsConfig::default(),
            proof_of_work: ProofOfWorkConfig {
                when: Wanted::Never,
                work: Work {
                    cost: NonZeroU32::MIN,
                    zeros: 0,
                    lifetime: Duration::ZERO,
                },
            },
            browser: BrowserConfig::default(),
            resource_servers: ResourceServersConfig::default(),
            store: StoreConfig {
                write_queue: 0,
                readers: 0,
                synchronous: Synchronous::Full,
            },
            postgres: PostgresConfig::default(),
        };
        settings::apply_defaults(&mut config);
        config
    }
}

impl ServerConfig {
    /// Whether a proxy of that address is believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let mut proxies = self.trusted_proxies.iter();
        proxies.any(|network| network.contains(address))
    }

    /// Before the defaults.
    fn blank() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data_dir: PathBuf::new(),
            redirect_listen: None,
            behind_tls_proxy: false,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            proxy_protocol: false,
            docs_page: false,
            max_body: 0,
            max_headers: 0,
            header_timeout: Duration::ZERO,
            request_timeout: Duration::ZERO,
            max_connections: 0,
            max_requests: 0,
            max_per_address: 0,
            max_streams: 0,
            shutdown_timeout: Duration::ZERO,
            core_dumps: CoreDumps::Never,
        }
    }
}

/// What the settings fill in.
fn no_policy() -> Policy {
    let zero = Lifetimes {
        idle: Duration::ZERO,
        absolute: Duration::ZERO,
    };
    Policy {
        access: Duration::ZERO,
        usual: zero,
        remembered: zero,
        retry_window: Duration::ZERO,
        on_reuse: ReuseScope::Session,
        max_per_user: 0,
        reauth_within: Duration::ZERO,
        idle_grace: Duration::ZERO,
        keep_ended: Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_sets_what_the_file_would() {
        let config = Config::in_folder("data").issued_by("https://app.example.com/auth-server");
        let config = config.set([
            ("session.access_lifetime", "5m"),
            ("issuer.audience", "api"),
        ]);
        let config = config.unwrap();
        assert_eq!(config.session.access, Duration::from_mins(5));
        assert_eq!(config.issuer.audience.as_deref(), Some("api"));
        assert_eq!(config.server.data_dir, PathBuf::from("data"));
        let issuer = config.issuer.url.as_deref();
        assert_eq!(issuer, Some("https://app.example.com/auth-server"));
        assert!(!config.server.docs_page);
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let wrong = [
            ("session.access_lifetime", "soon"),
            ("session.acess_lifetime", "5m"),
        ];
        let error = Config::in_folder("data").set(wrong).unwrap_err();
        assert_eq!(error.faults().len(), 2, "{error}");
        assert!(error.faults()[0].starts_with("session.access_lifetime: "));
        let apart = Config::in_folder("data").set([("session.idle_lifetime", "10m")]);
        assert!(apart.is_err(), "an access token would outlive its session");
    }
}
