//! The command line.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    Relatch,
    config::{self, Config, Overrides},
    serve,
};

/// An authentication server for REST APIs: users log in and get a short-lived access token (JWT) and a refresh token that
/// turns at every use.
#[derive(Parser)]
#[command(name = "relatch", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve: makes the data folder, the master key and the keys where there are none.
    Serve(Serve),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(clap::Args)]
struct Serve {
    /// A TOML file; `relatch config reference` lists what may be in it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of the database and the master key [default: relatch-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print the reference of all settings, in Markdown.
    Reference,
}

/// Runs the command that the arguments name. Exit codes: 0 done, 1 failed, 2 wrong usage.
pub fn run() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(arguments) => report(run_server(arguments)),
        Command::Config(ConfigCommand::Reference) => {
            print!("{}", config::reference());
            ExitCode::SUCCESS
        }
    }
}

fn report(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("relatch: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run_server(arguments: Serve) -> Result<(), String> {
    let environment = || {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
    };
    let filter = environment()
        .find(|variable| variable.0 == "RELATCH_LOG")
        .map(|variable| variable.1);
    let _flush = crate::logging::start(filter.as_deref().unwrap_or("info"))?;
    let overrides = Overrides {
        data_dir: arguments.data,
        listen: arguments.listen,
    };
    let config = config::load(arguments.config.as_deref(), environment(), overrides)
        .map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(chain)?;
    runtime.block_on(serve_until_signal(config))
}

async fn serve_until_signal(mut config: Config) -> Result<(), String> {
    let address = config.server.listen;
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let address = listener.local_addr().map_err(chain)?;
    let issuer = config
        .issuer
        .url
        .get_or_insert_with(|| format!("http://{address}"))
        .clone();
    let relatch = Relatch::open(config).await.map_err(chain)?;
    tracing::info!(%address, issuer, "listening");
    print!("{}", welcome(address));
    serve::serve(listener, &relatch, serve::signal()).await;
    relatch.close();
    tracing::info!("stopped");
    Ok(())
}

fn welcome(address: SocketAddr) -> String {
    format!(
        "\
listening on http://{address}

Register, call a protected route, refresh:

  TOKENS=$(curl -sS http://{address}/auth/register -H 'Content-Type: application/json' \\
    -d '{{\"username\":\"ada'$RANDOM'\",\"email\":\"ada@example.com\",\"password\":\"a long enough password\"}}'); echo \"$TOKENS\"
  curl -sS http://{address}/auth/me -H \"Authorization: Bearer $(echo \"$TOKENS\" | sed 's/.*\"access_token\":\"\\([^\"]*\\).*/\\1/')\"
  curl -sS -X POST http://{address}/auth/refresh -H \"Authorization: Bearer $(echo \"$TOKENS\" | sed 's/.*\"refresh_token\":\"\\([^\"]*\\).*/\\1/')\"

"
    )
}

/// An error with all its causes in one line.
fn chain(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
