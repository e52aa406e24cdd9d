//! One load on a server under strace, and what its clients were told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::account::{Account, Habit};
use super::client::{Shift, Work, join};
use super::folder;
use super::history::Answers;
use crate::chance::Chance;
use crate::failure::{Failure, Result};
use crate::place::Place;
use crate::server::Server;
use crate::trace::{Recorder, Trace};

/// How to load the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) clients: u64,
    pub(super) seed: u64,
    pub(super) limit: Duration,
}

/// A load that is over: the server was killed in the end.
#[derive(Debug)]
pub(super) struct Traced {
    /// The folder that the trace is about.
    pub(super) data: PathBuf,
    pub(super) trace: Trace,
    pub(super) answers: Answers,
    pub(super) works: Vec<Work>,
}

impl Load {
    /// Starts a server under strace on a new folder, lets the clients work, and kills it.
    ///
    /// # Errors
    /// It could not be carried out, or the trace not be read.
    pub(super) async fn trace(self, place: &Place, config: &Path) -> Result<Traced> {
        let data = place.folder.join(format!("traced-{:x}", self.seed));
        let recorder = Recorder::new(&place.folder.join("strace.txt"))?;
        let mut command = recorder.command(&place.server);
        folder::serve_with(&mut command, config, &data);
        let server = Server::start(command, &place.folder.join("server.log"))?;
        let names = 0..self.clients;
        let accounts = names.map(|n| Account::new(format!("cut-{n:03}"))).collect();
        let shift = Shift {
            address: server.address(),
            habit: Habit::Everything,
            seed: self.seed,
            limit: self.limit,
        };
        let works = join(shift.begin(accounts)).await?;
        let pid = server.pid();
        server.kill();
        let trace = Trace::read(recorder.finish(pid)?, &data)?;
        let answers = Answers::of(&trace);
        Ok(Traced {
            data,
            trace,
            answers,
            works,
        })
    }
}

impl Traced {
    /// Random places to cut the power at: one in the first start, which must not leave a folder that
    /// never starts again, and `points` under load, every other one right when an answer goes out.
    ///
    /// # Errors
    /// Nothing was answered.
    pub(super) fn places(&self, points: u64, chance: &mut Chance) -> Result<Vec<usize>> {
        let answers = self.answers.places();
        let (Some(first), Some(last)) = (answers.first(), answers.last()) else {
            return Err(Failure::Told(
                "the traced server answered nothing".to_owned(),
            ));
        };
        let events = self.trace.events.iter().map(|event| event.start);
        let early: Vec<usize> = events.take_while(|start| start < first).collect();
        let mut places: Vec<usize> = chance
            .pick(&early)
            .map(|start| start + 1)
            .into_iter()
            .collect();
        for point in 0..points {
            let anywhere = chance.between(*first as u64, *last as u64 + 1);
            let anywhere = usize::try_from(anywhere).unwrap_or(*last);
            let answer = chance.pick(&answers).map_or(anywhere, |start| start + 1);
            places.push(if point % 2 == 0 { anywhere } else { answer });
        }
        Ok(places)
    }
}
