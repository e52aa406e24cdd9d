//! One power cut: what the disk may hold goes into a fresh folder, a server starts on it, and every
//! client looks for what it was promised.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::check::check;
use super::folder;
use super::traced::Traced;
use crate::chance::Chance;
use crate::failure::{Doing, Result};
use crate::place::Place;
use crate::server::Server;
use crate::trace::{Luck, disk};

/// A cut at one place of one trace.
#[derive(Debug)]
pub(super) struct Outage<'a> {
    pub(super) place: &'a Place,
    pub(super) config: &'a Path,
    pub(super) traced: &'a Traced,
    pub(super) cut: usize,
    pub(super) luck: Luck,
}

impl Outage<'_> {
    /// Cuts the power and starts again. The promises that did not hold, in words.
    ///
    /// # Errors
    /// It could not be carried out.
    pub(super) async fn suffer(&self, chance: &mut Chance) -> Result<Vec<String>> {
        let data = self.place.folder.join("replayed");
        let files = disk(&self.traced.trace.events, self.cut, self.luck, chance);
        replay(&files, &self.traced.data, &data)?;
        let mut broken = self.integrity(&data);
        broken.append(&mut self.restart(&data, chance).await?);
        fs::remove_dir_all(&data).doing("removing the replayed folder")?;
        let place = format!("line {}, {:?}", self.cut, self.luck);
        Ok(broken
            .into_iter()
            .map(|what| format!("{place}: {what}"))
            .collect())
    }

    fn integrity(&self, data: &Path) -> Vec<String> {
        let copy = self.place.folder.join("copy");
        match folder::integrity(data, &copy) {
            Ok(verdict) if verdict == "ok" => Vec::new(),
            Ok(verdict) => vec![format!("integrity_check: {verdict}")],
            Err(error) => vec![format!("integrity_check: {error}")],
        }
    }

    async fn restart(&self, data: &Path, chance: &mut Chance) -> Result<Vec<String>> {
        let command = folder::serve(self.place, self.config, data);
        let log = self.place.folder.join("server.log");
        let server = match Server::start(command, &log) {
            Ok(server) => server,
            Err(error) => return Ok(vec![format!("{error}: {}", folder::last_line(&log))]),
        };
        let mut broken = Vec::new();
        for work in &self.traced.works {
            let lost = chance.percent(50);
            let mut stand = self.traced.answers.stand(work, self.cut, lost)?;
            let in_flight = stand.in_flight.as_ref();
            match check(&mut stand.account, in_flight, server.address()).await {
                Ok(mut found) => broken.append(&mut found),
                Err(error) => {
                    broken.push(format!("the server does not answer: {error}"));
                    break;
                }
            }
        }
        server.kill();
        Ok(broken)
    }
}

/// Writes the files of a disk into the folder `to`; they are named as in the folder `from`.
fn replay(files: &BTreeMap<PathBuf, Vec<u8>>, from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).doing(to.display().to_string())?;
    for (name, bytes) in files {
        let Ok(name) = name.strip_prefix(from) else {
            continue;
        };
        let path = to.join(name);
        let file = fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path);
        let mut file = file.doing(path.display().to_string())?;
        file.write_all(bytes).doing(path.display().to_string())?;
    }
    Ok(())
}
