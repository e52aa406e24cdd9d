//! Reads the file and the environment over the defaults, and gathers every problem.

use std::{
    collections::BTreeMap,
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

impl ConfigError {
    /// Each problem in a sentence.
    pub fn faults(&self) -> &[String] {
        &self.0
    }
}

/// Where a value came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The file, at this line, counted from 1.
    File(PathBuf, usize),
    /// The environment variable of that name.
    Environment(String),
    /// The option of that name.
    CommandLine(&'static str),
}

/// One setting with its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// `section.key`.
    pub key: &'static str,
    /// As it was written; none where nobody set it and it is worked out at start.
    pub value: Option<String>,
    /// Where it came from.
    pub source: Source,
}

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
    Reading::of(file, environment, overrides)
        .finish()
        .map(|reading| reading.config)
}

/// Sets these, each `section.key` and a text, over `config`.
///
/// # Errors
/// [`ConfigError`] with all that is wrong.
pub(super) fn set<'a>(
    config: Config,
    settings: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Config, ConfigError> {
    let mut reading = Reading {
        config,
        ..Reading::default()
    };
    for (key, value) in settings {
        let setting = find(key).ok_or_else(|| unknown(key));
        let set = setting.and_then(|setting| {
            let set = (setting.set)(&mut reading.config, value);
            set.map_err(|fault| format!("{key}: {fault}"))
        });
        reading.faults.extend(set.err());
    }
    reading.finish().map(|reading| reading.config)
}

/// The same, but answers every setting with where it came from.
///
/// # Errors
/// [`ConfigError`] with all that is wrong.
pub fn show(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    overrides: Overrides,
) -> Result<Vec<Shown>, ConfigError> {
    let mut reading = Reading::of(file, environment, overrides).finish()?;
    let shown = SETTINGS.iter().map(|setting| {
        let found = reading.set.remove(setting.key);
        let default = || Some(setting.default.to_owned()).filter(|text| !text.is_empty());
        let (value, source) = found.map_or_else(
            || (default(), Source::Default),
            |(value, source)| (Some(value), source),
        );
        Shown {
            key: setting.key,
            value,
            source,
        }
    });
    Ok(shown.collect())
}

/// A configuration on its way, with everything that is wrong so far.
#[derive(Default)]
struct Reading {
    config: Config,
    /// What was set last, and where.
    set: BTreeMap<&'static str, (String, Source)>,
    faults: Vec<String>,
}

impl Reading {
    fn of(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        overrides: Overrides,
    ) -> Self {
        let mut reading = Self::default();
        if let Some(path) = file {
            reading.read_file(path);
        }
        reading.read_environment(environment);
        reading.read_overrides(overrides);
        reading
    }

    fn finish(mut self) -> Result<Self, ConfigError> {
        settings::derive(&mut self.config);
        if self.faults.is_empty() {
            let faults = settings::check(&self.config).into_iter();
            self.faults = faults
                .map(|(key, fault)| format!("{key}: {fault}"))
                .collect();
        }
        if self.faults.is_empty() {
            Ok(self)
        } else {
            Err(ConfigError(self.faults))
        }
    }

