//! `relatch passwords`.

use std::{fs::File, path::PathBuf};

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::{Failure, chain, output::Output};
use crate::breached::build::{self, Width};

/// What can be done about passwords in general.
#[derive(Subcommand)]
pub(super) enum PasswordsCommand {
    /// Make a filter of a list of breached passwords, for `password.breached_filter`.
    ///
    /// The list has a password a line, or the SHA-1 of one in hexadecimal, with or without `:` and how often it was seen, sorted,
    /// as Have I Been Pwned distributes them. Hashes are read in little memory, however many; words take 8 bytes each.
    #[command(after_help = "\
  relatch passwords build-filter --from pwned-passwords.txt --to breached.filter
  relatch passwords build-filter --from words.txt --to breached.filter --false-positives 1-in-256")]
    BuildFilter {
        /// The list.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// The filter; one that is there is replaced, also beside a running server, which goes on with the old one until it is
        /// started again.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// How often a good password may be taken for a breached one: the rarer, the larger the file.
        #[arg(long, value_enum, default_value = "1-in-65536")]
        false_positives: Share,
        #[command(flatten)]
        output: Output,
    },
}

/// How often a filter is wrong.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Share {
    /// A little over nine bits a password.
    #[value(name = "1-in-256")]
    OneByte,
    /// A little over eighteen bits a password.
    #[value(name = "1-in-65536")]
    TwoBytes,
}

/// Runs one of them.
pub(super) fn run(command: &PasswordsCommand) -> Result<(), Failure> {
    let PasswordsCommand::BuildFilter {
        from,
        to,
        false_positives,
        output,
    } = command;
    let list = File::open(from)
        .map_err(|error| Failure::NotFound(format!("the list {}: {error}", from.display())))?;
    let width = match false_positives {
        Share::OneByte => Width::One,
        Share::TwoBytes => Width::Two,
    };
    let built = build::build(list, to, width).map_err(chain)?;
    let bits = (built.bytes * 8).div_ceil(built.entries.max(1));
    let value = json!({ "entries": built.entries, "bytes": built.bytes, "bits_per_entry": bits });
    output.print(&value, || {
        let (entries, bytes, to) = (built.entries, built.bytes, to.display());
        format!(
            "{to}: {entries} passwords in {bytes} bytes. In relatch.toml:\n\n  [password]\n  breached_filter = \"{to}\""
        )
    });
    Ok(())
}
