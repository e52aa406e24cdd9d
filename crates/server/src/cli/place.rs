//! Where the configuration and the data are, and opening them beside a running server.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use relatch_core::{
    Store, Timestamp,
    event::{Actor, Administrator, Origin},
    password::Rules,
};
use relatch_store::Options;

use super::{Failure, chain, output::Output};
use crate::{
    clock::{Clock as _, SystemClock},
    config::{self, Config, ConfigError, Overrides, Shown},
    database::{Database, Source},
};

/// The two arguments that every command has.
#[derive(clap::Args)]
pub(super) struct Place {
    /// A TOML file; `relatch config reference` lists what may be in it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of the database and the master key [default: relatch-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Those two and how to print: what most commands take.
#[derive(clap::Args)]
pub(super) struct Common {
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) output: Output,
}

impl Place {
    /// The configuration, as the server would have it.
    pub(super) fn load(&self, overrides: Overrides) -> Result<Config, Failure> {
        Ok(self.read(overrides)?)
    }

    /// The same, or everything that is wrong with it.
    pub(super) fn read(&self, overrides: Overrides) -> Result<Config, ConfigError> {
        let overrides = Overrides {
            data_dir: self.data.clone(),
            ..overrides
        };
        config::load(self.config.as_deref(), super::environment(), overrides)
    }

    /// The file of the configuration, if one is named.
    pub(super) fn config_file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Every setting with where it came from.
    pub(super) fn show(&self) -> Result<Vec<Shown>, ConfigError> {
        let overrides = Overrides {
            data_dir: self.data.clone(),
            ..Overrides::default()
        };
        config::show(self.config.as_deref(), super::environment(), overrides)
    }

    /// The configuration and the database, which need not be there.
    pub(super) fn locate(&self) -> Result<Located, Failure> {
        let flush = crate::logging::start(super::log_filter().as_deref().unwrap_or("warn"))?;
        let config = self.load(Overrides::default())?;
        let source = Source::of(&config).map_err(chain)?;
        Ok(Located {
            config,
            source,
            flush,
        })
    }

    /// Opens the database that is there; makes none.
    pub(super) fn open(&self) -> Result<Opened, Failure> {
        let Located {
            config,
            source,
            flush,
        } = self.locate()?.must_exist()?;
        let runtime = runtime()?;
        let policy = Arc::new(config.session.clone());
        let database = runtime
            .block_on(source.open_beside(policy))
            .map_err(chain)?;
        Ok(Opened {
            config,
            store: Arc::clone(&database.store),
            database,
            runtime,
            _flush: flush,
        })
    }
}

/// What waits for a database, on the thread of the command.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_all()
        .build()
        .map_err(|error| chain(error).into())
}

/// Where a database is or will be, not open.
pub(super) struct Located {
    pub(super) config: Config,
    pub(super) source: Source,
    flush: crate::logging::Flush,
}

impl Located {
    /// Refuses if it is a file that is not there.
    pub(super) fn must_exist(self) -> Result<Self, Failure> {
        match &self.source {
            Source::Sqlite(options) if !options.path.is_file() => Err(Failure::NotFound(format!(
                "there is no database at {}: name its folder with --data, or start `relatch serve` there once",
                options.path.display()
            ))),
            Source::Sqlite(_) | Source::Postgres(_) => Ok(self),
        }
    }

    /// The file, for what is done with files alone.
    pub(super) fn file(&self) -> Result<&Options, Failure> {
        match &self.source {
            Source::Sqlite(options) => Ok(options),
            Source::Postgres(_) => Err(Failure::Usage(
                "this is for a SQLite database in the data folder. A PostgreSQL database is backed up and restored by PostgreSQL's own tools: `pg_dump` and `pg_restore`, or `pg_basebackup` with an archive of its log"
                    .to_owned(),
            )),
        }
    }
}

/// A database beside, or in place of, a running server.
pub(super) struct Opened {
    pub(super) config: Config,
    pub(super) store: Arc<dyn Store>,
    database: Database,
    runtime: tokio::runtime::Runtime,
    _flush: crate::logging::Flush,
}

impl Opened {
    /// What may be a password here.
    pub(super) fn passwords(&self) -> Result<Rules, Failure> {
        Ok(crate::app::password_rules(&self.config).map_err(chain)?)
    }

    /// Waits for what the store answers.
    pub(super) fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// The time now.
    #[expect(
        clippy::unused_self,
        reason = "there is one clock, that of whoever opened this"
    )]
    pub(super) fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// Whoever types commands here, now.
    pub(super) fn administrator(&self) -> Administrator {
        administrator(self.now())
    }
}

/// Whoever types commands here: the record names the command line, and the system's user as far as the environment
/// tells.
pub(super) fn administrator(now: Timestamp) -> Administrator {
    let named = |wanted: &str| super::environment().find(|variable| variable.0 == wanted);
    let user = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(named);
    let user = user.map_or_else(|| "unknown".to_owned(), |variable| variable.1);
    let user: String = user
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c))
        .take(32)
        .collect();
    let agent = format!(
        "relatch/{} (command line, {user})",
        env!("CARGO_PKG_VERSION")
    );
    Administrator {
        actor: Actor::CommandLine,
        origin: Origin {
            address: None,
            agent: Some(agent),
        },
        now,
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.database.close();
    }
}