    fn read_file(&mut self, path: &Path) {
        let place = path.display();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let fault = format!("{place} cannot be read: {error}");
                return self.faults.push(fault);
            }
        };
        self.read_text(path, &text);
    }

    fn read_text(&mut self, path: &Path, text: &str) {
        let place = path.display();
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => return self.faults.push(format!("{place} is no TOML: {error}")),
        };
        let lines = lines(text);
        let line = |key: &str| lines.get(key).copied().unwrap_or(1);
        for (section, value) in table {
            let toml::Value::Table(keys) = value else {
                let fault = format!("{place}:{}: {}", line(&section), unknown(&section));
                self.faults.push(fault);
                continue;
            };
            for (key, value) in keys {
                let key = format!("{section}.{key}");
                let source = Source::File(path.to_owned(), line(&key));
                if let Err(fault) = self.take(&key, plain(&value), source) {
                    self.faults.push(format!("{place}:{}: {fault}", line(&key)));
                }
            }
        }
    }

    fn read_environment(&mut self, environment: impl Iterator<Item = (String, String)>) {
        for (name, value) in environment {
            let Some(rest) = name
                .strip_prefix("RELATCH_")
                .filter(|rest| !is_foreign(rest))
            else {
                continue;
            };
            let named = SETTINGS
                .iter()
                .find(|setting| variable(setting.key) == rest);
            let guess = || rest.to_ascii_lowercase().replacen('_', ".", 1);
            let key = named.map_or_else(guess, |setting| setting.key.to_owned());
            let source = Source::Environment(name.clone());
            if let Err(fault) = self.take(&key, Some(value), source) {
                self.faults
                    .push(format!("environment variable {name}: {fault}"));
            }
        }
    }

    fn read_overrides(&mut self, overrides: Overrides) {
        if let Some(folder) = overrides.data_dir {
            let source = Source::CommandLine("--data");
            let shown = folder.display().to_string();
            self.set.insert("server.data_dir", (shown, source));
            self.config.server.data_dir = folder;
        }
        if let Some(address) = overrides.listen {
            let source = Source::CommandLine("--listen");
            self.set
                .insert("server.listen", (address.to_string(), source));
            self.config.server.listen = address;
        }
    }

    fn take(&mut self, key: &str, value: Option<String>, source: Source) -> Result<(), String> {
        let setting = find(key).ok_or_else(|| unknown(key))?;
        let is_secret = value
            .as_deref()
            .is_some_and(|value| setting.is_secret(value));
        if is_secret && matches!(source, Source::File(..)) {
            let variable = variable(key);
            return Err(format!(
                "{key}: a secret does not belong in this file: name its own with {key}_file, or set RELATCH_{variable}"
            ));
        }
        let value =
            value.ok_or_else(|| format!("{key}: must be a text, a number or true/false"))?;
        (setting.set)(&mut self.config, &value).map_err(|fault| format!("{key}: {fault}"))?;
        let shown = if is_secret {
            "(secret)".to_owned()
        } else {
            value
        };
        self.set.insert(setting.key, (shown, source));
        Ok(())
    }
}

/// On which line each section and each key of a section is.
fn lines(text: &str) -> BTreeMap<String, usize> {
    use toml::de::{DeTable, DeValue};
    let mut lines = BTreeMap::new();
    let line = |place: usize| {
        let before = text.bytes().take(place);
        before.filter(|byte| *byte == b'\n').count() + 1
    };
    let Ok(table) = DeTable::parse(text) else {
        return lines;
    };
    for (section, value) in table.get_ref() {
        lines.insert(section.get_ref().to_string(), line(section.span().start));
        if let DeValue::Table(keys) = value.get_ref() {
            for key in keys.keys() {
                let name = format!("{}.{}", section.get_ref(), key.get_ref());
                lines.insert(name, line(key.span().start));
            }
        }
    }
    lines
}

/// A setting's name in the environment, without the prefix.
fn variable(key: &str) -> String {
    key.to_ascii_uppercase().replace('.', "_")
}

/// `RELATCH_LOG` is the log's; the others Kubernetes sets beside a service of our name.
fn is_foreign(rest: &str) -> bool {
    rest == "LOG" || rest == "PORT" || rest.starts_with("PORT_") || rest.starts_with("SERVICE_")
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
        toml::Value::Array(values) => texts(values),
        _ => None,
    }
}

