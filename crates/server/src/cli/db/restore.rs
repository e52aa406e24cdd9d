//! `relatch db restore`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use relatch_store::{Restoration, Sessions, sqlite::Restored};
use serde_json::json;

use super::{
    super::{Failure, chain, output::Output, place::Place},
    locked,
};
use crate::{
    clock::{Clock as _, SystemClock},
    http::time,
    keyring,
};

const CHOICE: &str = "\
say what becomes of the sessions, for a backup has forgotten what was ended since it was taken.

  --sessions end-all   Every session ends: everybody logs in anew, and is told that a backup was restored.
                       Choose this if you do not know who logged out, lost a device or changed a password since.
  --sessions keep      Every client goes on with the token that it holds. But devices that were logged out since
                       the backup are logged in again, also those whose token was seen in two hands; passwords
                       from before a change are good again, the new ones are not; users who registered since are
                       unknown. Nobody is idle by the age of the backup; absolute ends stay.

Either way, what was written since the backup is gone. Nothing has been changed.";

/// What `restore` takes.
#[derive(Args)]
pub(in crate::cli) struct Restore {
    /// A file that `relatch db backup` made.
    file: PathBuf,
    /// What becomes of the sessions in it; there is no default.
    #[arg(long, value_enum)]
    sessions: Option<Choice>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    /// Everybody logs in anew, and is told that a backup was restored.
    EndAll,
    /// Everybody goes on with the token that he holds; what was ended since the backup is live again.
    Keep,
}

impl Choice {
    fn name(self) -> &'static str {
        match self {
            Self::EndAll => "end-all",
            Self::Keep => "keep",
        }
    }
}

impl Restore {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let choice = self
            .sessions
            .ok_or_else(|| Failure::Usage(CHOICE.to_owned()))?;
        if !self.file.is_file() {
            let file = self.file.display();
            return Err(Failure::NotFound(format!("there is no file {file}")));
        }
        let located = self.place.locate()?;
        let (path, folder) = (&located.options.path, &located.config.server.data_dir);
        if !folder.is_dir() {
            return Err(Failure::NotFound(format!(
                "there is no folder {}: make it with mode 0700, and put the master key of the backup there as {}",
                folder.display(),
                keyring::master_path(&located.config).display()
            )));
        }
        let now = SystemClock.now();
        let prepared = Restoration::prepare(&located.options, &self.file, now).map_err(chain)?;
        if let Some(why) = locked(&located, prepared.keys(), now) {
            let file = self.file.display();
            return Err(Failure::Failed(format!(
                "{file} was not restored: {why}. Nothing has been changed"
            )));
        }
        let taken_at = prepared.taken_at();
        let sessions = match choice {
            Choice::EndAll => Sessions::EndAll {
                access: located.config.session.access,
            },
            Choice::Keep => Sessions::Keep,
        };
        let mut aside = path.clone().into_os_string();
        let stamp = time(now).replace(['-', ':'], "");
        aside.push(format!(".before-restore-{stamp}"));
        let aside = PathBuf::from(aside);
        let restored = prepared.finish(sessions, &aside, now).map_err(chain)?;
        let value = json!({
            "restored": path,
            "from": self.file,
            "taken_at": time(taken_at),
            "restored_at": time(now),
            "age_seconds": now.since(taken_at).as_secs(),
            "sessions": choice.name(),
            "sessions_touched": restored.sessions,
            "kept": restored.kept,
        });
        let text = || {
            format!(
                "{} is now as it was at {}.\n{}\n{}",
                path.display(),
                time(taken_at),
                choice.told(restored.sessions),
                kept(&restored)
            )
        };
        self.output.print(&value, text);
        Ok(())
    }
}

impl Choice {
    fn told(self, sessions: usize) -> String {
        match self {
            Self::EndAll => format!(
                "{sessions} sessions were ended: everybody logs in anew, and is told `backup_restored`."
            ),
            Self::Keep => format!(
                "{sessions} sessions go on, each with the token that its client holds; none is idle by the backup's age."
            ),
        }
    }
}

fn kept(restored: &Restored) -> String {
    restored.kept.as_ref().map_or_else(
        || "There was no database before.".to_owned(),
        |kept| {
            format!(
                "The database that was here is kept as {}: remove it when you do not need it any more.",
                kept.display()
            )
        },
    )
}
