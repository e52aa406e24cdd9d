//! `relatch config`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    Failure,
    output::{Output, table},
    place::Place,
};
use crate::config::{self, Shown, Source};

/// What can be done with the configuration.
#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Tell every problem at once; exit code 0 if there is none and 1 if there is.
    #[command(after_help = "\
Looks at the file, the environment and the options as `relatch serve` would, and starts nothing.

  relatch config check --config /etc/relatch.toml && systemctl restart relatch")]
    Check {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: Output,
    },
    /// Show every setting, its value, and where the value came from.
    #[command(after_help = "\
Defaults come first, then the file, then the environment (RELATCH_SESSION_RETRY_WINDOW), then the options: the last one
that says something counts, and is named.

  relatch config show --config /etc/relatch.toml")]
    Show {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: Output,
    },
    /// Print the reference of all settings, in Markdown.
    Reference,
}

/// Runs one of them.
pub(super) fn run(command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check { place, output } => check(place, *output),
        ConfigCommand::Show { place, output } => show(place, *output),
        ConfigCommand::Reference => {
            print!("{}", config::reference());
            Ok(())
        }
    }
}

fn check(place: &Place, output: Output) -> Result<(), Failure> {
    let result = place.show();
    let faults = match &result {
        Ok(_) => &[],
        Err(error) => error.faults(),
    };
    let text = || "The configuration is right.".to_owned();
    if faults.is_empty() || output.is_json() {
        output.print(&json!({ "problems": faults }), text);
    }
    result?;
    Ok(())
}

fn show(place: &Place, output: Output) -> Result<(), Failure> {
    let settings = place.show()?;
    let shown: Vec<_> = settings.iter().map(shape).collect();
    output.print(&json!({ "settings": shown }), || {
        let rows: Vec<_> = settings.iter().map(row).collect();
        table(["SETTING", "VALUE", "FROM"], &rows)
    });
    Ok(())
}

fn shape(setting: &Shown) -> Value {
    let (source, place, line) = match &setting.source {
        Source::Default => ("default", None, None),
        Source::File(path, line) => ("file", Some(path.display().to_string()), Some(line)),
        Source::Environment(name) => ("environment", Some(name.clone()), None),
        Source::CommandLine(option) => ("command_line", Some((*option).to_owned()), None),
    };
    json!({
        "key": setting.key,
        "value": setting.value,
        "source": source,
        "place": place,
        "line": line,
    })
}

fn row(setting: &Shown) -> [String; 3] {
    let source = match &setting.source {
        Source::Default => "default".to_owned(),
        Source::File(path, line) => format!("{}:{line}", path.display()),
        Source::Environment(name) => name.clone(),
        Source::CommandLine(option) => (*option).to_owned(),
    };
    let value = setting.value.clone();
    [
        setting.key.to_owned(),
        value.unwrap_or_else(|| "unset".to_owned()),
        source,
    ]
}
