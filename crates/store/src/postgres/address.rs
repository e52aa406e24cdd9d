//! Where PostgreSQL is, as operators write it: a URL or words, with the names for TLS that libpq knows beside those of
//! tokio-postgres. Owns what is refused, and whether the way there leaves this machine.

use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr as _, time::Duration};

use tokio_postgres::config::{Config, Host, SslMode, TargetSessionAttrs};

/// Why an address of a database is not taken. Never says the password.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressError {
    /// It cannot be read.
    #[error(
        "this is no address of a PostgreSQL database: {0}; for example postgres://relatch@db.example.com/relatch"
    )]
    Unreadable(String),
    /// It names no user.
    #[error("it names no user: postgres://USER@…")]
    NoUser,
    /// It names no host.
    #[error(
        "it names no host: postgres://USER@HOST/…, or ?host=/run/postgresql for a socket on this machine"
    )]
    NoHost,
    /// It asks for no TLS where the way leads through a network.
    #[error("it turns TLS off, and the way to the database is not within this machine")]
    Plain,
}

/// Where a database is, and as whom to use it.
#[derive(Clone)]
pub struct Address {
    pub(super) config: Config,
    /// The file of the certificates that are trusted, if the address names one.
    pub(super) root: Option<PathBuf>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hosts and database; neither user nor password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let hosts: Vec<_> = hosts.collect();
        let database = self.config.get_dbname().or(self.config.get_user());
        write!(f, "{} at {}", database.unwrap_or("?"), hosts.join(", "))
    }
}

impl Address {
    /// Reads a URL or libpq's `name=value` words.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (text, named) = take_names(text);
        let config = Config::from_str(&text);
        // What tokio-postgres says names the option at fault and no value.
        let mut config = config.map_err(|error| {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            AddressError::Unreadable(source.unwrap_or_else(|| error.to_string()))
        })?;
        if config.get_user().is_none() {
            return Err(AddressError::NoUser);
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(AddressError::NoHost);
        }
        let is_local = is_local(&config);
        match (is_local, config.get_ssl_mode()) {
            (false, SslMode::Disable) => return Err(AddressError::Plain),
            (false, _) => drop(config.ssl_mode(SslMode::Require)),
            (true, SslMode::Require) => {}
            (true, _) if named.verify => drop(config.ssl_mode(SslMode::Require)),
            (true, _) => drop(config.ssl_mode(SslMode::Disable)),
        }
        follow_the_primary(&mut config);
        Ok(Self {
            config,
            root: named.root,
        })
    }

    /// Whether a password is in it.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// The same with that password.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.config.password(password);
        self
    }

    /// The same, but the certificates in that file are trusted.
    #[must_use]
    pub fn trusting(mut self, path: impl Into<PathBuf>) -> Self {
        self.root = Some(path.into());
        self
    }

    /// Whether connections are encrypted and the server's certificate is checked.
    pub(super) fn wants_tls(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }
}

/// Of several hosts, the one that takes writes; and a peer that is gone is noticed.
fn follow_the_primary(config: &mut Config) {
    let several = config.get_hosts().len().max(config.get_hostaddrs().len()) > 1;
    if several && config.get_target_session_attrs() == TargetSessionAttrs::Any {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if config.get_application_name().is_none() {
        config.application_name("relatch");
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(10));
    }
    config.keepalives_idle(config.get_keepalives_idle().min(Duration::from_secs(30)));
}

/// What the way of TLS is called by libpq and not by tokio-postgres.
#[derive(Default)]
struct Named {
    verify: bool,
    root: Option<PathBuf>,
}

/// Takes `sslmode=verify-full`, `sslmode=verify-ca` and `sslrootcert` out of the address: certificates are always checked
/// in full.
fn take_names(text: &str) -> (String, Named) {
    let mut named = Named::default();
    let mut keep = |word: &str| match word.split_once('=') {
        Some(("sslmode", "verify-full" | "verify-ca")) => {
            named.verify = true;
            false
        }
        Some(("sslrootcert", path)) => {
            named.root = Some(unescaped(path).into());
            false
        }
        _ => true,
    };
    let text = if text.contains("://") {
        let Some((base, query)) = text.split_once('?') else {
            return (text.to_owned(), named);
        };
        let kept: Vec<_> = query.split('&').filter(|word| keep(word)).collect();
        let mark = if kept.is_empty() { "" } else { "?" };
        format!("{base}{mark}{}", kept.join("&"))
    } else {
        let kept: Vec<_> = text.split(' ').filter(|word| keep(word)).collect();
        kept.join(" ")
    };
    (text, named)
}

/// A path in a URL, where a slash may be written as `%2F`.
fn unescaped(text: &str) -> String {
    text.replace("%2F", "/").replace("%2f", "/")
}

/// Whether no byte leaves this machine.
fn is_local(config: &Config) -> bool {
    let hosts = config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
    });
    hosts && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Address {
        Address::parse(text).expect("an address")
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted_and_checked() {
        for far in [
            "postgres://relatch@db.example.com/relatch",
            "postgres://relatch@db.example.com/relatch?sslmode=prefer",
            "postgres://relatch@db.example.com/relatch?sslmode=verify-full",
            "host=127.0.0.1,db.example.com user=relatch sslmode=verify-ca",
        ] {
            assert!(parse(far).wants_tls(), "{far}");
        }
        for near in [
            "postgres://relatch@127.0.0.1/relatch",
            "postgres://relatch@[::1]:5433/relatch",
            "postgres://relatch@localhost/relatch?sslmode=prefer",
            "postgres://relatch@%2Frun%2Fpostgresql/relatch",
            "host=/run/postgresql user=relatch",
        ] {
            assert!(!parse(near).wants_tls(), "{near}");
        }
        assert!(parse("postgres://relatch@localhost/?sslmode=verify-full").wants_tls());
        let plain = Address::parse("postgres://relatch@db.example.com/relatch?sslmode=disable");
        assert_eq!(plain.err(), Some(AddressError::Plain));
    }

    #[test]
    fn the_file_of_trusted_certificates_is_taken_from_it() {
        let address = parse(
            "postgres://relatch@db.example.com/relatch?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&connect_timeout=3",
        );
        assert_eq!(address.root, Some("/etc/ca.pem".into()));
        let timeout = address.config.get_connect_timeout();
        assert_eq!(timeout, Some(&Duration::from_secs(3)));
    }

    #[test]
    fn a_wrong_one_is_refused_and_no_password_told() {
        for wrong in [
            "postgres://relatch:hunter2@db.example.com/relatch?colour=red",
            "postgres://relatch:hunter2@db.example.com:port/relatch",
            "postgres://db.example.com/relatch",
            "postgres://relatch:hunter2@/relatch",
            "mysql://relatch:hunter2@db.example.com/relatch",
            "hunter2",
        ] {
            let error = Address::parse(wrong).expect_err(wrong);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let told = format!(
            "{:?}",
            parse("postgres://relatch:hunter2@db.example.com/app")
        );
        assert_eq!(told, "app at db.example.com");
    }

    #[test]
    fn of_several_hosts_the_one_that_takes_writes_is_used() {
        let address = parse("postgres://relatch@one.example.com,two.example.com/relatch");
        let wanted = address.config.get_target_session_attrs();
        assert_eq!(wanted, TargetSessionAttrs::ReadWrite);
    }
}
