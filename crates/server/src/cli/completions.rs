//! `relatch completions`.

use clap::CommandFactory as _;

use super::{Arguments, Failure};

/// What `completions` takes.
#[derive(clap::Args)]
#[command(after_help = "\
  relatch completions bash > /etc/bash_completion.d/relatch
  relatch completions zsh > \"${fpath[1]}/_relatch\"
  relatch completions fish > ~/.config/fish/completions/relatch.fish")]
pub(super) struct Completions {
    /// For which shell.
    shell: clap_complete::Shell,
}

/// Prints them.
pub(super) fn run(arguments: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "relatch",
        &mut script,
    );
    let written = std::io::Write::write_all(&mut std::io::stdout(), &script);
    Ok(written.map_err(|error| format!("the script cannot be written: {error}"))?)
}
