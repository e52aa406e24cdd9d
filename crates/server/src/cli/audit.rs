//! `relatch audit`: the record of security events.

mod export;
mod follow;
mod head;
mod list;
mod shape;
mod verify;

use std::path::PathBuf;

use clap::Subcommand;

use super::{Failure, place::Common};

/// What can be done with the record.
#[derive(Subcommand)]
pub(super) enum AuditCommand {
    /// Look whether the record is the one that was written: exit code 4 and the first wrong row if not.
    #[command(after_help = "\
Every row is sealed within a second after it was written: hashed together with all rows before it, and the hash signed.
Somebody who can write the database, but has no key, cannot change, remove, insert or reorder a row unseen. What he can do is
put an older state of the whole database there, or cut off rows together with their heads: keep heads elsewhere against that.

  relatch audit verify
  relatch audit head >> /mnt/elsewhere/heads      every night
  relatch audit verify --head /mnt/elsewhere/heads")]
    Verify {
        /// Heads that were kept elsewhere, one a line, as `audit head`, `follow` and `export` print them.
        #[arg(long, value_name = "FILE")]
        head: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    /// Print the newest head, for keeping it elsewhere.
    Head {
        #[command(flatten)]
        common: Common,
    },
    /// List events, the last first.
    #[command(after_help = "\
  relatch audit list --user ada
  relatch audit list --name key. --since 2026-11-01
  relatch audit list --name login.failed --since 2026-11-20T08:00:00Z --until 2026-11-20T12:00:00Z")]
    List {
        #[command(flatten)]
        filter: list::Filter,
        #[command(flatten)]
        common: Common,
    },
    /// Print events as they happen, until it is interrupted; a server may come and go meanwhile.
    #[command(after_help = "\
  relatch audit follow
  relatch audit follow --after 1200 --heads --json | your-collector    from row 1201 on, with what proves it")]
    Follow {
        /// Begin behind this row; else with the last ten.
        #[arg(long, value_name = "NUMBER")]
        after: Option<i64>,
        /// Print each new head, too.
        #[arg(long)]
        heads: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Print the whole record with its heads as JSON lines, so that somebody else can verify it (docs/audit.md).
    Export {
        /// Begin behind this row.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: i64,
        #[command(flatten)]
        common: Common,
    },
}

/// Runs one of them.
pub(super) fn run(command: &AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::Verify { head, common } => verify::run(head.as_deref(), common),
        AuditCommand::Head { common } => head::run(common),
        AuditCommand::List { filter, common } => list::run(filter, common),
        AuditCommand::Follow {
            after,
            heads,
            common,
        } => follow::run(*after, *heads, common),
        AuditCommand::Export { after, common } => export::run(*after, common),
    }
}
