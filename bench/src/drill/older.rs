//! An older backup: copied while the server stood still, restored after its clients went on. Their
//! sessions go on with tokens that the database has not seen yet.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::account::{Account, Habit};
use super::check::check_restored;
use super::client::{Shift, Work, join};
use super::folder;
use crate::failure::{Doing, Result};
use crate::place::Place;
use crate::server::Server;

/// Clients of this drill, and as many more that come after the backup.
const CLIENTS: usize = 12;

/// What came of it.
#[derive(Debug)]
pub(crate) struct Restored {
    /// Sessions that the backup knows.
    pub(crate) sessions: usize,
    pub(crate) broken: Vec<String>,
}

/// Takes a backup, goes on, restores it, and looks.
///
/// # Errors
/// It could not be carried out.
pub(crate) async fn restore(place: &Place, config: &Path, seed: u64) -> Result<Restored> {
    let backup = Backup {
        place,
        config,
        data: place.folder.join("backed-up"),
    };
    let copy = place.folder.join("backup");
    let accounts = (0..CLIENTS)
        .map(|n| Account::new(format!("old-{n:03}")))
        .collect();
    let before = backup.session(accounts, Habit::Everything, seed).await?;
    folder::copy(&backup.data, &copy)?;
    let accounts = before.iter().map(|work| work.account.clone());
    let new = (0..CLIENTS).map(|n| Account::new(format!("young-{n:03}")));
    let accounts = accounts.chain(new).collect();
    let after = backup
        .session(accounts, Habit::EndingNothing, !seed)
        .await?;
    backup.look(&copy, &before, after).await
}

struct Backup<'a> {
    place: &'a Place,
    config: &'a Path,
    data: PathBuf,
}

impl Backup<'_> {
    fn start(&self, data: &Path) -> Result<Server> {
        let command = folder::serve(self.place, self.config, data);
        Server::start(command, &self.place.folder.join("server.log"))
    }

    /// Starts a server, lets the clients work for a while, and stops it.
    async fn session(&self, accounts: Vec<Account>, habit: Habit, seed: u64) -> Result<Vec<Work>> {
        let server = self.start(&self.data)?;
        let shift = Shift {
            address: server.address(),
            habit,
            seed,
            limit: Duration::from_secs(1),
        };
        let works = join(shift.begin(accounts)).await?;
        server.stop()?;
        Ok(works)
    }

    async fn look(&self, copy: &Path, before: &[Work], after: Vec<Work>) -> Result<Restored> {
        let server = self.start(copy)?;
        let mut restored = Restored {
            sessions: before.iter().map(|work| work.account.live.len()).sum(),
            broken: before.iter().flat_map(|work| work.broken.clone()).collect(),
        };
        for mut work in after {
            restored.broken.append(&mut work.broken);
            let stranger = Account::new(work.account.name.clone());
            let old = before.iter().find(|old| old.account.name == stranger.name);
            let old = old.map_or(&stranger, |old| &old.account);
            let checked = check_restored(&mut work.account, old, server.address()).await;
            restored
                .broken
                .extend(checked.doing("asking the restored server")?);
        }
        server.stop()?;
        Ok(restored)
    }
}
