//! The command line: one file a noun. A command works on the database itself, and is safe beside a running server.

mod admin;
mod audit;
mod completions;
mod config;
mod db;
mod doctor;
mod key;
mod output;
mod place;
mod resource_server;
mod role;
mod secret;
mod serve;
mod session;
mod tls;
mod token;
mod user;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{http, memory};

/// An authentication server for REST APIs: users log in and get a short-lived access token (JWT) and a refresh token that
/// turns at every use.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 there is no such thing, 4 the answer is no, 5 it is yes, with a warning.
#[derive(Parser)]
#[command(name = "relatch", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve: makes the data folder, the master key and the keys where there are none.
    Serve(serve::Serve),
    /// Make the first administrator.
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Make, look at, disable and delete users; set passwords.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Look at sessions, end them, and tell why one ended.
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// Look at a token: what it is, and whether it would be accepted.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Make roles and say what they permit.
    #[command(subcommand)]
    Role(role::RoleCommand),
    /// Give services credentials, with which they follow revocations and ask about tokens.
    #[command(subcommand)]
    ResourceServer(resource_server::ResourceServerCommand),
    /// Look at the keys and turn them.
    #[command(subcommand)]
    Key(key::Key),
    /// Print the OpenAPI document of the API, as `/openapi.json` serves it.
    Openapi,
    /// Print the catalogue of errors, in Markdown.
    Errors,
    /// Look at the record of security events, and whether it can be trusted.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Look for what is wrong around the server, and say how to mend it: exit code 4 for faults, 5 for warnings.
    #[command(after_help = "\
Looks at the configuration, files and their modes, certificates, the clock, the database, keys, and who can reach what. It
changes nothing, and may be run every few minutes beside a running server, as the user of the server.

  relatch doctor --config /etc/relatch.toml --data /var/lib/relatch")]
    Doctor(place::Common),
    /// Back the database up, restore, check and count it.
    #[command(subcommand)]
    Db(db::Db),
    /// Make a certificate for development.
    #[command(subcommand)]
    Tls(tls::Tls),
    /// Check the configuration, and see where each setting comes from.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Print a script that completes this command line in a shell.
    Completions(completions::Completions),
}

/// Why a command did not do what it was asked; each kind has its exit code.
#[derive(Debug)]
enum Failure {
    /// It could not be done.
    Failed(String),
    /// What was named is not there.
    NotFound(String),
    /// It was looked at, and the answer is no.
    No(String),
    /// It was looked at, and the answer is yes, but not for sure or not for long.
    Doubtful(String),
    /// Something has to be said that was not.
    Usage(String),
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<relatch_core::StoreError> for Failure {
    fn from(error: relatch_core::StoreError) -> Self {
        Self::Failed(chain(error))
    }
}

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    // Before anything secret is read.
    memory::close();
    let result = match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Admin(command) => admin::run(&command),
        Command::User(command) => user::run(&command),
        Command::Session(command) => session::run(&command),
        Command::Token(command) => token::run(&command),
        Command::Role(command) => role::run(&command),
        Command::ResourceServer(command) => resource_server::run(&command),
        Command::Key(command) => key::run(&command),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Openapi => print_page(&http::openapi::text()),
        Command::Errors => print_page(&http::problem::reference()),
        Command::Audit(command) => audit::run(&command),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Db(command) => db::run(&command),
        Command::Tls(command) => tls::run(&command),
        Command::Config(command) => config::run(&command),
    };
    let (code, message) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Failed(message)) => (1, message),
        Err(Failure::Usage(message)) => (2, message),
        Err(Failure::NotFound(message)) => (3, message),
        Err(Failure::No(message)) => (4, message),
        Err(Failure::Doubtful(message)) => (5, message),
    };
    eprintln!("relatch: {message}");
    ExitCode::from(code)
}

#[expect(clippy::unnecessary_wraps, reason = "as every command")]
fn print_page(page: &str) -> Result<(), Failure> {
    print!("{page}");
    Ok(())
}

/// The environment as texts.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn log_filter() -> Option<String> {
    environment()
        .find(|variable| variable.0 == "RELATCH_LOG")
        .map(|variable| variable.1)
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
