//! `[postgres]`: where the database is that several nodes share, if they do.

use std::{path::PathBuf, time::Duration};

use relatch_store::postgres::{Address, AddressError, Options};
use zeroize::Zeroizing;

/// Where PostgreSQL is and how it is used.
#[derive(Clone, Debug, Default)]
pub struct PostgresConfig {
    /// The address itself.
    pub address: Option<Address>,
    /// The file that it is in.
    pub url_file: Option<PathBuf>,
    /// The file of its password.
    pub password_file: Option<PathBuf>,
    /// Whom to trust to vouch for the server.
    pub ca_file: Option<PathBuf>,
    /// Whether the address leads to a pooler.
    pub pooler: bool,
    /// The address without the pooler.
    pub direct: Option<Address>,
    /// How many connections, beside those that rotate.
    pub connections: usize,
    /// How many connections rotate.
    pub rotating: usize,
    /// How long it may take to connect.
    pub connect_timeout: Duration,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// How long a lock may be waited for.
    pub lock_timeout: Duration,
}

/// Why a file of `[postgres]` is of no use.
#[derive(Debug, thiserror::Error)]
pub enum AddressFault {
    /// It cannot be read.
    #[error("{0} cannot be read")]
    File(PathBuf, #[source] std::io::Error),
    /// What is in it is no address.
    #[error("{0}")]
    Address(PathBuf, #[source] AddressError),
}

impl PostgresConfig {
    /// Whether PostgreSQL is used, and not SQLite.
    pub fn is_on(&self) -> bool {
        self.address.is_some() || self.url_file.is_some()
    }

    /// Where the database is and how it is used, with what the files say; nothing if there is none.
    ///
    /// # Errors
    /// [`AddressFault`].
    pub fn options(&self, queue: usize) -> Result<Option<Options>, AddressFault> {
        let address = match (&self.address, &self.url_file) {
            (Some(address), _) => address.clone(),
            (None, Some(path)) => Address::parse(read(path)?.trim())
                .map_err(|error| AddressFault::Address(path.clone(), error))?,
            (None, None) => return Ok(None),
        };
        let password = self.password_file.as_ref().map(read).transpose()?;
        let complete = |address: Address| {
            let address = match &password {
                Some(password) => address.with_password(password.trim_end_matches(['\r', '\n'])),
                None => address,
            };
            match &self.ca_file {
                Some(path) => address.trusting(path),
                None => address,
            }
        };
        let direct = self.direct.clone();
        let listen = direct.or_else(|| (!self.pooler).then(|| address.clone()));
        Ok(Some(Options {
            address: complete(address),
            listen: listen.map(complete),
            connections: self.connections,
            rotating: self.rotating,
            queue,
            connect_timeout: self.connect_timeout,
            statement_timeout: self.statement_timeout,
            lock_timeout: self.lock_timeout,
        }))
    }
}

fn read(path: &PathBuf) -> Result<Zeroizing<String>, AddressFault> {
    let text = std::fs::read_to_string(path);
    text.map(Zeroizing::new)
        .map_err(|error| AddressFault::File(path.clone(), error))
}

#[cfg(test)]
mod tests {
    use crate::Config;

    #[test]
    fn an_address_may_be_in_a_file_of_its_own_and_its_password_in_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("url"), "postgres://relatch@db.example.com/app\n").expect("writes");
        std::fs::write(path("password"), "hunter2\n").expect("writes");
        let config = Config::default().set([
            ("postgres.url_file", path("url").as_str()),
            ("postgres.password_file", &path("password")),
            ("keys.master_key_file", "master.key"),
        ]);
        let config = config.expect("is right");
        let options = config.postgres.options(9).expect("reads").expect("is on");
        assert!(options.address.has_password());
        assert_eq!(options.address.to_string(), "app at db.example.com");
        assert!(!format!("{options:?}").contains("hunter2"));
        std::fs::write(path("url"), "postgres://relatch:hunter2@/app").expect("writes");
        let error = config.postgres.options(9).expect_err("no host");
        assert!(!format!("{error:?}").contains("hunter2"));
        assert!(!Config::default().postgres.is_on());
    }

    #[test]
    fn a_pooler_is_not_listened_to() {
        let set = |more: &[(&'static str, &'static str)]| {
            let settings = [
                ("postgres.url", "postgres://relatch@localhost:6432/app"),
                ("keys.master_key_file", "master.key"),
            ];
            let config = Config::default().set(settings.iter().chain(more).copied());
            let options = config.expect("is right").postgres.options(9);
            options.expect("reads").expect("is on").listen
        };
        assert!(set(&[]).is_some());
        assert!(set(&[("postgres.pooler", "true")]).is_none());
        let direct = ("postgres.direct_url", "postgres://relatch@127.0.0.1/app");
        let listen = set(&[("postgres.pooler", "true"), direct]).expect("listens");
        assert_eq!(listen.to_string(), "app at 127.0.0.1");
    }

    #[test]
    fn the_master_key_is_given_and_one_address_named() {
        let url = ("postgres.url", "postgres://relatch@localhost/app");
        let error = Config::default().set([url, ("postgres.url_file", "url")]);
        let faults = error.expect_err("is wrong");
        let told: Vec<_> = faults.faults().iter().map(|fault| &fault[..20]).collect();
        assert_eq!(told, ["postgres.url: set be", "keys.master_key_file"]);
    }
}