/// As one would write them into one text, which a variable of the environment must.
fn texts(values: &[toml::Value]) -> Option<String> {
    let texts: Option<Vec<_>> = values.iter().map(toml::Value::as_str).collect();
    texts.map(|texts| texts.join(", "))
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

    /// Whatever a file holds, it is read or each fault has a sentence.
    #[test]
    fn fuzz_configuration() {
        let seeds: [&[u8]; 3] = [
            b"[server]\nlisten = \"0.0.0.0:443\"\nbehind_proxy = true\ntrusted_proxies = [\"10.0.0.0/8\"]\n",
            b"[session]\nretry_window = \"30s\"\naccess_lifetime = \"15m\"\nidle_lifetime = \"5d\"\n",
            b"[issuer]\nurl = \"https://auth.example.com\"\naudience = \"api\"\n[keys]\nalgorithm = \"ES256\"\n",
        ];
        let target = fuzz::Target {
            name: "configuration",
            seeds: &seeds,
            words: &[
                "[server]",
                "= -1",
                "= 1e999",
                "\"99999999999d\"",
                "[[",
                "'''",
                "1979-05-27T07:32:00Z",
                "\u{0}",
            ],
        };
        fuzz::run(&target, |input| {
            let mut reading = Reading::default();
            reading.read_text(Path::new("relatch.toml"), &String::from_utf8_lossy(input));
            if let Err(ConfigError(faults)) = reading.finish() {
                assert!(!faults.is_empty() && faults.iter().all(|fault| fault.len() > 10));
            }
        });
    }

    #[test]
    fn every_setting_has_a_variable_whatever_its_section_is_called() {
        for setting in SETTINGS {
            let name = format!("RELATCH_{}", variable(setting.key));
            let mut reading = Reading::default();
            reading.read_environment([(name.clone(), String::new())].into_iter());
            let fault = reading.faults.concat();
            assert!(!fault.contains("no such setting"), "{name}: {fault}");
        }
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
    fn every_setting_is_shown_with_where_it_came_from() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relatch.toml");
        let text = "# A comment.\n\nstore.readers = 2\n\n[session]\nretry_window = \"1s\"\nkeep_ended = \"9d\"\n";
        std::fs::write(&path, text).expect("writes");
        let variable = ("RELATCH_SESSION_KEEP_ENDED", "8d");
        let environment = [variable].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let overrides = Overrides {
            data_dir: Some("elsewhere".into()),
            ..Overrides::default()
        };
        let shown = show(Some(&path), environment.into_iter(), overrides).expect("loads");
        assert_eq!(shown.len(), SETTINGS.len());
        for (key, value, source) in [
            ("issuer.url", None, Source::Default),
            ("server.listen", Some("127.0.0.1:8080"), Source::Default),
            ("store.readers", Some("2"), Source::File(path.clone(), 3)),
            ("session.retry_window", Some("1s"), Source::File(path, 6)),
            (
                "session.keep_ended",
                Some("8d"),
                Source::Environment(variable.0.to_owned()),
            ),
            (
                "server.data_dir",
                Some("elsewhere"),
                Source::CommandLine("--data"),
            ),
        ] {
            let found = shown.iter().find(|shown| shown.key == key);
            let expected = Shown {
                key,
                value: value.map(str::to_owned),
                source,
            };
            assert_eq!(found, Some(&expected));
        }
    }

    #[test]
    fn a_list_is_an_array_or_one_text() {
        let array = "[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n";
        let text = "[server]\ntrusted_proxies = \"10.0.0.0/8,::1\"\n";
        for written in [array, text] {
            let config = file(written).expect("loads");
            assert_eq!(config.server.trusted_proxies.len(), 2, "{written}");
        }
        for wrong in ["[1]", "[]", "[\"\"]", "[[\"::1\"]]"] {
            let written = format!("[server]\ntrusted_proxies = {wrong}\n");
            assert!(file(&written).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_problem_is_told_at_once_with_the_nearest_name() {
        let error = file("[session]\nretry_windw = \"30s\"\naccess_lifetime = 15\n[server]\nlisten = \"here\"\nmax_body = [1]\n[sesion]\nidle = 1\n").unwrap_err();
        let expected = [
            "FILE:5: server.listen: \"here\" is no address: write an IP address and a port, like \"127.0.0.1:8080\" or \"[::1]:8080\"",
            "FILE:6: server.max_body: must be a text, a number or true/false",
            "FILE:8: sesion.idle: there is no such setting; did you mean session.idle_lifetime?",
            "FILE:3: session.access_lifetime: \"15\" is no duration: write a whole number and a unit, like \"500ms\", \"30s\", \"15m\", \"12h\" or \"5d\"",
            "FILE:2: session.retry_windw: there is no such setting; did you mean session.retry_window?",
        ];
        let mut found = error.0;
        found.sort();
        let mut expected = expected.map(str::to_owned).to_vec();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_secret_is_never_shown_and_never_in_the_file() {
        let key = "ab".repeat(32);
        let error = file(&format!("keys.master_key = {key:?}\n")).unwrap_err();
        assert_eq!(
            error.faults(),
            [
                "FILE:1: keys.master_key: a secret does not belong in this file: name its own with keys.master_key_file, or set RELATCH_KEYS_MASTER_KEY"
            ]
        );
        let environment = |value: &str| {
            let variable = ("RELATCH_KEYS_MASTER_KEY".to_owned(), value.to_owned());
            std::iter::once(variable)
        };
        let none = Overrides::default;
        let shown = show(None, environment(&key), none()).expect("loads");
        let shown = shown.iter().find(|shown| shown.key == "keys.master_key");
        let value = shown.and_then(|shown| shown.value.as_deref());
        assert_eq!(value, Some("(secret)"));
        let config = load(None, environment(&key), none()).expect("loads");
        assert!(config.keys.master_key.is_some());
        assert!(
            !format!("{config:?}").contains("ab, ab") && !format!("{config:?}").contains("171")
        );
        let error = load(None, environment(&key[1..]), none()).unwrap_err();
        assert!(!error.to_string().contains(&key[1..]), "{error}");
        let both = environment(&key).chain(std::iter::once((
            "RELATCH_KEYS_MASTER_KEY_FILE".to_owned(),
            "key".to_owned(),
        )));
        let error = load(None, both, none()).unwrap_err();
        assert_eq!(
            error.faults(),
            ["keys.master_key: set beside keys.master_key_file: unset one of them"]
        );
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
