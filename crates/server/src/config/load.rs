//! Reads the file and the environment over the defaults, and gathers every problem.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{
    Config,
    settings::{self, SETTINGS, Setting},
};

/// What the command line says; it comes last.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--data`
    pub data_dir: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<SocketAddr>,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is wrong:")?;
        self.0
            .iter()
            .try_for_each(|fault| write!(f, "\n  - {fault}"))
    }
}

/// Reads `file`, then the variables that begin with `RELATCH_`, then `overrides`.
///
/// # Errors
/// [`ConfigError`] with all that is wrong.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    overrides: Overrides,
) -> Result<Config, ConfigError> {
    let (mut config, mut faults) = (Config::default(), Vec::new());
    if let Some(path) = file {
        read_file(path, &mut config, &mut faults);
    }
    read_environment(environment, &mut config, &mut faults);
    config.server.data_dir = overrides.data_dir.unwrap_or(config.server.data_dir);
    config.server.listen = overrides.listen.unwrap_or(config.server.listen);
    settings::derive(&mut config);
    if faults.is_empty() {
        faults.extend(
            settings::check(&config)
                .into_iter()
                .map(|(key, fault)| format!("{key}: {fault}")),
        );
    }
    if faults.is_empty() {
        Ok(config)
    } else {
        Err(ConfigError(faults))
    }
}

fn read_file(path: &Path, config: &mut Config, faults: &mut Vec<String>) {
    let place = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return faults.push(format!("{place} cannot be read: {error}")),
    };
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return faults.push(format!("{place} is no TOML: {error}")),
    };
    for (section, value) in table {
        let toml::Value::Table(keys) = value else {
            faults.push(format!("{place}: {}", unknown(&section)));
            continue;
        };
        for (key, value) in keys {
            let key = format!("{section}.{key}");
            if let Err(fault) = set(config, &key, plain(&value)) {
                faults.push(format!("{place}: {fault}"));
            }
        }
    }
}

fn read_environment(
    environment: impl Iterator<Item = (String, String)>,
    config: &mut Config,
    faults: &mut Vec<String>,
) {
    for (name, value) in environment {
        let Some(rest) = name
            .strip_prefix("RELATCH_")
            .filter(|rest| !is_foreign(rest))
        else {
            continue;
        };
        let key = rest.to_ascii_lowercase().replacen('_', ".", 1);
        if let Err(fault) = set(config, &key, Some(value)) {
            faults.push(format!("environment variable {name}: {fault}"));
        }
    }
}

/// `RELATCH_LOG` is the log's; the others Kubernetes sets beside a service of our name.
fn is_foreign(rest: &str) -> bool {
    rest == "LOG" || rest == "PORT" || rest.starts_with("PORT_") || rest.starts_with("SERVICE_")
}

fn set(config: &mut Config, key: &str, value: Option<String>) -> Result<(), String> {
    let setting = find(key).ok_or_else(|| unknown(key))?;
    let value = value.ok_or_else(|| format!("{key}: must be a text, a number or true/false"))?;
    (setting.set)(config, &value).map_err(|fault| format!("{key}: {fault}"))
}

fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

fn unknown(key: &str) -> String {
    let near = |setting: &&Setting| (strsim::jaro_winkler(setting.key, key) * 1000.0).round();
    let nearest = SETTINGS.iter().max_by(|a, b| near(a).total_cmp(&near(b)));
    match nearest {
        Some(nearest) if near(&nearest) > 800.0 => format!(
            "{key}: there is no such setting; did you mean {}?",
            nearest.key
        ),
        _ => format!("{key}: there is no such setting"),
    }
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relatch.toml");
        std::fs::write(&path, text).expect("writes");
        load(Some(&path), std::iter::empty(), Overrides::default()).map_err(|error| {
            ConfigError(
                error
                    .0
                    .iter()
                    .map(|fault| fault.replace(&path.display().to_string(), "FILE"))
                    .collect(),
            )
        })
    }

    #[test]
    fn nothing_set_is_the_defaults() {
        let config = load(None, std::iter::empty(), Overrides::default()).expect("loads");
        assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.session.usual.idle.as_secs(), 5 * 86_400);
    }

    #[test]
    fn the_environment_comes_after_the_file_and_the_command_line_last() {
        let environment = [
            ("RELATCH_SESSION_RETRY_WINDOW", "1s"),
            ("RELATCH_SERVER_LISTEN", "127.0.0.1:1"),
            ("RELATCH_LOG", "debug"),
            ("RELATCH_PORT_80_TCP", "tcp://10.0.0.1:80"),
            ("RELATCH_SERVICE_HOST", "10.0.0.1"),
            ("HOME", "/"),
        ];
        let environment = environment
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let overrides = Overrides {
            listen: Some(([127, 0, 0, 1], 2).into()),
            ..Overrides::default()
        };
        let config = load(None, environment, overrides).expect("loads");
        assert_eq!(config.session.retry_window.as_secs(), 1);
        assert_eq!(config.server.listen.port(), 2);
    }

    #[test]
    fn every_problem_is_told_at_once_with_the_nearest_name() {
        let error = file("[session]\nretry_windw = \"30s\"\naccess_lifetime = 15\n[server]\nlisten = \"here\"\nmax_body = [1]\n[sesion]\nidle = 1\n").unwrap_err();
        let expected = [
            "FILE: server.listen: \"here\" is no address: write an IP address and a port, like \"127.0.0.1:8080\" or \"[::1]:8080\"",
            "FILE: server.max_body: must be a text, a number or true/false",
            "FILE: sesion.idle: there is no such setting; did you mean session.idle_lifetime?",
            "FILE: session.access_lifetime: \"15\" is no duration: write a whole number and a unit, like \"500ms\", \"30s\", \"15m\", \"12h\" or \"5d\"",
            "FILE: session.retry_windw: there is no such setting; did you mean session.retry_window?",
        ];
        let mut found = error.0;
        found.sort();
        let mut expected = expected.map(str::to_owned).to_vec();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_file_that_is_not_there_or_not_toml_is_a_sentence() {
        assert!(
            file("[session\n")
                .unwrap_err()
                .to_string()
                .contains("FILE is no TOML")
        );
        let missing = load(
            Some(Path::new("/nowhere/relatch.toml")),
            std::iter::empty(),
            Overrides::default(),
        );
        assert!(
            missing
                .unwrap_err()
                .to_string()
                .contains("/nowhere/relatch.toml cannot be read")
        );
    }
}
