//! Where the configuration and the data are, and opening them beside a running server.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use relatch_core::{
    Timestamp,
    event::{Actor, Administrator, Origin},
    password::Rules,
};
use relatch_store::{Options, Sqlite};

use super::{Failure, chain, output::Output};
use crate::{
    app,
    clock::{Clock as _, SystemClock},
    config::{self, Config, ConfigError, Overrides, Shown},
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

    /// The configuration and the file of the database, which need not be there.
    pub(super) fn locate(&self) -> Result<Located, Failure> {
        let flush = crate::logging::start(super::log_filter().as_deref().unwrap_or("warn"))?;
        let config = self.load(Overrides::default())?;
        let options = app::store_options(&config);
        Ok(Located {
            config,
            options,
            flush,
        })
    }

    /// Opens the database that is there; makes none.
    pub(super) fn open(&self) -> Result<Opened, Failure> {
        let Located {
            config,
            options,
            flush,
        } = self.locate()?.must_exist()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(chain)?;
        let entered = runtime.enter();
        let policy = Arc::new(config.session.clone());
        let store = Sqlite::open_beside(&options, policy).map_err(|error| {
            format!(
                "the database {} cannot be used: {}",
                options.path.display(),
                chain(error)
            )
        })?;
        drop(entered);
        Ok(Opened {
            config,
            store: Arc::new(store),
            runtime,
            _flush: flush,
        })
    }
}

/// Where a database is or will be, not open.
pub(super) struct Located {
    pub(super) config: Config,
    pub(super) options: Options,
    flush: crate::logging::Flush,
}

impl Located {
    /// Refuses if it is not there.
    pub(super) fn must_exist(self) -> Result<Self, Failure> {
        if self.options.path.is_file() {
            return Ok(self);
        }
        Err(Failure::NotFound(format!(
            "there is no database at {}: name its folder with --data, or start `relatch serve` there once",
            self.options.path.display()
        )))
    }
}

/// A database beside, or in place of, a running server.
pub(super) struct Opened {
    pub(super) config: Config,
    pub(super) store: Arc<Sqlite>,
    runtime: tokio::runtime::Runtime,
    _flush: crate::logging::Flush,
}

impl Opened {
    /// What may be a password here.
    pub(super) fn passwords(&self) -> Result<Rules, Failure> {
        Ok(app::password_rules(&self.config).map_err(chain)?)
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
        self.store.close();
    }
}
