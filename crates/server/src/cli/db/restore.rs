//! `relatch db restore`.

mod told;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use relatch_core::{
    Entropy, Timestamp,
    key::{KeyRecord, turn},
};
use relatch_store::{
    Restoration, Sessions,
    sqlite::{Replaced, Restored, Settling},
};
use serde_json::json;

use super::super::{
    Failure, chain,
    output::Output,
    place::{self, Located, Place},
};
use crate::{
    Config,
    clock::{Clock as _, SystemClock},
    entropy::SystemEntropy,
    http::time,
    keyring::{self, MasterSource},
};
use told::Told;

const CHOICE: &str = "\
say what becomes of the sessions, for a backup has forgotten what was ended since it was taken.

  --sessions end-all   Every session ends: everybody logs in anew, and is told that a backup was restored.
                       Choose this if you do not know who logged out, lost a device or changed a password since.
  --sessions keep      Every client goes on with the token that it holds. But devices that were logged out since
                       the backup are logged in again, also those whose token was seen in two hands; passwords
                       from before a change are good again, the new ones are not; users who registered since are
                       unknown. Nobody is idle by the age of the backup; absolute ends stay.

Either way, what was written since the backup is gone, but for this: keys that were withdrawn, users who were disabled or
deleted and roles and credentials that were taken stay so, where the database that is replaced can be read. Nothing has been changed.";

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

impl Restore {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let choice = self
            .sessions
            .ok_or_else(|| Failure::Usage(CHOICE.to_owned()))?;
        let located = self.find()?;
        let by = place::administrator(SystemClock.now());
        let now = by.now;
        let options = located.file()?;
        let prepared = Restoration::prepare(options, &self.file, now).map_err(chain)?;
        let (taken_at, told) = (prepared.taken_at(), Told::of(prepared.replaced()));
        let keys = self.keys(&prepared, &located.config, now)?;
        let settling = Settling {
            sessions: choice.sessions(&located.config.session),
            keys,
            by,
            policy: &located.config.session,
        };
        let path = &options.path;
        let restored = prepared
            .finish(settling, &aside(path, now))
            .map_err(chain)?;
        let mut value = json!({
            "restored": path,
            "from": self.file,
            "taken_at": time(taken_at),
            "restored_at": time(now),
            "age_seconds": now.since(taken_at).as_secs(),
            "sessions": choice.name(),
            "sessions_touched": restored.sessions,
            "kept": restored.kept,
        });
        told.add_to(&mut value);
        let text = || {
            format!(
                "{} is now as it was at {}.\n{}\n{}{}",
                path.display(),
                time(taken_at),
                choice.told(restored.sessions),
                told.text(),
                kept(&restored)
            )
        };
        self.output.print(&value, text);
        Ok(())
    }

    /// Where the backup goes, if both are there.
    fn find(&self) -> Result<Located, Failure> {
        if !self.file.is_file() {
            let file = self.file.display();
            return Err(Failure::NotFound(format!("there is no file {file}")));
        }
        let located = self.place.locate()?;
        located.file()?;
        let folder = &located.config.server.data_dir;
        if folder.is_dir() {
            return Ok(located);
        }
        Err(Failure::NotFound(format!(
            "there is no folder {}: make it with mode 0700, and put the master key of the backup where it is looked for: {}",
            folder.display(),
            MasterSource::of(&located.config)
        )))
    }

    /// The keys of the backup, without those that were withdrawn since; new ones where that leaves too few.
    fn keys(
        &self,
        prepared: &Restoration,
        config: &Config,
        now: Timestamp,
    ) -> Result<Vec<KeyRecord>, Failure> {
        let refuse = |why: String| {
            let file = self.file.display();
            Failure::Failed(format!(
                "{file} was not restored: {why}. Nothing has been changed"
            ))
        };
        let opened = keyring::open_only(prepared.keys(), config, now);
        let (_, masters) = opened.map_err(|error| refuse(chain(error)))?;
        let mut records = prepared.keys().records.clone();
        let Replaced::Known(since) = prepared.replaced() else {
            return Ok(records);
        };
        // As a server made the others, whatever this command was configured with.
        let algorithm = turn::algorithm(&records).unwrap_or(config.keys.algorithm);
        turn::compromise_as(&mut records, &since.withdrawn, now);
        let lacking = turn::lacking(&records);
        let seal = (&masters, &SystemEntropy as &dyn Entropy);
        let made = keyring::supplied((records, lacking), algorithm, seal, now);
        made.map_err(|error| refuse(chain(error)))
    }
}

/// The name of the database that was there.
fn aside(path: &Path, now: Timestamp) -> PathBuf {
    let mut aside = path.as_os_str().to_owned();
    let stamp = time(now).replace(['-', ':'], "");
    aside.push(format!(".before-restore-{stamp}"));
    aside.into()
}

impl Choice {
    fn name(self) -> &'static str {
        match self {
            Self::EndAll => "end-all",
            Self::Keep => "keep",
        }
    }

    fn sessions(self, policy: &relatch_core::session::Policy) -> Sessions {
        match self {
            Self::EndAll => Sessions::EndAll {
                access: policy.access,
            },
            Self::Keep => Sessions::Keep,
        }
    }

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
